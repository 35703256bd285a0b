"""Recurrent layers, samples first: (samples, time, features)."""
from __future__ import annotations

from typing import Any

from ... import errors, nn
from ...functions.creation import zeros
from ...functions.elementwise import where
from ...functions.shape import cat
from ...nn import functional as F
from ...nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from ...tensor import Tensor
from ..layer import Layer, Shape, Weight

__all__ = ["SimpleRNN", "LSTM", "GRU", "Bidirectional", "TimeDistributed"]


class RNN(Layer):
    """What SimpleRNN, LSTM and GRU share.

    return_sequences: the outputs at all steps, (samples, time, units), and not only the last, (samples, units).
    return_state: a list, the outputs and the last states.        go_backwards: from the end.
    dropout: of the inputs in training, the same features at all steps.
    Steps that the mask, (samples, time), leaves out change no state; the outputs there are those of the step before.
    Keras lets other functions take the place of tanh and sigmoid; here these are what they are.
    """
    ranks = (3,)
    cell: Any
    biases = 1                                                  # how many Keras has; PyTorch has two, of which one would do

    def __init__(self, units: int, activation: Any = "tanh", *, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros", dropout: float = 0.0,
                 return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False, **others: Any) -> None:
        super().__init__(**others)
        self.units, self.use_bias, self.activation, self.dropout = units, use_bias, self.named(activation), dropout
        self.return_sequences, self.return_state, self.go_backwards = return_sequences, return_state, go_backwards
        self.starts = [kernel_initializer, recurrent_initializer, bias_initializer]

    def named(self, activation: Any) -> str:
        name = getattr(activation, "__name__", activation)
        if name != "tanh":
            raise NotImplementedError(f"{type(self).__name__}: activation={activation!r} is not offered: it is 'tanh'")
        return "tanh"

    def options(self) -> dict[str, Any]:
        """What else the cell is told."""
        return {}

    def build(self, input_shape: Shape) -> None:
        self.rnn = self.cell(self.known(input_shape), self.units, bias=self.use_bias, batch_first=True, **self.options())
        if self.use_bias and self.biases == 1:
            self.rnn.bias_hh_l0 = nn.Buffer(zeros(tuple(self.rnn.bias_hh_l0.shape)), persistent=False)
        self.start()

    def start(self) -> None:
        for weight, start in zip(self.keras_weights(), self.starts):
            weight.start(start)

    @property
    def keeps_mask(self) -> bool:                               # type: ignore[override]
        return self.return_sequences

    def call(self, inputs: Tensor, initial_state: Any = None, mask: Any = None) -> Any:
        x = inputs.flip(1) if self.go_backwards else inputs
        if self.dropout and self.training:
            x = x * F.dropout(x.new_ones((x.shape[0], 1, x.shape[2])), self.dropout)
        if isinstance(initial_state, (list, tuple)):
            initial_state = tuple([each.unsqueeze(0) for each in initial_state])
            initial_state = initial_state if len(initial_state) > 1 else initial_state[0]
        elif initial_state is not None:
            initial_state = initial_state.unsqueeze(0)
        out, state = self.rnn(x, initial_state) if mask is None else self.without_padding(
            x, mask.flip(1) if self.go_backwards else mask, initial_state)
        states = [each[0] for each in (state if isinstance(state, tuple) else (state,))]
        out = out if self.return_sequences else states[0]
        return [out, *states] if self.return_state else out

    def without_padding(self, x: Tensor, mask: Tensor, initial: Any) -> tuple[Tensor, Any]:
        """The outputs and states, reading only what the mask says: that comes to the front, and what came out goes back."""
        order = (~mask).long().argsort(dim=1, stable=True)      # the steps that count, in their order, and then the others
        lengths = mask.long().sum(1)
        packed = pack_padded_sequence(x.gather(1, order.unsqueeze(-1).expand(*x.shape)), lengths.clamp(min=1), batch_first=True,
                                      enforce_sorted=False)
        out, state = self.rnn(packed, initial)
        out = pad_packed_sequence(out, batch_first=True, total_length=x.shape[1])[0]
        done = mask.long().cumsum(1).unsqueeze(-1)              # how many steps that count there are so far
        out = out.gather(1, (done - 1).clamp(min=0).expand(*out.shape)) * (done > 0)

        def known(new: Tensor, old: Any) -> Tensor:             # a sample of nothing but padding leaves the states as they were
            return where((lengths > 0).unsqueeze(-1), new, 0.0 if old is None else old)
        if isinstance(state, tuple):
            return out, tuple([known(*each) for each in zip(state, initial or (None, None))])
        return out, known(state, initial)

    def compute_output_shape(self, input_shape: Shape) -> Any:
        n, time, _ = input_shape
        out: Shape = (n, time, self.units) if self.return_sequences else (n, self.units)
        return [out] + [(n, self.units)] * len(self.cell.states) if self.return_state else out

    gates: tuple[int, ...] | None = None

    def keras_weights(self) -> list[Weight]:
        if "rnn" not in self._modules:
            return []
        rnn = self.rnn
        found = [Weight("kernel", rnn.weight_ih_l0, axes=(1, 0), gates=self.gates),
                 Weight("recurrent_kernel", rnn.weight_hh_l0, axes=(1, 0), gates=self.gates)]
        if self.use_bias:
            found.append(Weight("bias", *[rnn.bias_ih_l0, rnn.bias_hh_l0][:self.biases], gates=self.gates))
        return found


