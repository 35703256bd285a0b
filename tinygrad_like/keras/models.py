"""Model and Sequential: layers joined by what flows between them, with compile, fit, evaluate, predict and summary."""
from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Iterable
from typing import Any, NoReturn

from .. import backend, errors
from ..functions.random import fork_rng
from ..grad_mode import no_grad
from ..nn import Module
from ..op import wrap
from ..serialize import load, save
from ..tensor import Tensor
from ..training import compile as training_compile, evaluate as training_evaluate, fit as training_fit, predict as training_predict
from ..training.batches import as_array, is_data, is_dataset
from ..training.loop import compiled
from . import optimizers
from .layer import KerasTensor, Layer, Shape, Weight, as_lengths, is_shape, mode, once, refuse, shape_of, symbols

__all__ = ["Input", "InputLayer", "Model", "Sequential"]
UNDIVIDED = 1 << 62                                             # the size of a batch that all samples are in


def Input(shape: Any = None, batch_size: int | None = None, dtype: Any = None, name: str | None = None, batch_shape: Any = None,
          **others: Any) -> KerasTensor:
    """The input of a model: the shape of one sample, (28, 28, 1), with None for a length that differs.

    batch_shape: the same with the number of samples in front, (None, 28, 28, 1).
    """
    if batch_shape is not None:
        batch_size, shape = batch_shape[0], tuple(batch_shape)[1:]
    refuse("Input", others, ("shape", "batch_size", "dtype", "name"))
    if shape is None:
        raise TypeError("Input needs a shape: that of one sample, (28, 28, 1)")
    return KerasTensor((batch_size, *as_lengths("Input", shape)), str(dtype or "float32").rpartition(".")[2], name)


class InputLayer(Layer):
    """The shape of one sample, as the first layer of a Sequential; and what Model.layers has for each of its inputs."""
    keeps_mask = True
    symbol: KerasTensor | None = None                           # the input that it stands for

    def __init__(self, shape: Any = None, input_shape: Any = None, **others: Any) -> None:
        super().__init__(input_shape=input_shape if shape is None else shape, **others)
        if self.first_shape is None:
            raise TypeError("InputLayer needs a shape: that of one sample, (28, 28, 1)")

    @classmethod
    def of(cls, symbol: KerasTensor) -> InputLayer:
        made = cls(symbol.shape[1:], name=symbol.name)
        made.__dict__["symbol"] = symbol
        return made

    @property
    def output(self) -> Any:
        return super().output if self.symbol is None else self.symbol

    input = output

    def call(self, inputs: Tensor) -> Tensor:
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape


