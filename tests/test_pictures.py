"""Several pictures in one."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like.data.utils import make_grid, save_image

X = tl.arange(5 * 3 * 2 * 4).view(5, 3, 2, 4) / 120


def test_where_each_picture_is():
    grid = make_grid(X, nrow=3, padding=1, pad_value=-1)
    assert grid.shape == (3, 2 * (2 + 1) + 1, 3 * (4 + 1) + 1)
    assert (grid[:, 1:3, 1:5] == X[0]).all() and (grid[:, 1:3, 11:15] == X[2]).all() and (grid[:, 4:6, 6:10] == X[4]).all()
    assert (grid == -1).sum().item() == grid.numel() - X.numel()


@pytest.mark.parametrize("x, shape", [
    (X, (3, 2 + 4, 5 * 6 + 2)), (list(X), (3, 6, 32)), (X[:1], (3, 2, 4)), (X[0], (3, 2, 4)), (X[0, 0], (3, 2, 4)),
    (X[:, :1], (3, 6, 32)),
])
def test_shapes(x, shape):
    assert make_grid(x).shape == shape


def test_normalize():
    grid = make_grid(X, normalize=True, padding=0)
    assert grid.min().item() == 0 and grid.max().item() == 1
    each = make_grid(X, normalize=True, scale_each=True, padding=0)
    assert each[:, :, :4].max().item() == each[:, :, -4:].max().item() == 1
    assert make_grid(X, normalize=True, value_range=(0, 2), padding=0).max().item() == pytest.approx(X.max().item() / 2)


def test_what_is_written_is_read_again(tmp_path):
    Image = pytest.importorskip("PIL.Image")
    save_image(X, tmp_path / "x.png", nrow=2, padding=1)
    read = np.asarray(Image.open(tmp_path / "x.png"))
    grid = make_grid(X, nrow=2, padding=1).permute(1, 2, 0).numpy()
    assert read.shape == grid.shape and np.abs(read / 255 - grid).max() <= 0.5 / 255 + 1e-6


def test_what_is_no_picture():
    with pytest.raises(TypeError, match=r"\(5,\)"):
        make_grid(tl.zeros(5))
    with pytest.raises(TypeError, match="ndarray"):
        make_grid(np.zeros((3, 2, 2)))
