"""What to try convolution on: one to three dimensions, with strides that leave a rest, dilation, groups, and uneven padding."""
import math

from hypothesis import strategies as st

from tinygrad_like import ops
from tinygrad_like.ops.windows import Geometry
from tinygrad_like.testing import Sample, arrays


@st.composite
def shapes(draw):
    """Shapes of image, weight and result, and the geometry that they have in common."""
    dims = draw(st.integers(1, 3))

    def each(least, most):
        return tuple([draw(st.integers(least, most)) for _ in range(dims)])

    kernel, stride, dilation, padding = each(1, 2 if dims == 3 else 3), each(1, 3), each(1, 2), each(-1, 2)
    positions = each(1, 2)
    groups, before, after = draw(st.sampled_from([(1, 1, 2), (1, 2, 3), (2, 1, 1), (2, 2, 1), (3, 1, 1)]))
    geometry = Geometry(stride, padding, dilation, groups)
    size = tuple([max(1, reach - a + draw(st.integers(-1, 2))) for reach, a in zip(geometry.reach(positions, kernel), padding)])
    n = draw(st.integers(0, 2))
    return (n, groups * before, *size), (groups * after, before, *kernel), (n, groups * after, *positions), geometry


@st.composite
def images(draw):
    x, w, y, geometry = draw(shapes())
    bias = [draw(arrays((w[0],)))] if draw(st.booleans()) else []
    return (draw(arrays(x)), draw(arrays(w)), *bias), {"into": y[2:], "geometry": geometry}


@st.composite
def results(draw):
    x, w, y, geometry = draw(shapes())
    bias = [draw(arrays((x[1],)))] if draw(st.booleans()) else []
    return (draw(arrays(y)), draw(arrays(w)), *bias), {"into": x[2:], "geometry": geometry}


@st.composite
def images_and_results(draw):
    x, w, y, geometry = draw(shapes())
    return (draw(arrays(x)), draw(arrays(y))), {"into": w[2:], "geometry": geometry}


@st.composite
def folded(draw, back=False):
    x, w, y, geometry = draw(shapes())
    kernel, positions = w[2:], y[2:]
    shape = (x[0], x[1] * math.prod(kernel), math.prod(positions)) if back else x
    params = {"kernel": kernel, "positions": positions, "geometry": geometry}
    return (draw(arrays(shape)),), {**params, "into": x[2:]} if back else params


SAMPLES = {
    ops.conv: Sample(images()),
    ops.conv_transpose: Sample(results()),
    ops.conv_weight: Sample(images_and_results()),
    ops.unfold: Sample(folded()),
    ops.fold: Sample(folded(back=True)),
}