class Model(Layer):
    """Model(inputs, outputs): all layers between what `Input` gave and what layers made of it.

        inputs = keras.Input(shape=(28, 28, 1))
        x = layers.Conv2D(32, 3, activation="relu")(inputs)
        model = keras.Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))

    Several inputs or outputs are lists.  Or subclass it: make layers in __init__, and use them in `call(self, inputs)`.
    It is a Module with the parameters of its layers.  Its state_dict has PyTorch's layouts, get_weights() Keras's.
    """

    def _pass_on(self, mask: Tensor, out: Any) -> None:
        """Its layers have seen to that."""

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **others: Any) -> None:
        super().__init__(name=name, **others)
        self.__dict__.update(taken=None, made=None, nodes=[], input_layers=[])
        if (inputs is None) != (outputs is None):
            raise TypeError(f"{type(self).__name__} is given inputs and outputs, or neither, if it is a subclass with a `call`")
        if inputs is not None:
            self._connect(inputs, outputs)

    # ---- the graph ----
    def _connect(self, inputs: Any, outputs: Any) -> None:
        listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        for each in [*listed, *(outputs if isinstance(outputs, (list, tuple)) else [outputs])]:
            if not isinstance(each, KerasTensor):
                raise errors.WrongType(f"{type(self).__name__}: inputs and outputs are what Input() and layers called on it give, "
                                       f"got "
                                       f"{type(each).__name__}: layers.Dense(10)(x)")
        nodes: dict[int, Any] = {}
        given, waiting = {id(each) for each in listed}, list(symbols(outputs))
        while waiting:
            symbol = waiting.pop()
            if id(symbol) in given:
                continue
            if symbol.node is None:
                raise errors.WrongValue(f"{type(self).__name__}: the outputs need an Input of shape {symbol.shape} that is not "
                                        f"among the "
                                        f"inputs, of {', '.join(str(each.shape) for each in listed)}")
            if symbol.node.number not in nodes:
                nodes[symbol.node.number] = symbol.node
                waiting += symbol.node.parents()
        self.__dict__.update(taken=inputs, made=outputs, nodes=[nodes[number] for number in sorted(nodes)],
                             output_shape=shape_of(outputs), input_layers=[InputLayer.of(each) for each in listed])
        for node in self.nodes:                                 # in the order of birth: each comes after what it needs
            self._enter(node.layer)
        self.built = True
        self.train(self.training)

    def _enter(self, layer: Layer) -> None:
        """Have a layer among the modules, by its name, or else by its kind and a number if there are several."""
        if layer in self._modules.values():
            return
        base = name = layer.name
        if layer.given_name is None:
            base, number = layer.kind or _kind(layer), 0
            name = base
            while name in self._modules:
                number += 1
                name = f"{base}_{number}"
            layer.__dict__["local_name"] = layer.local_name or name
        elif name in self._modules:
            raise errors.WrongValue(f"{type(self).__name__}: two layers are called {name!r}: a name is for one")
        self._modules[name] = layer

    def call(self, inputs: Any) -> Any:
        if self.taken is None:
            raise NotImplementedError(f"{type(self).__name__} has no call: define `def call(self, inputs)`, or make it of inputs "
                                      f"and "
                                      "outputs")
        values = self._check_inputs(inputs)

        def value(x: Any) -> Any:
            if isinstance(x, KerasTensor):
                return values[id(x)]
            if isinstance(x, (list, tuple)):
                return type(x)([value(each) for each in x])
            return x
        for node in self.nodes:
            out = node.layer(*[value(x) for x in node.args], **{key: value(x) for key, x in node.kwargs.items()})
            for symbol, each in zip(symbols(node.outputs), [out] if isinstance(node.outputs, KerasTensor) else out):
                values[id(symbol)] = each
        return value(self.made)

    def _check_inputs(self, inputs: Any) -> dict[int, Any]:
        """The tensors by the symbols that they are for."""
        listed = list(inputs) if isinstance(inputs, (list, tuple)) else [inputs]
        wanted = list(symbols(self.taken))
        if len(listed) != len(wanted):
            raise errors.WrongType(f"{self.name} has {len(wanted)} inputs, and {len(listed)} came")
        for x, symbol in zip(listed, wanted):
            self._check_input(tuple(x.shape), symbol.shape)
        return {id(symbol): x for symbol, x in zip(wanted, listed)}

    def _by_name(self, x: Any) -> Any:
        """The inputs in their order, if they came as {name: input}."""
        if not isinstance(x, dict) or self.taken is None:
            return x
        names = [symbol.name for symbol in symbols(self.taken)]
        if set(names) != set(x):
            raise errors.WrongValue(f"{self.name} has the inputs {', '.join(map(str, names))}, and {', '.join(map(str, x))} came: "
                                    "Input(name=…) names one")
        return [x[name] for name in names] if len(names) > 1 else x[names[0]]

    def _check_input(self, shape: Shape, wanted: Shape) -> None:
        if len(shape) == len(wanted) and all(None in (n, m) or n == m for n, m in zip(shape, wanted)):
            return
        text = f"{self.name}: the input has shape {shape}, and (samples, {', '.join(map(str, wanted[1:]))}) is expected"
        if shape[1:] == wanted[1:-1]:
            text += (f".  The axis of the channels, the last one, is missing: x[..., None], or np.expand_dims(x, axis=-1), has "
                     f"shape "
                     f"{(*shape, 1)}" + (f", for 1 channel where {wanted[-1]} are expected" if wanted[-1] not in (1, None) else ""))
        elif shape == wanted[1:]:
            text += ".  A single sample needs an axis for the samples in front: x[None]"
        elif len(shape) == len(wanted) > 2 and (shape[2:] + shape[1:2]) == wanted[1:]:
            text += ".  The channels come last here: np.moveaxis(x, 1, -1)"
        raise errors.ShapeError(text)

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return super().forward(self._by_name(inputs[0]) if len(inputs) == 1 else list(inputs), **kwargs)

    def ready(self, shape: Any) -> None:
        if not self.built and not is_shape(shape) and not isinstance(shape, list):
            raise errors.ShapeError(f"{self.name}: {shape!r} is no shape")
        super().ready(shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape that comes out: as it was when the model was made, or found by trying."""
        if self.taken is not None and input_shape == shape_of(self.taken):
            return shape_of(self.made)
        return self._probed((input_shape,), {})

    def build(self, input_shape: Any) -> None:
        """Make the weights, for inputs of shape (None, …)."""
        if self.taken is None and type(self).call is not Model.call and not self.built and input_shape:
            self.built = True                                   # a subclass: its layers make theirs when they are called
            try:
                self._probed((tuple(input_shape) if isinstance(input_shape[0], (int, type(None))) else list(input_shape),), {})
            except BaseException:
                self.built = False
                raise

    # ---- layers ----
    @property
    def layers(self) -> list[Layer]:
        """The layers directly below.  As in Keras, a model made of inputs and outputs has an InputLayer for each input in front."""
        return self.input_layers + [module for module in self.children() if isinstance(module, Layer)]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name, or at that place."""
        if index is not None:
            return self.layers[index]
        for key, module in self._modules.items():
            if isinstance(module, Layer) and name in (key, module.name):
                return module
        raise errors.WrongValue(f"{self.name} has no layer {name!r}: there are {', '.join(self._modules)}")

    @property
    def inputs(self) -> list[KerasTensor]:
        """What goes in, one KerasTensor for each."""
        return list(symbols(self.taken))

    @property
    def outputs(self) -> list[KerasTensor]:
        """What comes out."""
        return list(symbols(self.made))

    @property
    def input(self) -> Any:
        """What the model was made of: other models can be, too, Model(model.input, model.layers[2].output)."""
        return super().input if self.taken is None else self.inputs if len(self.inputs) > 1 else self.inputs[0]

    @property
    def output(self) -> Any:
        return super().output if self.made is None else self.outputs if len(self.outputs) > 1 else self.outputs[0]

    @property
    def input_shape(self) -> Any:
        return None if self.taken is None else shape_of(self.taken)

    def keras_weights(self) -> list[Weight]:
        found = [weight for layer in self.layers for weight in layer.keras_weights()]
        own = [Weight(name, x) for name, x in [*self._parameters.items(), *self._buffers.items()] if x is not None]
        return own + found

    # ---- training ----
    def compile(self, optimizer: Any = "rmsprop", loss: Any = None, metrics: Any = None,
                **others: Any) -> None:     # type: ignore[override]
        """What the model is trained with: optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]; or
        objects of keras.optimizers, keras.losses and keras.metrics, and all that `training.compile` takes."""
        refuse("compile", others, ("optimizer", "loss", "metrics"))
        training_compile(self, optimizers.get(optimizer), loss, metrics)

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train, and return a History: see `training.fit`."""
        for name in ("train_step", "test_step", "predict_step", "compute_loss"):
            if hasattr(type(self), name):
                raise NotImplementedError(f"fit: {type(self).__name__} has a {name} of its own, which fit would not call: write "
                                          "the loop over the batches instead, with loss.backward() and optimizer.step()")
        tests = kwargs.get("validation_data")
        if isinstance(tests, tuple) and tests and isinstance(tests[0], dict):
            kwargs["validation_data"] = (self._by_name(tests[0]), *tests[1:])
        return self._run("fit", training_fit, x, args, kwargs)

    def evaluate(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The loss, or [loss, metric, …], over the data: see `training.evaluate`."""
        return self._run("evaluate", training_evaluate, x, args, kwargs)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The outputs for x as a NumPy array: see `training.predict`."""
        return self._run("predict", training_predict, x, args, kwargs)

    def _run(self, name: str, function: Any, x: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        known = inspect.signature(function).parameters
        refuse(name, {key: value for key, value in kwargs.items() if key not in known}, known)
        x = self._see(self._by_name(x))
        return function(self, x, *args, **{key: value for key, value in kwargs.items() if key in known})

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None,
                       return_dict: bool = False) -> Any:
        """One step of the optimizer.  The loss before it, or [loss, metric, …], of this batch alone."""
        logs = {name: values[0] for name, values in self.fit(
            x, y, batch_size=UNDIVIDED, verbose=0, shuffle=False, sample_weight=sample_weight, class_weight=class_weight)
            .history.items()}
        return logs if return_dict else list(logs.values()) if len(logs) > 1 else logs["loss"]

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """evaluate, of one batch."""
        return self.evaluate(x, y, batch_size=UNDIVIDED, verbose=0, sample_weight=sample_weight, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """predict, of one batch."""
        return self.predict(x, batch_size=UNDIVIDED, verbose=0)

    @property
    def metrics_names(self) -> list[str]:
        """What evaluate gives, in its order."""
        return list(compiled("metrics_names", self).names)

    def _see(self, x: Any) -> Any:
        """Make the weights, if they are waiting for the shape of the data.  Returns x, from which nothing is missing."""
        if x is None or self.built and not any(isinstance(each, Layer) and not each.built for each in self.modules()):
            return x
        whole = x
        several = isinstance(x, (list, tuple)) and bool(x) and all(is_data(each) for each in x) and len(x[0].shape) > 0
        if not several and not is_data(x) and not isinstance(x, (list, tuple)):
            with fork_rng():
                if is_dataset(x):
                    first = x[0][0] if isinstance(x[0], (list, tuple)) else x[0]
                    inputs = [as_array(each)[None] for each in (first if isinstance(first, (list, tuple)) else [first])]
                else:
                    batches = iter(x)
                    batch = next(batches)
                    whole = itertools.chain([batch], batches) if batches is x else x
                    first = batch[0] if isinstance(batch, (list, tuple)) else batch
                    inputs = [as_array(each) for each in (first if isinstance(first, (list, tuple)) else [first])]
        else:
            inputs = [as_array(each)[:1] for each in x] if several else [as_array(x)[:1]]
        self.see([wrap(backend.to_device(a.astype("float32") if a.dtype.kind == "f" else a, backend.default_device))
                  for a in inputs])
        return whole

    def see(self, inputs: list[Tensor]) -> None:
        with no_grad(), mode(self, False):
            self(*inputs)

    # ---- keeping the numbers ----
    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Save the numbers in a file whose suffix says its format: .npz, .safetensors or .pth, with the keys of state_dict()."""
        self._need_weights("save_weights")
        path = keeps_weights("save_weights", filepath)
        if not overwrite and os.path.exists(path):
            raise FileExistsError(f"save_weights: {path!r} is there already, and overwrite=False")
        save(self.state_dict(), path)

    def load_weights(self, filepath: Any) -> None:
        """Take the numbers of such a file."""
        self._need_weights("load_weights")
        self.load_state_dict(load(keeps_weights("load_weights", filepath)))

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("save keeps layers and weights in Keras's own formats, which are not written here: "
                                  "save_weights('model.npz') keeps the numbers, and the program that builds the model its layers")

    # ---- summary ----
    def summary(self, line_length: int | None = None, positions: Any = None, print_fn: Any = None,
                expand_nested: bool = False,      # type: ignore[override]
                show_trainable: bool = False, **others: Any) -> None:
        """Print the layers, the shapes that come out of them, and how many numbers their weights have.

        (`nn.summary.summary(model, (28, 28, 1))` counts multiply-adds, too.)
        """
        if positions is not None:
            raise NotImplementedError("summary: positions is not offered: the columns are as wide as they need to be")
        refuse("summary", others)
        self._need_weights("summary")
        head = ("Layer (type)", "Output Shape", "Param #")
        joins = any(len(list(node.parents())) != 1 for node in self.nodes) or any(
            symbol is not one for one, node in zip(_outputs(self.nodes), self.nodes[1:]) for symbol in node.parents())
        lines: list[tuple[str, ...]] = [(*head, *(["Connected to"] if joins else []), *(["Trainable"] if show_trainable else []))]
        if self.taken is not None and joins:
            for symbol in symbols(self.taken):
                lines.append((f"{symbol.name or 'input'} (InputLayer)", str(symbol.shape), "0", "-",
                              *(["-"] if show_trainable else [])))

        def enter(layer: Layer, depth: int) -> None:
            cells = ["  " * depth + f"{layer.name} ({type(layer).__name__})", _as_text(layer.output_shape),
                     f"{layer.count_params() if layer.built else 0:,}"]
            if joins:
                came = [symbol for node in self.nodes if node.layer is layer for symbol in node.parents()]
                cells.append(", ".join([symbol.node.layer.name if symbol.node else symbol.name or "input" for symbol in came]))
            if show_trainable:
                cells.append("Y" if layer.trainable else "N")
            lines.append(tuple(cells))
            if expand_nested and isinstance(layer, Model):
                for each in layer.layers:
                    enter(each, depth + 1)

        for layer in self.layers:
            if not isinstance(layer, InputLayer):
                enter(layer, 0)
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
        if line_length is not None:
            widths[0] += max(0, line_length - sum(widths) - 2 * len(widths) + 2)
        width = sum(widths) + 2 * len(widths) - 2
        text = [f'Model: "{self.name}"', "─" * width]
        for i, line in enumerate(lines):
            cells = [cell.rjust(w) if k == 2 else cell.ljust(w) for k, (cell, w) in enumerate(zip(line, widths))]
            text.append("  ".join(cells).rstrip())
            if i == 0:
                text.append("─" * width)
        weights = once(self.keras_weights())
        total, trained = sum(each.size for each in weights), sum(each.size for each in weights if each.trains)
        text += ["─" * width, f"Total params: {total:,} ({_size(weights)})",
                 f"Trainable params: {trained:,} ({_size([each for each in weights if each.trains])})",
                 f"Non-trainable params: {total - trained:,} ({_size([each for each in weights if not each.trains])})"]
        (print_fn or print)("\n".join(text))


def _outputs(nodes: Iterable[Any]) -> list[Any]:
    return [node.outputs for node in nodes]


def _as_text(shape: Any) -> str:
    return "?" if shape is None else str(shape) if is_shape(shape) else "[" + ", ".join(map(str, shape)) + "]"


def _size(weights: list[Weight]) -> str:
    """As Keras writes it: of 1024 bytes a kB."""
    n = float(sum(x.array.nbytes for each in weights for x in each.tensors))
    for unit in ("B", "KB", "MB", "GB"):
        if n < 1024 or unit == "GB":
            break
        n /= 1024
    return f"{n:.2f} {unit}"


def _kind(layer: Layer) -> str:
    from ..training.losses import snake
    return snake(type(layer).__name__)


def keeps_weights(name: str, path: Any) -> str:
    path = os.fspath(path)
    if path.endswith((".h5", ".hdf5", ".keras", ".tf", ".ckpt")):
        raise NotImplementedError(f"{name}: {path!r} would be in Keras's own format, which is not read or written here: .npz, "
                                  ".safetensors or .pth; np.savez(path, *model.get_weights()) in Keras, and "
                                  "model.set_weights here, bring weights over")
    return path


class Sequential(Model):
    """Layers one behind the other: Sequential([layers.Flatten(input_shape=(28, 28)), layers.Dense(10)]), or add() for each.

    If no shape is given (input_shape= of the first layer, or Input(shape=…) in its place), the first batch says it.
    """

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(name=name, trainable=trainable)
        self.__dict__["chain"] = []                             # a layer may stand in it twice
        for layer in layers or []:
            self.add(layer)

    @property
    def layers(self) -> list[Layer]:
        """The layers, but for an Input in front."""
        return [layer for layer in super().layers if not isinstance(layer, InputLayer)]

    def add(self, layer: Any) -> None:
        """Put a layer behind the others."""
        if isinstance(layer, KerasTensor):
            if layer.node is not None:
                raise errors.WrongType("Sequential takes layers, got what a layer made: layers.Dense(10), without the brackets "
                                       "behind")
            layer = InputLayer(layer.shape[1:])
        if not isinstance(layer, Layer):
            hint = ": that is a class, make a layer of it by calling it" if isinstance(layer, type) else \
                ": nn.Sequential takes the layers of nn" if isinstance(layer, Module) else ""
            raise errors.WrongType(f"Sequential takes layers of keras.layers, got {layer!r}{hint}")
        self.chain.append(layer)
        self._enter(layer)
        self._extend(layer)

    def pop(self) -> Layer:
        """Take the last layer away."""
        if not self.chain:
            raise errors.WrongType("pop: there is no layer")
        layer = self.chain.pop()
        if layer not in self.chain:
            self._modules.pop(next(name for name, each in self._modules.items() if each is layer))
        chain = list(self.chain)
        self.__dict__.update(taken=None, made=None, nodes=[], chain=[], output_shape=None, built=False)
        for each in chain:
            self.chain.append(each)
            self._extend(each)
        return layer

    def _extend(self, layer: Layer) -> None:
        """Go on from what came out so far, if the shape of the input is known."""
        if self.taken is None:
            shape = layer.first_shape
            if shape is None and isinstance(layer, Model) and layer.input_shape is not None and is_shape(layer.input_shape):
                shape = layer.input_shape[1:]
            if shape is None or len(self.chain) > 1:
                return
            self._begin((None, *shape))
        else:
            self._go_on(layer)

    def _begin(self, shape: Shape) -> None:
        dtype = "int64" if self.chain and type(self.chain[0]).__name__ == "Embedding" else "float32"
        symbol = KerasTensor(shape, dtype)
        self.__dict__.update(taken=symbol, made=symbol)
        for layer in self.chain:
            self._go_on(layer)

    def _go_on(self, layer: Layer) -> None:
        self.__dict__["made"] = layer(self.made)
        self.__dict__["output_shape"] = shape_of(self.made)
        self.nodes.append(self.made.node if isinstance(self.made, KerasTensor) else self.made[0].node)
        self.built = True
        layer.train(self.training)
        if not self._trainable:
            layer.trainable = False

    def build(self, input_shape: Any = None) -> None:
        """Make the weights, for inputs of shape (None, …)."""
        if self.taken is None and input_shape and self.chain:
            try:
                self._begin((None, *tuple(input_shape)[1:]))
            except BaseException:
                self.__dict__.update(taken=None, made=None, nodes=[], output_shape=None, built=False)
                raise

    def call(self, inputs: Any) -> Any:
        if not self.chain:
            return inputs
        if isinstance(self.taken, KerasTensor):
            self._check_input(tuple(inputs.shape), self.taken.shape)
        for layer in self.chain:
            inputs = layer(inputs)
        return inputs

    def finish(self) -> None:
        if self.taken is not None:
            super().finish()
        self.built = self.taken is not None


def __getattr__(name: str) -> NoReturn:
    """An error that says what there is."""
    from .names import refuse
    refuse(__name__, name)
