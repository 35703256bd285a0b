"""Backpropagation from nothing: three small engines, each mending what was wrong with the one before.

A network is a formula.  To train it is to ask, for every number w in it: if w grows a little, by how much does the loss L grow?
That is dL/dw.  The chain rule finds them all, walking the formula once, backwards:

    L = f(h),  h = h(x)            dL/dx = dL/dh · dh/dx            so x needs from h only  g = dL/dh            (SPEC F-09)

Read this file from top to bottom.  It needs NumPy alone.  The third engine is tinygrad_like in small, with the same names,
so that its `op.py` and `autograd.py` will hold no surprise afterwards.

    1  Number     every number remembers, in a closure, how to hand its g on
    2  Array      the formulas move out of the closures, and numbers become arrays
    3  Tensor     each derivative asks by name for what it needs, and only that is kept

At the end, each of the three learns to foretell sunspots, and tinygrad_like does too: all four find the same gradients.
"""
import argparse
import inspect
import itertools

import numpy as np
from data import sunspots

clock = itertools.count()              # everything gets a number at birth: what is computed is younger than what it came from


# ---- 1  Closures ------------------------------------------------------------------------------------------------------------
class Number:
    """A number with a history: its parents, and a function that hands its gradient on to them."""

    def __init__(self, value, parents=(), hand_on=lambda g: None):
        self.value, self.parents, self.hand_on = value, parents, hand_on
        self.grad, self.birth = 0.0, next(clock)

    def __add__(self, other):
        def hand_on(g):
            self.grad += g                                      # += : who is used twice receives twice
            other.grad += g
        return Number(self.value + other.value, (self, other), hand_on)

    def __mul__(self, other):
        def hand_on(g):
            self.grad += g * other.value
            other.grad += g * self.value
        return Number(self.value * other.value, (self, other), hand_on)

    def relu(self):
        def hand_on(g):
            self.grad += g * (self.value > 0)
        return Number(max(0.0, self.value), (self,), hand_on)

    def backward(self):
        """From the youngest to the oldest: when a number's turn comes, everything made from it has handed on its part."""
        history = {self}
        todo = [self]
        while todo:
            new = set(todo.pop().parents) - history
            history |= new
            todo += new
        self.grad = 1.0                                         # dL/dL
        for number in sorted(history, key=lambda number: number.birth, reverse=True):
            number.hand_on(number.grad)


# That is the whole idea.  What is wrong with it:
#   - a number at a time.  One picture of 784 pixels for 256 neurons takes 200,000 products, each with a closure of its own.
#   - the derivative of a product is in there somewhere: it cannot be read, called, or tested by itself.
#   - += stands in every closure.  Forget it once, and one gradient is wrong.


# ---- 2  The formula moves out of the closure --------------------------------------------------------------------------------
# An op is a function with its derivative beside it, given g, its operands and its result.  The bookkeeping (who is next, adding
# up) is done in one place, `Array.backward`.  There it can also undo broadcasting, which arrays bring along: a number that was
# added to n others was used n times, and receives the sum of n gradients.
class Add:
    def forward(x, y): return x + y
    def backward(g, x, y, out): return g, g


class Mul:
    def forward(x, y): return x * y
    def backward(g, x, y, out): return g * y, g * x


class Relu:
    def forward(x): return np.maximum(x, 0)
    def backward(g, x, out): return (g * (x > 0),)


class Sum:
    def forward(x): return x.sum()
    def backward(g, x, out): return (np.broadcast_to(g, x.shape),)


class Array:
    """An array with a history: its parents, and the op that made it of them."""

    def __init__(self, value, parents=(), op=None):
        self.value, self.parents, self.op = np.asarray(value), parents, op
        self.grad, self.birth = 0.0, next(clock)

    def __add__(self, other): return apply(Add, self, other)
    def __mul__(self, other): return apply(Mul, self, other)
    def relu(self): return apply(Relu, self)
    def sum(self): return apply(Sum, self)

    def backward(self):
        waiting = {self}                                        # what a gradient has arrived at; the youngest goes first
        self.grad = np.ones_like(self.value)
        while waiting:
            array = max(waiting, key=lambda array: array.birth)
            waiting.remove(array)
            if array.op is not None:
                gradients = array.op.backward(array.grad, *[p.value for p in array.parents], array.value)
                for parent, g in zip(array.parents, gradients):
                    parent.grad = parent.grad + sum_to(g, parent.value.shape)
                    waiting.add(parent)


