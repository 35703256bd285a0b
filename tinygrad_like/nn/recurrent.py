"""Recurrent layers: whole sequences, and single steps."""
from __future__ import annotations

import math
import numbers
import warnings
from typing import TYPE_CHECKING, Any, ClassVar

from .. import autograd, errors, ops
from ..functions.creation import empty, zeros
from ..functions.shape import cat, stack
from . import functional as F, init
from .linear import check_counts
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

if TYPE_CHECKING:
    from ..op import Op
    from ..tensor import Tensor

__all__ = ["RNNBase", "RNN", "LSTM", "GRU", "RNNCellBase", "RNNCell", "LSTMCell", "GRUCell"]


# ---- whole sequences --------------------------------------------------------------------------------------------
class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers on top of each other, each in one direction or in both.

    num_layers: the outputs of a layer are the inputs of the next; dropout: on these, in training.
    bidirectional: a second set of weights (named …_reverse) reads each sequence from its end; their outputs stand side by side.
    batch_first: inputs and outputs are (batch, time, features) instead of (time, batch, features); states are not affected.
    The weights start uniform between ±1/√hidden_size.
    """
    op: ClassVar[type[Op]]
    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("hx",)
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int = 0

    def _set_up(self, mode: str, input_size: int, hidden_size: int, num_layers: int, bias: bool, batch_first: bool, dropout: float,
                bidirectional: bool, device: Any, dtype: Any) -> None:
        name = type(self).__name__
        check_counts(name, input_size=input_size, hidden_size=hidden_size, num_layers=num_layers)
        for argument, n in {"input_size": input_size, "hidden_size": hidden_size, "num_layers": num_layers}.items():
            if n == 0:
                raise ValueError(f"{name}: {argument} is at least 1, got 0")
        for argument, flag in {"bias": bias, "batch_first": batch_first}.items():
            if not isinstance(flag, bool):
                raise TypeError(f"{name}: {argument} is True or False, got {flag!r}: the arguments are {self._arguments}")
        if not isinstance(dropout, numbers.Number) or isinstance(dropout, bool) or not 0 <= dropout <= 1:   # type: ignore[operator]
            raise ValueError(f"{name}: dropout is a probability, between 0 and 1, got {dropout!r}")
        if dropout > 0 and num_layers == 1:                     # type: ignore[operator]
            warnings.warn(f"{name}: dropout={dropout} is put between layers, and with num_layers=1 there is no place between them: "
                          "it does nothing.  For dropout on the outputs, put nn.Dropout behind the layer", stacklevel=3)
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout, self.bidirectional = bias, batch_first, dropout, bool(bidirectional)
        rows = self.gates * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else hidden_size * self._directions
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, features), "weight_hh": (rows, hidden_size)}
                shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)} if bias else {}
                for kind, shape in shapes.items():
                    self.register_parameter(kind + suffix, Parameter(empty(shape, device=device, dtype=dtype)))
        self.reset_parameters()

    _arguments: ClassVar[str] = ("input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    def _suffixes(self, layer: int) -> list[str]:
        return [f"_l{layer}", f"_l{layer}_reverse"][:self._directions]

    def _weights(self, suffix: str) -> list[Parameter]:
        return [getattr(self, kind + suffix) for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")[:4 if self.bias else 2]]

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [self._weights(suffix) for layer in range(self.num_layers) for suffix in self._suffixes(layer)]

    def reset_parameters(self) -> None:
        """New random numbers."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Nothing to do: PyTorch moves the weights together for a library that is not used here."""

    def forward(self, input: Any, hx: Any = None) -> Any:
        """input: (time, batch, features), (time, features) for one sequence, or a PackedSequence.  hx: the first state, else zeros.

        Returns the outputs of the last layer at all steps, and the last state of every layer and direction.
        """
        packed = isinstance(input, PackedSequence)
        x = input.data if packed else input
        self._check_input(x, packed)
        one = x.ndim == 2 and not packed                        # a single sequence
        if one:
            x = x.unsqueeze(1)
        elif self.batch_first and not packed:
            x = x.transpose(0, 1)
        sizes = tuple(input.batch_sizes.tolist()) if packed else None
        states = self._first_states(hx, x, sizes[0] if sizes else x.shape[1], one)
        if packed and hx is not None:
            states = permuted(states, input.sorted_indices)
        out, last = self._run(x, states, sizes)
        if packed:
            last = permuted(last, input.unsorted_indices)
            return PackedSequence(out, input.batch_sizes, input.sorted_indices, input.unsorted_indices), self._state(last)
        if one:
            out, last = out.squeeze(1), [state.squeeze(1) for state in last]
        elif self.batch_first:
            out = out.transpose(0, 1)
        return out, self._state(last)

    def _run(self, x: Tensor, states: list[Any], sizes: tuple[int, ...] | None) -> tuple[Tensor, list[Tensor]]:
        """All layers in all directions: the outputs of the last, and the last states of all."""
        found: list[Any] = []
        for layer in range(self.num_layers):
            if layer:
                x = F.dropout(x, self.dropout, self.training)
            outs = []
            for suffix in self._suffixes(layer):
                own = [state[len(found)] for state in states]
                results = self.op(x, *own, *self._weights(suffix), sizes=sizes, reverse=suffix.endswith("reverse"),
                                  **self._options())
                outs.append(results[0])
                found.append(results[1:])
            x = cat(outs, -1) if self.bidirectional else outs[0]
        return x, [stack(each) for each in zip(*found)]

    def _options(self) -> dict[str, Any]:
        return {}

    def _state(self, last: list[Tensor]) -> Any:
        return last[0]

    # ---- what comes in ----
    def _check_input(self, x: Any, packed: bool) -> None:
        name, shape = type(self).__name__, "(batch, time, features)" if self.batch_first else "(time, batch, features)"
        if not isinstance(x, autograd.Tensor):
            raise TypeError(f"{name}: the input is a Tensor or a PackedSequence, got {type(x).__name__}: make one with tensor(…)")
        weight = self.weight_ih_l0
        if x.dtype != weight.dtype:
            raise errors.WrongValue(f"{name}: the input is of dtype {x.dtype}, and the weights of {weight.dtype}: "
                                    + (f"input.to({weight.dtype}), or module.to({x.dtype})" if x.dtype.is_floating_point else
                                       "nn.Embedding makes vectors of integers"))
        if packed and x.ndim != 2:
            raise errors.ShapeError(f"{name}: the data of a PackedSequence has shape (rows, features) here, got {tuple(x.shape)}")
        if x.ndim not in (2, 3):
            raise errors.ShapeError(f"{name}: the input has shape {shape}, or (time, features) for one sequence, got "
                                    f"{tuple(x.shape)}"
                                    + (": for one number a step, x.unsqueeze(-1) makes it the only feature" if x.ndim == 1 else ""))
        if x.shape[-1] != self.input_size:
            where = [i for i, n in enumerate(x.shape[:-1]) if n == self.input_size]
            raise errors.ShapeError(f"{name}: the input of shape {tuple(x.shape)} has {x.shape[-1]} features (axis {x.ndim - 1}), "
                                    f"and input_size={self.input_size} was expected"
                                    + (f".  Axis {where[0]} would fit: x.transpose({where[0]}, {x.ndim - 1})" if where else ""))
        if 0 in x.shape[:1] or (self.batch_first and x.ndim == 3 and x.shape[1] == 0):
            raise errors.ShapeError(f"{name}: the input of shape {tuple(x.shape)} has no step: a sequence has at least one")

    def _first_states(self, hx: Any, x: Tensor, batch: int, one: bool) -> list[Any]:
        """The first state of each kind, (layers · directions, batch, size); zeros if none is given."""
        name, count = type(self).__name__, self.num_layers * self._directions
        if hx is None:
            zero = zeros(batch, self.hidden_size, dtype=x.dtype, device=x.device)
            return [[zero] * count] * len(self.states)
        given = [hx] if len(self.states) == 1 else hx
        wants = "a Tensor" if len(self.states) == 1 else f"a tuple ({', '.join(self.states)})"
        if not isinstance(given, (tuple, list)) or len(given) != len(self.states) or \
                not all([isinstance(state, autograd.Tensor) for state in given]):
            came = f"a {type(hx).__name__}" + (f" of {len(hx)}" if isinstance(hx, (tuple, list)) else "")
            raise errors.WrongType(f"{name}: the first state is {wants}, got {came}")
        expected = (count, self.hidden_size) if one else (count, batch, self.hidden_size)
        for state, what in zip(given, self.states):
            if state.shape != expected:
                kinds = "(layers · directions, size), as the input is one sequence" if one else "(layers · directions, batch, size)"
                hint = ""
                if not one and state.ndim == 3 and state.shape == (batch, count, self.hidden_size):
                    hint = ".  batch_first is not about states: transpose(0, 1)"
                raise errors.ShapeError(f"{name}: {what} has shape {kinds} = {expected}, got {tuple(state.shape)}{hint}")
            if state.dtype != x.dtype:
                raise errors.WrongValue(f"{name}: {what} is of dtype {state.dtype}, and the input of {x.dtype}")
        return [state.unsqueeze(1) for state in given] if one else list(given)

    def extra_repr(self) -> str:
        defaults = {"num_layers": 1, "bias": True, "batch_first": False, "dropout": 0, "bidirectional": False}
        told = [f"{name}={getattr(self, name)!r}" for name, default in defaults.items() if getattr(self, name) != default]
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *told])