class SimpleRNN(RNN):
    """h_t = tanh(x_t W + h_{t-1} U + b), or relu"""
    kind, cell = "simple_rnn", nn.RNN

    def named(self, activation: Any) -> str:
        name = getattr(activation, "__name__", activation)
        if name not in ("tanh", "relu"):
            raise NotImplementedError(f"SimpleRNN: activation={activation!r} is not offered: it is 'tanh' or 'relu'")
        return name

    def options(self) -> dict[str, Any]:
        return {"nonlinearity": self.activation}


def sigmoid_only(name: str, recurrent_activation: Any) -> None:
    if getattr(recurrent_activation, "__name__", recurrent_activation) != "sigmoid":
        raise NotImplementedError(f"{name}: recurrent_activation={recurrent_activation!r} is not offered: it is 'sigmoid'")


class LSTM(RNN):
    """See `nn.LSTM`.  unit_forget_bias: the bias of the forget gate starts at 1, so that at first little is forgotten."""
    kind, cell = "lstm", nn.LSTM

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", unit_forget_bias: bool = True,
                 **others: Any) -> None:
        super().__init__(units, activation, **others)
        sigmoid_only("LSTM", recurrent_activation)
        self.unit_forget_bias = unit_forget_bias

    def start(self) -> None:
        super().start()
        if self.use_bias and self.unit_forget_bias:
            bias = self.keras_weights()[2]
            numbers = bias.read()
            numbers[self.units:2 * self.units] = 1              # Keras's gates are i, f, c, o: PyTorch's i, f, g, o
            bias.write(numbers)


class GRU(RNN):
    """See `nn.GRU`, which is Keras's with reset_after=True.  Keras has the gates in the order z, r, h, and two biases."""
    kind, cell, biases, gates = "gru", nn.GRU, 2, (1, 0, 2)

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid", reset_after: bool = True,
                 **others: Any) -> None:
        super().__init__(units, activation, **others)
        sigmoid_only("GRU", recurrent_activation)
        if not reset_after:
            raise NotImplementedError("GRU: reset_after=False is not offered")


class Bidirectional(Layer):
    """A recurrent layer, and another one like it that reads from the end, together: merge_mode is concat, sum, mul, ave or None."""

    def __init__(self, layer: Any, merge_mode: str | None = "concat", **others: Any) -> None:
        super().__init__(**others)
        if not isinstance(layer, RNN) or layer.built:
            raise errors.WrongType(f"Bidirectional takes a new LSTM, GRU or SimpleRNN, got {layer!r}")
        if merge_mode not in ("concat", "sum", "mul", "ave", None):
            raise errors.WrongValue(f"Bidirectional: merge_mode is concat, sum, mul, ave or None, got {merge_mode!r}")
        if layer.return_state:
            raise NotImplementedError("Bidirectional: return_state=True is not offered; nn.LSTM(bidirectional=True) returns the "
                                      "states")
        self.merge_mode = merge_mode
        self.__dict__["first_shape"] = self.first_shape or layer.first_shape
        self.forward_layer, self.backward_layer = layer, layer.copied()
        self.backward_layer.go_backwards = not layer.go_backwards

    @property
    def keeps_mask(self) -> bool:                               # type: ignore[override]
        return self.forward_layer.return_sequences              # type: ignore[no-any-return]

    def build(self, input_shape: Shape) -> None:
        self.forward_layer.ready(input_shape)
        self.backward_layer.ready(input_shape)

    def call(self, inputs: Tensor, mask: Any = None) -> Any:
        a, b = self.forward_layer(inputs, mask=mask), self.backward_layer(inputs, mask=mask)
        if self.forward_layer.return_sequences:
            b = b.flip(1)
            if mask is not None:                                # as Keras does: zeros where padding is
                a, b = a * mask.unsqueeze(-1), b * mask.unsqueeze(-1)
        if self.merge_mode is None:
            return [a, b]
        if self.merge_mode == "concat":
            return cat([a, b], -1)
        return a * b if self.merge_mode == "mul" else a + b if self.merge_mode == "sum" else (a + b) / 2

    def compute_output_shape(self, input_shape: Shape) -> Any:
        one = self.forward_layer.compute_output_shape(input_shape)
        return [one, one] if self.merge_mode is None else (*one[:-1], 2 * one[-1]) if self.merge_mode == "concat" else one


class TimeDistributed(Layer):
    """The same layer for each step of a sequence: (samples, time, …)."""

    def __init__(self, layer: Any, **others: Any) -> None:
        super().__init__(**others)
        if not isinstance(layer, Layer):
            raise errors.WrongType(f"TimeDistributed takes a layer, got {type(layer).__name__}")
        self.layer = layer

    def build(self, input_shape: Shape) -> None:
        self.layer.ready((None, *input_shape[2:]))

    def call(self, inputs: Tensor) -> Tensor:
        n, time = inputs.shape[:2]
        out = self.layer(inputs.reshape(n * time, *inputs.shape[2:]))
        return out.reshape(n, time, *out.shape[1:])

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:2], *self.layer.compute_output_shape((None, *input_shape[2:]))[1:])
