"""Layer: a Module that makes its weights when the shape of its input is known, and that can be called on an input yet to come.

What is yet to come is a KerasTensor: a shape, whose first length, the number of samples, is None, and the call that will give it.
"""
from __future__ import annotations

import copy
import difflib
import inspect
import itertools
import warnings
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import backend, errors, nn
from ..functions.random import fork_rng
from ..grad_mode import no_grad
from ..nn import Module, Parameter
from ..op import wrap
from ..tensor import Tensor
from ..training.losses import snake
from . import initializers, regularizers
from .names import METHODS

Shape = tuple[Any, ...]                                         # of lengths, or None for one that is not known yet

# What layers of Keras are given beside what they say themselves: what does nothing, and what to do instead of the rest.
ELSEWHERE: dict[str, tuple[tuple[Any, ...], str]] = {
    "data_format": ((None, "channels_last"), "the channels come last here; the nn layers have them behind the samples"),
    "activity_regularizer": ((None,), "let the loss function or a training loop add it up"),
    "pointwise_regularizer": ((None,), "put DepthwiseConv2D and Conv2D(…, 1) in its place"),
    **{f"{each}_constraint": ((None,), "change the weights in a callback, after each batch") for each in
       ("kernel", "bias", "recurrent", "embeddings", "beta", "gamma", "depthwise", "pointwise")},
    "dtype": ((None, "float32"), "convert the model when it is made: model.double()"),
    "seed": ((None,), "tinygrad_like.manual_seed(…) sets all random numbers"),
    "noise_shape": ((None,), "nn.Dropout1d and nn.Dropout2d drop whole channels"),
    "recurrent_dropout": ((0, 0.0), "dropout= is for the inputs, and a Dropout layer for the outputs"),
    "implementation": ((1, 2), ""), "unroll": ((True, False), ""), "use_cudnn": ((True, False, "auto"), ""),
    "stateful": ((False,), "give initial_state"), "time_major": ((False,), "the samples come first"),
    "sparse": ((False, None), ""), "ragged": ((False, None), ""), "weights": ((None,), "set_weights"),
    "synchronized": ((False,), "there is one process"), "renorm": ((False,), ""), "lora_rank": ((None,), ""),
    "run_eagerly": ((True, False, None), ""), "jit_compile": ((False, None, "auto"), ""),
    "steps_per_execution": ((1, None), ""), "auto_scale_loss": ((True, False), ""), "weighted_metrics": ((None,), ""),
    "validation_freq": ((1,), "a callback can call evaluate"), "workers": ((1,), "a DataLoader has num_workers"),
    "use_multiprocessing": ((False,), "a DataLoader has num_workers"),
    "max_queue_size": ((10,), "a DataLoader has prefetch_factor"),
    "loss_weights": ((None,), "write one loss function that adds them up"), "supports_masking": ((False, None), ""),
}

# The weight that each of Keras's …_regularizer is for.
REGULARIZED = {"kernel_regularizer": "kernel", "bias_regularizer": "bias", "recurrent_regularizer": "recurrent_kernel",
               "embeddings_regularizer": "embeddings", "depthwise_regularizer": "depthwise_kernel", "beta_regularizer": "beta",
               "gamma_regularizer": "gamma"}