def permuted(states: list[Any], order: Tensor | None) -> list[Any]:
    """The states of the sequences of a batch, in another order."""
    return states if order is None else [state.index_select(1, order) for state in states]


class RNN(RNNBase):
    """h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh), or relu with nonlinearity="relu"        (SPEC F-07, MOD-07)

    input (time, batch, input_size), hx (num_layers · directions, batch, hidden_size) ->
    output (time, batch, directions · hidden_size), hx at the end.  See `RNNBase` for the other arguments.
    """
    op, gates = ops.rnn, 1
    nonlinearity: str
    _arguments = ("input_size, hidden_size, num_layers, nonlinearity, bias, batch_first, dropout, bidirectional")

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, nonlinearity: str = "tanh", bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.nonlinearity = check_nonlinearity("RNN", nonlinearity)
        self._set_up(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional,
                     device, dtype)

    def _options(self) -> dict[str, Any]:
        return {"relu": self.nonlinearity == "relu"}


class LSTM(RNNBase):
    """c_t = f c_{t-1} + i g,   h_t = o tanh c_t, where the gates i, f, o (σ) and the news g (tanh) see x_t and h_{t-1}

    input (time, batch, input_size), (hx, cx) (num_layers · directions, batch, hidden_size) each ->
    output (time, batch, directions · hidden_size), (hx, cx) at the end.  The rows of the weights are those of i, f, g and o.
    See `ops.lstm` for the formulas and their derivation, and `RNNBase` for the other arguments.        (SPEC MOD-08, M-12)
    """
    op, gates, states = ops.lstm, 4, ("hx", "cx")

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
                 dropout: float = 0.0, bidirectional: bool = False, proj_size: int = 0, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        if proj_size != 0:
            raise NotImplementedError(f"LSTM: proj_size={proj_size} is not offered: leave it out, and put nn.Linear(hidden_size, "
                                      f"{proj_size}) behind the layer")
        self._set_up("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)

    def _state(self, last: list[Tensor]) -> Any:
        return tuple(last)


class GRU(RNNBase):
    """h_t = (1 - z) n + z h_{t-1}, where the gates r, z (σ) see x_t and h_{t-1}, and the news n (tanh) x_t and what r lets
    through of h_{t-1}

    input (time, batch, input_size), hx (num_layers · directions, batch, hidden_size) ->
    output (time, batch, directions · hidden_size), hx at the end.  The rows of the weights are those of r, z and n.
    See `ops.gru` for the formulas, and `RNNBase` for the other arguments.
    """
    op, gates = ops.gru, 3

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True, batch_first: bool = False,
                 dropout: float = 0.0, bidirectional: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self._set_up("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device, dtype)


def check_nonlinearity(name: str, nonlinearity: Any) -> str:
    if nonlinearity not in ("tanh", "relu"):
        raise errors.WrongValue(f"{name}: nonlinearity is 'tanh' or 'relu', got {nonlinearity!r}")
    return nonlinearity


# ---- single steps -----------------------------------------------------------------------------------------------
class RNNCellBase(Module):
    """What the cells share: one step of one layer in one direction.  The weights start uniform between ±1/√hidden_size."""
    op: ClassVar[type[Op]]
    gates: ClassVar[int]
    states: ClassVar[tuple[str, ...]] = ("hx",)
    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def _set_up(self, input_size: int, hidden_size: int, bias: bool, device: Any, dtype: Any) -> None:
        check_counts(type(self).__name__, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = self.gates * hidden_size
        self.weight_ih = Parameter(empty((rows, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((rows, hidden_size), device=device, dtype=dtype))
        for name in "bias_ih", "bias_hh":
            self.register_parameter(name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """New random numbers."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size else 0.0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _step(self, x: Any, hx: Any, **options: Any) -> list[Tensor]:
        """The next states, of a batch (batch, features) or of one sequence (features,)."""
        name = type(self).__name__
        if not isinstance(x, autograd.Tensor):
            raise TypeError(f"{name}: the input is a Tensor, got {type(x).__name__}: make one with tensor(…)")
        if x.ndim not in (1, 2) or x.shape[-1] != self.input_size:
            raise errors.ShapeError(f"{name}: the input has shape (batch, input_size={self.input_size}), or ({self.input_size},) "
                                    f"for one sequence, got {tuple(x.shape)}"
                                    + (f": a whole sequence goes through nn.{name[:-4]}" if x.ndim == 3 else ""))
        expected = (*x.shape[:-1], self.hidden_size)
        if hx is None:
            hx = [zeros(expected, dtype=x.dtype, device=x.device)] * len(self.states)
        elif len(self.states) == 1:
            hx = [hx]
        if not isinstance(hx, (tuple, list)) or len(hx) != len(self.states) or \
                not all([isinstance(state, autograd.Tensor) for state in hx]):
            wants = "a Tensor" if len(self.states) == 1 else f"a tuple ({', '.join(self.states)})"
            raise errors.WrongType(f"{name}: the state before is {wants}, got {type(hx).__name__}")
        for state, what in zip(hx, self.states):
            if state.shape != expected:
                raise errors.ShapeError(f"{name}: the input of shape {tuple(x.shape)} wants {what} of shape {expected}, got "
                                        f"{tuple(state.shape)}")
        one = x.ndim == 1
        if one:
            x, hx = x.unsqueeze(0), [state.unsqueeze(0) for state in hx]
        weights = [self.weight_ih, self.weight_hh, *([self.bias_ih, self.bias_hh] if self.bias else [])]
        out = self.op(x, *hx, *weights, sizes=(x.shape[0],), **options)[1:]         # a packed sequence of one step
        return [state.squeeze(0) for state in out] if one else list(out)

    def extra_repr(self) -> str:
        return f"{self.input_size}, {self.hidden_size}" + ("" if self.bias is True else f", bias={self.bias}")


class RNNCell(RNNCellBase):
    """One step of `RNN`: input (batch, input_size), hx (batch, hidden_size) -> the next hx.  Zeros, if no hx is given."""
    op, gates = ops.rnn, 1
    nonlinearity: str

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, nonlinearity: str = "tanh", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.nonlinearity = check_nonlinearity("RNNCell", nonlinearity)
        self._set_up(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(input, hx, relu=self.nonlinearity == "relu")[0]

    def extra_repr(self) -> str:
        return super().extra_repr() + ("" if self.nonlinearity == "tanh" else f", nonlinearity={self.nonlinearity}")


class LSTMCell(RNNCellBase):
    """One `LSTM` step: input (batch, input_size), (hx, cx) (batch, hidden_size) each -> the next (hx, cx).  Zeros, if not given."""
    op, gates, states = ops.lstm, 4, ("hx", "cx")

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self._set_up(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        h, c = self._step(input, hx)
        return h, c


class GRUCell(RNNCellBase):
    """One step of `GRU`: input (batch, input_size), hx (batch, hidden_size) -> the next hx.  Zeros, if no hx is given."""
    op, gates = ops.gru, 3

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self._set_up(input_size, hidden_size, bias, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step(input, hx)[0]