def apply(op, *parents):
    return Array(op.forward(*[p.value for p in parents]), parents, op)


def sum_to(g, shape):
    """Undo broadcasting: sum over the axes along which an array of this shape was stretched."""
    lead = g.ndim - len(shape)
    stretched = tuple(axis for axis in range(g.ndim) if axis < lead or (shape[axis - lead] == 1 and g.shape[axis] != 1))
    return g.sum(axis=stretched, keepdims=True).reshape(shape)


# The formulas can be read and tested now, and it is fast.  What is still wrong:
#   - it keeps everything.  Every Array holds its value, and its parents, for as long as the loss is there; yet the backward
#     pass of an addition needs no values at all, and that of relu does not care what x was, only where the result is positive.
#   - it computes everything.  The pixels and the labels get gradients too, which nobody wants.


# ---- 3  Asking by name ------------------------------------------------------------------------------------------------------
# One function for each derivative: dx is dL/dx, and its parameters say what it needs.  Python can read them (`inspect`), so
# the formula itself decides what is kept, and what nobody wants is neither computed nor kept.
class Op:
    def __init_subclass__(op):
        op.operands = list(inspect.signature(op.forward).parameters)
        op.asks = {x: list(inspect.signature(getattr(op, "d" + x)).parameters)[1:] for x in op.operands}

    def __new__(op, *operands):
        arrays = [t.array for t in operands]
        out = op.forward(*arrays)
        if not any(t.node for t in operands):
            return Tensor(out)                                  # made of constants: a constant
        known = dict(zip(op.operands, arrays), out=out)
        wanted = {ask for x, t in zip(op.operands, operands) if t.node for ask in op.asks[x]} - {"shape"}
        return Tensor(out, Node(op, [t.node for t in operands], {name: known[name] for name in wanted}, out.shape))


class add(Op):
    def forward(x, y): return x + y
    def dx(g): return g
    def dy(g): return g


class mul(Op):
    def forward(x, y): return x * y
    def dx(g, y): return g * y
    def dy(g, x): return g * x


class relu(Op):
    def forward(x): return np.maximum(x, 0)
    def dx(g, out): return g * (out > 0)


class sum(Op):
    def forward(x): return x.sum()
    def dx(g, shape): return np.broadcast_to(g, shape)


class Node:
    """One application of an op: the nodes of its operands (None: no gradient wanted), and what its derivatives asked to keep."""

    def __init__(self, op, parents, kept, shape):
        self.op, self.parents, self.kept, self.shape, self.birth, self.grad = op, parents, kept, shape, next(clock), None


class Tensor:
    """An array, and the node it came from.  The node does not know the Tensor: drop the Tensor, and its array is gone."""

    def __init__(self, array, node=None, requires_grad=False):
        self.array = np.asarray(array)
        self.node = Node(None, [], {}, self.array.shape) if requires_grad else node

    def __add__(self, other): return add(self, other)
    def __mul__(self, other): return mul(self, other)
    def relu(self): return relu(self)
    def sum(self): return sum(self)

    def backward(self):
        arrived = {self.node: np.ones_like(self.array)}         # what has arrived at a node so far; the youngest goes first
        while arrived:
            node = max(arrived, key=lambda node: node.birth)
            g = arrived.pop(node)
            if node.op is None:                                 # a leaf: gradients end here
                node.grad = g
                continue
            for x, parent in zip(node.op.operands, node.parents):
                if parent is not None:
                    known = {**node.kept, "shape": parent.shape}
                    dx = getattr(node.op, "d" + x)(g, *[known[ask] for ask in node.op.asks[x]])
                    arrived[parent] = arrived.get(parent, 0) + sum_to(dx, parent.shape)


# This is the design of tinygrad_like.  Open `tinygrad_like/op.py` next, for `Op` and `Node`, and then `autograd.py`, where the
# loop is called `sweep`: these three, with a heap instead of `max`, and what real work asks for: keyword parameters, several
# results, gradients of gradients, edits in place, and errors that teach.
# The formulas are in `tinygrad_like/ops/`, many more of this kind.


# ---- All of them learn the same ---------------------------------------------------------------------------------------------
HIDDEN = 3