def refuse(name: str, others: dict[str, Any], known: Iterable[str] = ()) -> None:
    """Raise for arguments that are Keras's and ask for something that is not done here, and for those that are nobody's."""
    for key, value in others.items():
        if key not in ELSEWHERE:
            near = difflib.get_close_matches(key, [*known, *ELSEWHERE], n=1, cutoff=0.7)
            raise TypeError(f"{name} got an unexpected keyword argument {key!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        fine, instead = ELSEWHERE[key]
        if not any(value is each or type(value) is type(each) and value == each for each in fine):
            raise NotImplementedError(f"{name}: {key}={value!r} is Keras's, and not offered "
                                      f"here" + (f": {instead}" * bool(instead)))


# ---- what is yet to come ----------------------------------------------------------------------------------------
births = itertools.count()


class Node:
    """A call that is to be made again with real tensors: of a layer, with these arguments.  Nodes are numbered at birth."""

    def __init__(self, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.layer, self.args, self.kwargs, self.number = layer, args, kwargs, next(births)
        self.outputs: Any = None

    def parents(self) -> Iterator[KerasTensor]:
        yield from symbols(self.args)
        yield from symbols(self.kwargs)


class KerasTensor:
    """The output of a layer for an input that is not there yet: `Input(shape=(28, 28, 1))`, or what a layer makes of such a thing.

    shape: with the samples in front, whose number is None.
    """
    __array_ufunc__ = None                                      # array + symbol is for the symbol

    def __init__(self, shape: Shape, dtype: str = "float32", name: str | None = None, node: Node | None = None) -> None:
        self.shape, self.dtype, self.name, self.node = tuple(shape), dtype, name, node

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}" + (f", name={self.name}>" if self.name else ">")

    def _then(self, kind: str, function: Callable[..., Any], *others: Any) -> Any:
        layer = Function(function, name=None)
        layer.__dict__["kind"] = kind
        return layer(self, *others)

    def __add__(self, other: Any) -> Any:
        return self._then("add", lambda x, y: x + y, other)

    def __radd__(self, other: Any) -> Any:
        return self._then("add", lambda x, y: y + x, other)

    def __sub__(self, other: Any) -> Any:
        return self._then("subtract", lambda x, y: x - y, other)

    def __rsub__(self, other: Any) -> Any:
        return self._then("subtract", lambda x, y: y - x, other)

    def __mul__(self, other: Any) -> Any:
        return self._then("multiply", lambda x, y: x * y, other)

    def __rmul__(self, other: Any) -> Any:
        return self._then("multiply", lambda x, y: y * x, other)

    def __truediv__(self, other: Any) -> Any:
        return self._then("divide", lambda x, y: x / y, other)

    def __neg__(self) -> Any:
        return self._then("negative", lambda x: -x)

    def __matmul__(self, other: Any) -> Any:
        return self._then("matmul", lambda x, y: x @ y, other)

    def __getitem__(self, index: Any) -> Any:
        return self._then("get_item", lambda x: x[index])

    def __bool__(self) -> bool:
        raise TypeError("a KerasTensor has no numbers yet, so nothing can be decided by them: write a Layer, and decide in its "
                        "call")

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a KerasTensor has no numbers yet: use layers on it, or layers.Lambda(function)(x)")

    def __iter__(self) -> Any:
        raise TypeError("a KerasTensor cannot be gone through: take parts of it, x[:, 0]")


def symbols(x: Any) -> Iterator[KerasTensor]:
    """The KerasTensors in nested lists, tuples and dicts."""
    if isinstance(x, KerasTensor):
        yield x
    elif isinstance(x, (list, tuple)):
        for each in x:
            yield from symbols(each)
    elif isinstance(x, dict):
        yield from symbols(list(x.values()))


def mapped(x: Any, function: Callable[[Any], Any]) -> Any:
    """The same nested lists, tuples and dicts, of function(leaf)."""
    if isinstance(x, (list, tuple)):
        return type(x)([mapped(each, function) for each in x])
    if isinstance(x, dict):
        return {key: mapped(each, function) for key, each in x.items()}
    return function(x)


def shape_of(x: Any) -> Any:
    """The shape of a tensor, or a list of shapes."""
    return [shape_of(each) for each in x] if isinstance(x, (list, tuple)) else tuple(x.shape)


def is_shape(x: Any) -> bool:
    return isinstance(x, tuple) and all(n is None or isinstance(n, int) for n in x)


def free(shape: Any) -> Any:
    """The shape, or shapes, for any number of samples."""
    return (None, *shape[1:]) if is_shape(shape) else [free(each) for each in shape]


# ---- masks ------------------------------------------------------------------------------------------------------
masks: dict[int, tuple[Any, Tensor]] = {}                       # by the id of the tensor, with a weak reference to it


def mask_of(x: Any) -> Tensor | None:
    """Which steps of x, (samples, time, …), count: True where words are, False where Embedding(mask_zero=True) saw padding."""
    ref, mask = masks.get(id(x), (lambda: None, None))
    return mask if ref() is x else None


def have_mask(x: Tensor, mask: Tensor) -> None:
    """From now on, mask_of(x) is that."""
    key = id(x)
    masks[key] = (weakref.ref(x, lambda ref: masks.pop(key, None)), mask)


# ---- weights, as Keras lays them out ----------------------------------------------------------------------------
class Weight:
    """A weight as Keras has it, kept in one tensor, or in several that Keras has stacked.

    axes: where Keras's axes are in the tensor.        view: the shape to see the tensor in, before that.
    gates: which part of the tensor's last axis, then, is which of Keras's.
    """

    def __init__(self, name: str, *tensors: Tensor, axes: tuple[int, ...] | None = None, view: tuple[int, ...] | None = None,
                 gates: tuple[int, ...] | None = None) -> None:
        self.name, self.tensors, self.axes, self.view, self.gates = name, tensors, axes, view, gates

    @property
    def trains(self) -> bool:
        return self.tensors[0].requires_grad

    @property
    def size(self) -> int:
        return sum([x.array.size for x in self.tensors])

    @property
    def shape(self) -> tuple[int, ...]:
        one = self._seen(backend.host.broadcast_to(0, tuple(self.tensors[0].shape))).shape
        return (len(self.tensors), *one) if len(self.tensors) > 1 else one

    def _seen(self, array: Any) -> Any:
        array = array if self.view is None else array.reshape(self.view)
        return array if self.axes is None else array.transpose(self.axes)

    def read(self) -> Any:
        """A NumPy array of it."""
        np = backend.host
        found = []
        for x in self.tensors:
            array = self._seen(backend.to_device(x.array, "cpu"))
            if self.gates:
                parts = np.split(array, len(self.gates), -1)
                array = np.concatenate([parts[i] for i in self.gates], -1)
            found.append(array)
        return np.stack(found) if len(found) > 1 else np.array(found[0])

    def write(self, array: Any) -> None:
        """Set it by an array in Keras's layout."""
        np = backend.host
        array = np.asarray(array)
        if array.shape != self.shape:
            raise errors.ShapeError(f"the weight {self.name} has shape {self.shape}, and it is set to an array of {array.shape}")
        for x, each in zip(self.tensors, array if len(self.tensors) > 1 else [array]):
            if self.gates:
                parts = np.split(each, len(self.gates), -1)
                each = np.concatenate([parts[self.gates.index(i)] for i in range(len(parts))], -1)
            if self.axes is not None:
                each = each.transpose([self.axes.index(i) for i in range(len(self.axes))])
            each = np.ascontiguousarray(each.reshape(tuple(x.shape)))
            with no_grad():
                x.copy_(wrap(backend.to_device(each.astype(x.array.dtype), backend.device_of(x.array))))

    def start(self, initializer: Any) -> None:
        """Set it to what the initializer makes for its shape."""
        self.write(initializers.get(initializer)(self.shape).numpy())


# ---- the layer --------------------------------------------------------------------------------------------------
class Layer(Module):
    """The base of Keras's layers.  Subclass it, make weights in `build(input_shape)`, and compute in `call(inputs)`.

        class Scale(keras.layers.Layer):
            def build(self, input_shape):
                self.by = self.add_weight(shape=(input_shape[-1],), initializer="ones")

            def call(self, inputs):
                return inputs * self.by

    It is a Module, too: it has parameters(), state_dict(), to().  Unlike other Modules it starts in evaluation mode: as in Keras,
    Dropout and BatchNormalization do in `model(x)` what they do when the model is used, and `fit` trains.
    """
    kind: str | None = None                                     # what it is called, if not as its class
    ranks: tuple[int, ...] | None = None                        # how many axes inputs may have, samples included
    features: int | None = None                                 # how long the last one is, once that is known
    channels_last = True
    keeps_mask = False                                          # whether what comes out has the mask of what goes in
    first_shape: Shape | None
    regularizers: dict[str, Callable[[Tensor], Tensor]]
    inbound: Node | None                                        # the first call on KerasTensors
    output_shape: Any
    built: bool

    def __init__(self, *, name: str | None = None, input_shape: Any = None, batch_input_shape: Any = None,
                 input_dim: int | None = None,
                 trainable: bool = True, **others: Any) -> None:
        super().__init__()
        costs = {REGULARIZED[key]: regularizers.get(others.pop(key)) for key in REGULARIZED if others.get(key) is not None}
        others = {key: value for key, value in others.items() if key not in REGULARIZED}
        refuse(type(self).__name__, others, inspect.signature(type(self).__init__).parameters)
        if name is not None and (not isinstance(name, str) or not name or "." in name):
            raise errors.WrongValue(f"{type(self).__name__}: a name is a string without a dot, got {name!r}")
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = tuple(batch_input_shape)[1:]
        self.__dict__.update(given_name=name, local_name=None, built=False, training=False, _trainable=bool(trainable),
                             first_shape=None if input_shape is None else as_lengths(type(self).__name__, input_shape),
                             output_shape=None, regularizers=costs, inbound=None)

    @property
    def name(self) -> str:
        return self.given_name or self.local_name or self.kind or snake(type(self).__name__)

    @property
    def input(self) -> Any:
        """The KerasTensor that the layer was called on first, to make other models of: Model(model.input, layer.output)."""
        return self._first_call().args[0]

    @property
    def output(self) -> Any:
        """The KerasTensor that came out of that."""
        return self._first_call().outputs

    def _first_call(self) -> Node:
        if self.inbound is None:
            raise errors.WrongValue(f"{self.name} has no input and output yet: it was never called on an Input, and the Sequential "
                                    "that it is in knows no input_shape")
        return self.inbound                                     # type: ignore[no-any-return]

    # ---- to be written in subclasses ----
    def build(self, input_shape: Any) -> None:
        """Make the weights, for inputs of that shape."""

    def call(self, inputs: Any) -> Any:
        """What the layer computes."""
        raise NotImplementedError(f"{type(self).__name__} has no call: define `def call(self, inputs)` in the class")

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the output.  Unless it is defined, the layer is tried on zeros, of as many samples as no other axis has."""
        return self._probed((input_shape,), {})

    def add_weight(self, *, shape: Any, initializer: Any = "glorot_uniform", trainable: bool = True, name: str | None = None,
                   **others: Any) -> Any:
        """A new weight: assign it to an attribute."""
        refuse("add_weight", others)
        made = initializers.get(initializer)(tuple(shape))
        return Parameter(made) if trainable else nn.Buffer(made)

    def keras_weights(self) -> list[Weight]:
        """The weights in Keras's order.  Those of layers that are written by users are their own tensors, then those below."""
        found = [Weight(name, x) for name, x in [*self._parameters.items(), *self._buffers.items()] if x is not None]
        for child in self.children():
            if isinstance(child, Layer):
                found += child.keras_weights()
            else:
                found += [Weight(name, x) for name, x in [*child.named_parameters(), *child.named_buffers()]]
        return found

    # ---- calling it ----
    def __call__(self, *args: Any, training: Any = None, **kwargs: Any) -> Any:
        if next(symbols((args, kwargs)), None) is not None:
            return self._call_on_symbols(args, kwargs)
        if training is None:
            return super().__call__(*mapped(args, as_tensor), **mapped(kwargs, as_tensor))
        with mode(self, bool(training)):
            return super().__call__(*mapped(args, as_tensor), **mapped(kwargs, as_tensor))

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        first = not self.built
        self.ready(shape_of(inputs[0]) if inputs else ())
        if self.takes("training"):
            kwargs["training"] = self.training
        mask = mask_of(inputs[0]) if inputs and masks else None
        if mask is not None and self.takes("mask"):
            kwargs.setdefault("mask", mask)
        out = self.call(*inputs, **kwargs)
        if mask is not None:
            self._pass_on(mask, out)
        if first and isinstance(out, Tensor):
            self.output_shape = free(tuple(out.shape))
        return out

    def takes(self, name: str) -> bool:
        """Whether `call` wants to be told that: the mode, or the mask."""
        cls = type(self)
        if "_takes" not in cls.__dict__:
            cls._takes = frozenset(inspect.signature(cls.call).parameters)                      # type: ignore[attr-defined]
        return name in cls._takes                               # type: ignore[attr-defined]

    def _pass_on(self, mask: Tensor, out: Any) -> None:
        if self.keeps_mask:
            have_mask(out[0] if isinstance(out, list) else out, mask)
        elif not self.takes("mask"):
            warnings.warn(f"{self.name} does not look at masks: the padding that Embedding(mask_zero=True) found counts from here "
                          "on like everything else.  LSTM, GRU, SimpleRNN and GlobalAveragePooling1D leave it out", stacklevel=6)

    def ready(self, shape: Any) -> None:
        """Make the weights if they are not there, for an input of that shape, and check it."""
        if is_shape(shape):
            self.check(shape)
        if not self.built:
            self.build(free(shape) if shape else shape)
            self.finish()

    def finish(self) -> None:
        """The weights are made now: they are to be in the mode of this layer."""
        self.built = True
        for name in {*self.regularizers} - {"bias", *[each.name for each in self.keras_weights()]}:
            raise TypeError(f"{type(self).__name__} has no weight {name!r} to regularize")
        self.train(self.training)
        if not self._trainable:
            self.trainable = False

    def check(self, shape: Shape) -> None:
        """Raise if an input of that shape cannot be meant."""
        name = type(self).__name__
        if self.ranks is not None and len(shape) not in self.ranks:
            ranks = " or ".join(map(str, self.ranks))
            layout = {3: "(samples, length, channels)", 4: "(samples, height, width, channels)",
                      5: "(samples, depth, height, width, channels)"}.get(self.ranks[0], "")
            hint = ""
            if len(shape) == self.ranks[0] - 1:
                hint = ".  If the axis of the channels is missing, x[..., None] makes one, at the end"
            elif len(shape) > 2 and self.ranks == (2,):
                hint = ": put Flatten() in front"
            raise errors.ShapeError(f"{name}: the input has {len(shape)} axes, shape {shape}, and {ranks} are expected"
                                    + (f", {layout}" if layout else "") + hint)
        if self.features is not None and shape and shape[-1] is not None and shape[-1] != self.features:
            hint = ""
            if len(shape) > 2 and self.features in shape[1:-1]:
                hint = f".  Axis {shape.index(self.features, 1)} is as long: the channels come last here, np.moveaxis(x, " \
                       f"{shape.index(self.features, 1)}, -1)"
            raise errors.ShapeError(f"{name}: the input of shape {shape} has {shape[-1]} features or channels (axis "
                                    f"{len(shape) - 1}, "
                                    f"the last), and the weights were made for {self.features}{hint}")

    def known(self, shape: Shape) -> int:
        """The number of features, the length of the last axis, which weights are made for."""
        if not shape or shape[-1] is None:
            raise errors.ShapeError(f"{type(self).__name__}: the weights cannot be made, as the last axis of the input {shape} is "
                                    f"not "
                                    "known: say it in Input(shape=…) or input_shape=, or let the first batch say it")
        self.features = shape[-1]
        return shape[-1]

    def _call_on_symbols(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        shapes = mapped(args, lambda x: x.shape if isinstance(x, KerasTensor) else x)
        if isinstance(self, Function) or len(args) != 1 or kwargs:
            self.ready(shapes[0] if isinstance(args[0], (KerasTensor, list)) else ())
            out = self._probed(shapes, kwargs, args)
        else:
            self.ready(shapes[0])
            out = self.compute_output_shape(shapes[0])
        node = Node(self, args, kwargs)
        if self.output_shape is None:
            self.output_shape = out
        node.outputs = KerasTensor(out, node=node) if is_shape(out) else [KerasTensor(each, node=node) for each in out]
        self.__dict__["inbound"] = self.inbound or node
        return node.outputs

    def _probed(self, shapes: Any, kwargs: dict[str, Any], args: Any = None) -> Any:
        """The shape of the output, found by trying: None where it changes with the lengths that are not known."""
        kinds = [x.dtype for x in symbols((args, kwargs))] if args is not None else []
        dtype = next((each for each in kinds if "int" in each), "float32")

        def run(n: int) -> Any:
            def zeros(x: Any) -> Any:
                if isinstance(x, KerasTensor):
                    x = x.shape
                if not is_shape(x):
                    return x
                return wrap(backend.host.zeros([n if each is None else each for each in x], dtype))
            shaped = [[zeros(s) for s in each] if isinstance(each, list) else zeros(each) for each in shapes]
            with no_grad(), fork_rng(), mode(self, False):
                return self.call(*shaped, **mapped(kwargs, zeros))
        try:
            one, two = run(2), run(3)
        except Exception as error:
            if error.args and isinstance(error.args[0], str):
                error.args = (f"{error.args[0]}\n    when {self.name} was tried on zeros, to see the shape of its output: define "
                              "compute_output_shape(self, input_shape) to say it",)
            raise

        def compared(a: Any, b: Any) -> Any:
            if isinstance(a, Tensor):
                return tuple([n if n == m else None for n, m in zip(a.shape, b.shape)])
            return [compared(*each) for each in zip(a, b)]
        return compared(one, two)

    # ---- weights ----
    @property
    def losses(self) -> list[Tensor]:
        """What the regularizers of the layers add to the loss of each batch."""
        return [cost(x) for layer in self.modules() if isinstance(layer, Layer) and layer.regularizers
                for weight in layer.keras_weights() if (cost := layer.regularizers.get(weight.name)) and weight.trains
                for x in weight.tensors]

    @property
    def trainable(self) -> bool:
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Train the weights, or freeze them, from the next step on."""
        for module in self.modules():
            if isinstance(module, Layer):
                module.__dict__["_trainable"] = bool(value)
        self.requires_grad_(bool(value))

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(getattr(type(self), name, None), property):           # which Module's attributes would hide
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)
            if isinstance(value, Module):
                value.train(self.training)                      # those of nn start in training mode

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name not in METHODS:
                raise
            raise AttributeError(f"{type(self).__name__} has no {name!r}: {METHODS[name]}") from None

    def count_params(self) -> int:
        """How many numbers there are in the weights, with those that are not trained."""
        self._need_weights("count_params")
        return sum([each.size for each in once(self.keras_weights())])

    def get_weights(self) -> list[Any]:
        """The weights as NumPy arrays, in Keras's order and layout: kernels are (in, out), or (height, width, in, out)."""
        self._need_weights("get_weights")
        return [each.read() for each in once(self.keras_weights())]

    def set_weights(self, weights: Any) -> None:
        """Take weights as get_weights() gives them, here or in Keras."""
        self._need_weights("set_weights")
        own, weights = once(self.keras_weights()), list(weights)
        shapes = [tuple(backend.host.shape(each)) for each in weights]
        if shapes != [each.shape for each in own]:
            at = next((i for i, (a, b) in enumerate(zip(shapes, own)) if a != b.shape), min(len(own), len(shapes)))
            what = f"weight {at}, {own[at].name}, has shape {own[at].shape}, and {shapes[at]} came" \
                if at < min(len(own), len(shapes)) else f"it has {len(own)} weights, and {len(shapes)} came"
            raise errors.ShapeError(f"set_weights of {self.name}: {what}")
        for each, array in zip(own, weights):
            each.write(array)

    def _need_weights(self, what: str) -> None:
        if not self.built:
            raise errors.WrongValue(f"{what}: {self.name} has no weights yet, since the shape of its input is not known: give "
                                    "input_shape= to its first layer, call it on a batch, or call build((None, …))")

    @property
    def weights(self) -> list[Tensor]:
        """The tensors of the weights, laid out as PyTorch does (get_weights: as Keras does)."""
        return [x for each in once(self.keras_weights()) for x in each.tensors]

    variables = weights

    @property
    def trainable_weights(self) -> list[Tensor]:
        return [x for x in self.weights if x.requires_grad]

    @property
    def non_trainable_weights(self) -> list[Tensor]:
        return [x for x in self.weights if not x.requires_grad]

    trainable_variables = trainable_weights

    def copied(self) -> Any:
        """Another layer like this one, with weights of its own, if this has none yet."""
        return copy.deepcopy(self)


class Function(Layer):
    """A function as a layer, without weights: layers.Lambda(function), and the operators of KerasTensor."""
    kind = "lambda"

    def __init__(self, function: Callable[..., Any], **others: Any) -> None:
        super().__init__(**others)
        self.function = function

    def call(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.function(*inputs, **kwargs)

    def keras_weights(self) -> list[Weight]:
        return []


def once(weights: list[Weight]) -> list[Weight]:
    """Each weight once, though its layer may be in several places."""
    return list({tuple(map(id, each.tensors)): each for each in weights}.values())


def as_lengths(name: str, shape: Any) -> Shape:
    shape = (shape,) if isinstance(shape, int) else shape
    if not isinstance(shape, (tuple, list)) or not all(n is None or isinstance(n, int) and n > 0 for n in shape):
        raise errors.WrongType(f"{name}: a shape is a tuple of lengths, None for one that is not known, and without the samples: "
                               f"(28, 28, 1); got {shape!r}")
    return tuple(shape)


def as_tensor(x: Any) -> Any:
    """A NumPy array as a tensor, fractions as float32; anything else as it is."""
    if type(x) is backend.host.ndarray:
        return wrap(backend.to_device(x.astype("float32") if x.dtype.kind == "f" else x, backend.default_device))
    return x


@contextmanager
def mode(layer: Module, training: bool) -> Iterator[None]:
    """Inside, all of the layer is in that mode."""
    before = [(module, module.training) for module in layer.modules()]
    layer.train(training)
    try:
        yield
    finally:
        layer.train(before[0][1])                               # also what was made inside
        for module, was in before:
            module.training = was