def loss(w, last_year, before, now, half, minus):
    """½ (ŷ - y)² of a network with one hidden layer:   ŷ = Σ_k c_k max(0, a_k·last_year + b_k·before + d_k) + e

    Made of + and * and relu alone, it works on all four: on Numbers a year at a time, on the others for all years at once.
    """
    a, b, c, d, e = w[0:3], w[3:6], w[6:9], w[9:12], w[12]
    guess = e
    for k in range(HIDDEN):
        guess = guess + c[k] * (a[k] * last_year + b[k] * before + d[k]).relu()
    error = guess + minus * now
    return half * error * error


def with_numbers(weights, years):
    w = [Number(float(x)) for x in weights]
    half, minus, total = Number(0.5), Number(-1.0), Number(0.0)
    for last_year, before, now in years.tolist():
        total = total + loss(w, Number(last_year), Number(before), Number(now), half, minus)
    total.backward()
    return total.value, np.array([x.grad for x in w])


def with_arrays(weights, years):
    w = [Array(x) for x in weights]
    total = loss(w, *[Array(column) for column in years.T], Array(0.5), Array(-1.0)).sum()
    total.backward()
    return total.value, np.array([x.grad for x in w])


def with_tensors(weights, years):
    w = [Tensor(x, requires_grad=True) for x in weights]
    total = loss(w, *[Tensor(column) for column in years.T], Tensor(0.5), Tensor(-1.0)).sum()
    total.backward()
    return total.array, np.array([x.node.grad for x in w])


def with_tinygrad_like(weights, years):
    import tinygrad_like as tl
    w = [tl.tensor(x, dtype=tl.float64, requires_grad=True) for x in weights.tolist()]
    total = loss(w, *[tl.tensor(column) for column in years.T], 0.5, -1.0).sum()
    total.backward()
    return total.item(), np.array([x.grad.item() for x in w])


def kept_alive(total):
    """Bytes of the arrays that a loss holds on to for its backward pass."""
    history = [total if isinstance(total, Array) else total.node]
    arrays = {}
    for x in history:                                           # grows while we read it
        for array in [x.value] if isinstance(x, Array) else x.kept.values():
            arrays[id(array)] = array.nbytes
        history += [p for p in x.parents if p is not None and p not in history]
    return np.sum(list(arrays.values()))


def main():
    parser = argparse.ArgumentParser(description="Three engines and tinygrad_like find the same gradients.")
    parser.add_argument("--quick", action="store_true", help="10 steps instead of 200")
    steps = 10 if parser.parse_args().quick else 200

    spots = sunspots()[1] / 100
    years = np.stack([spots[1:-1], spots[:-2], spots[2:]], axis=1)      # last year, the year before, and what we want to know
    seen, unseen = years[:240], years[240:]                             # learn from 1702-1941, be judged by 1942-2008
    weights = np.random.default_rng(4).normal(0, 0.5, 4 * HIDDEN + 1)

    worst = 0.0
    for step in range(steps + 1):
        L, gradient = with_tensors(weights, seen)
        for engine in with_numbers, with_arrays, with_tinygrad_like:
            other_L, other = engine(weights, seen)
            difference = np.max(np.abs(other - gradient) / np.maximum(1, np.abs(gradient)))
            worst = max(worst, difference, abs(other_L - L) / max(1, L))
        if step % (steps // 5) == 0:
            print(f"step {step:3d}   loss {L:8.4f}   largest difference between the four so far {worst:.1e}")
        weights = weights - 0.002 * gradient                            # downhill

    for name, kind in ("2 (keeps everything)", Array), ("3 (asks by name)", Tensor):
        w = [Array(x) if kind is Array else Tensor(x, requires_grad=True) for x in weights]
        total = loss(w, *[kind(column) for column in seen.T], kind(0.5), kind(-1.0)).sum()
        print(f"engine {name:22s} keeps {kept_alive(total) / 1024:6.1f} KiB alive")

    J, _ = with_tensors(weights, unseen)
    print(f"years not learnt from: off by {100 * np.sqrt(2 * J / len(unseen)):.1f} sunspots (root mean square); "
          f"saying 'as last year' is off by {100 * np.sqrt(np.mean((unseen[:, 2] - unseen[:, 0]) ** 2)):.1f}")
    print(f"largest difference {worst:.1e}")


if __name__ == "__main__":
    main()
