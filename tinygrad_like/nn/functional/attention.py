"""Attention, from the bare formula to many heads with their projections."""
from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ... import backend, errors, ops
from ...functions.common import check_inputs
from ...functions.linalg import linear
from ...functions.shape import cat, repeat_interleave
from ...op import wrap
from .activation import softmax
from .dropout import drawn, dropout
from .loss import check_tensors

if TYPE_CHECKING:
    from ...tensor import Tensor

__all__ = ["scaled_dot_product_attention", "multi_head_attention_forward"]


class Misfit(errors.ShapeError, AssertionError):
    """Shapes that do not go together.  (PyTorch asserts some of them, and raises RuntimeError for others: this is both.)"""


# ---- one formula ------------------------------------------------------------------------------------------------
def scaled_dot_product_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None = None, dropout_p: float = 0.0,
                                 is_causal: bool = False, scale: float | None = None, enable_gqa: bool = False) -> Tensor:
    """softmax(scale · q kᵀ + mask) v: to each query the mean of the values, weighted by how well their keys match it  (SPEC MOD-18)

    query (…, L, E), key (…, S, E), value (…, S, V); out (…, L, V).  Leading dims, of which the last counts the heads, broadcast.

    attn_mask: broadcasts to (…, L, S).  Booleans: **True = attended**, which is the opposite of what it means in
        MultiheadAttention.  Floating-point numbers are added to the scores, and get a gradient.

            True  False False         the mask of a causal model: query i (a row) attends keys 0 … i (columns).
            True  True  False         A row that is False, or -inf, altogether gives 0, with gradient 0.
            True  True  True
    dropout_p: the probability to drop each weight.  It is dropped whenever this is not 0: pass 0.0 when evaluating.
    is_causal: that mask, without building it.  With L ≠ S, too, query 0 attends key 0 alone.
    scale: default 1/√E, which keeps the scores' variance.
    enable_gqa: query has n times as many heads as key and value, and n in a row share one of theirs (Ainslie et al. 2023).
    """
    name = "scaled_dot_product_attention"
    check_tensors(name, query=query, key=key, value=value)
    if is_causal and attn_mask is not None:
        raise RuntimeError(f"{name}: is_causal=True is a mask, and attn_mask another: give one of them, or mask the later keys in "
                           "attn_mask as well")
    if not 0 <= dropout_p <= 1:
        raise errors.WrongValue(f"{name}: dropout_p is a probability, between 0 and 1, got {dropout_p}")
    check_shapes(name, query, key, value, enable_gqa)
    q, k, v, shape = query, key, value, None
    if enable_gqa and key.shape[-3] != query.shape[-3]:
        shape = tuple(query.shape)
        q, k, v, attn_mask = grouped(query, key, value, attn_mask)
    bias = None
    if attn_mask is not None:
        lead = backend.host.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2])
        bias = as_bias(name, attn_mask, query, lead + (q.shape[-2], k.shape[-2]))
    size = query.shape[-1]
    out = attended(q, k, v, bias, (1 / math.sqrt(size) if size else 1.0) if scale is None else float(scale), is_causal, dropout_p)
    return out if shape is None else out.reshape(*out.shape[:-4], *shape[-3:-1], out.shape[-1])


def attended(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, scale: float, causal: bool, p: float) -> Tensor:
    """softmax(scale q kᵀ + bias) v, of whose weights each is dropped with probability p, and the others divided by 1 - p."""
    keep = None
    if p:
        lead = backend.host.broadcast_shapes(q.shape[:-2], k.shape[:-2], v.shape[:-2], () if bias is None else bias.shape[:-2])
        keep = drawn(q, p, (*lead, k.shape[-2], q.shape[-2])).swapaxes(-1, -2)
        v = v * (1 / (1 - p) if p < 1 else 0.0)                 # weights times values, so as good as to divide the weights
    return ops.attention(q, k, v, *[] if bias is None else [bias], scale=scale, causal=causal, keep=keep)


def grouped(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """Queries of shape (…, heads of key, n, L, E), and the others with a dim of 1 in the place of n, which broadcasts."""
    heads, of_key, of_value = query.shape[-3], key.shape[-3], value.shape[-3]
    if of_value < of_key:
        value, of_value = repeat_interleave(value, of_key // of_value, dim=-3), of_key
    elif of_key < of_value:
        key, of_key = repeat_interleave(key, of_value // of_key, dim=-3), of_value
    if mask is not None and mask.ndim > 2:
        split = (of_key, heads // of_key) if mask.shape[-3] == heads else (1, 1)
        mask = mask.reshape(*mask.shape[:-3], *split, *mask.shape[-2:]) if mask.shape[-3] in (1, heads) else mask
    q = query.reshape(*query.shape[:-3], of_key, heads // of_key, *query.shape[-2:])
    return q, key.unsqueeze(-3), value.unsqueeze(-3), mask


def check_shapes(name: str, query: Tensor, key: Tensor, value: Tensor, grouped: bool) -> None:
    """Raise unless query, key and value go together."""
    q, k, v = query.array.shape, key.array.shape, value.array.shape
    if q == k == v and len(q) > 2 and query.array.dtype == key.array.dtype == value.array.dtype and query.array.dtype.kind == "f":
        return
    given = f"query {q}, key {k} and value {v}"
    if min(len(q), len(k), len(v)) < 2:
        raise errors.ShapeError(f"{name}: query is (…, L, E), key (…, S, E) and value (…, S, V), of at least two dims, got {given}")
    if query.array.dtype.kind != "f" or not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(f"{name}: query, key and value are of one floating-point type, got {query.dtype}, {key.dtype} and "
                           f"{value.dtype}: convert by .to(query.dtype)")
    if q[-1] != k[-1]:
        raise errors.ShapeError(f"{name}: a query is multiplied by a key, so both have one size, and dim -1 is {q[-1]} in query "
                                f"and {k[-1]} in key (shapes: {given})")
    if k[-2] != v[-2]:
        raise errors.ShapeError(f"{name}: each key has a value: dim -2 is {k[-2]} in key and {v[-2]} in value (shapes: {given})")
    if grouped:
        if min(len(q), len(k), len(v)) < 3:
            raise errors.ShapeError(f"{name}: with enable_gqa=True dim -3 counts the heads, and there is none in {given}")
        heads, a, b = q[-3], k[-3], v[-3]
        if not (a and b and heads % a == 0 and heads % b == 0 and max(a, b) % min(a, b) == 0) and not heads == a == b:
            raise errors.ShapeError(f"{name}: with enable_gqa=True the heads of key and value divide those of query, and dim -3 is "
                                    f"{heads} in query, {a} in key and {b} in value")
        q, k, v = q[:-3] + q[-2:], k[:-3] + k[-2:], v[:-3] + v[-2:]
    for what, x in (("key", k), ("value", v)):
        if fault := errors.broadcast_fault(q[:-2], x[:-2]):
            hint = ""
            if not grouped and len(q) == len(x) > 2 and x[-3] and q[-3] % x[-3] == 0 and q[:-3] == x[:-3]:
                hint = f".  If {q[-3] // x[-3]} heads of query are to share each of {what}: enable_gqa=True"
            raise errors.ShapeError(f"{name}: the leading dims of query and {what} do not go together (shapes: {given}): "
                                    f"{fault}{hint}")


def as_bias(name: str, mask: Tensor, query: Tensor, shape: tuple[int, ...], attended: bool = True) -> Tensor:
    """What a mask adds to the scores, of that shape: itself, or for booleans 0 where they are `attended` and -inf elsewhere."""
    check_tensors(name, attn_mask=mask)
    own = tuple(mask.shape)
    if fault := errors.broadcast_fault(own, shape) or (len(own) > len(shape) and "it has too many dims"):
        raise Misfit(f"{name}: the mask has shape {own}, and it is to broadcast to that of the scores, (…, queries, keys) = {shape}"
                     f": {fault}")
    if len(own) < 2:
        mask = mask.reshape((1,) * (2 - len(own)) + own)
    return as_numbers(name, mask, query, attended)


def as_numbers(name: str, mask: Tensor, query: Tensor, attended: bool) -> Tensor:
    """The numbers that a mask of booleans or numbers stands for."""
    array = mask.array
    if array.dtype.kind == "b":
        zeros = backend.xp(array).zeros(array.shape, query.array.dtype)
        return wrap(backend.where(~array if attended else array, -math.inf, zeros))
    if array.dtype.kind != "f":
        raise errors.WrongType(f"{name}: a mask is of booleans, or of floating-point numbers that are added to the scores, got "
                               f"{mask.dtype}: .bool() makes booleans of it.  (Mind which of them mean that a key is attended)")
    return mask.to(query.dtype)


# ---- many heads -------------------------------------------------------------------------------------------------
def multi_head_attention_forward(
        query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int, num_heads: int, in_proj_weight: Tensor | None,
        in_proj_bias: Tensor | None, bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
        out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True, key_padding_mask: Tensor | None = None,
        need_weights: bool = True, attn_mask: Tensor | None = None, use_separate_proj_weight: bool = False,
        q_proj_weight: Tensor | None = None, k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
        static_k: Tensor | None = None, static_v: Tensor | None = None, average_attn_weights: bool = True,
        is_causal: bool = False, *, batch_first: bool = False) -> tuple[Tensor, Tensor | None]:
    """What MultiheadAttention computes (see there), for query (L, N, E), key and value (S, N, …), from its parameters.

    in_proj_weight (3E, E), or with use_separate_proj_weight the three others; out_proj_weight (E, E).  bias_k, bias_v: (1, 1, E).
    static_k, static_v: (N · heads, S, E / heads), to be used in the place of the projections of key and value.
    batch_first, which PyTorch does not have here: query (N, L, E), key and value (N, S, …).
    """
    name, size, heads = "multi_head_attention_forward", embed_dim_to_check, num_heads
    check_tensors(name, query=query, key=key, value=value)
    check_heads(query, key, value, size, heads, use_separate_proj_weight, key_padding_mask, batch_first)
    if is_causal and attn_mask is None:
        raise RuntimeError(f"{name}: is_causal=True says of attn_mask that it is the causal one, which may then be left unread: "
                           "pass it too, for example nn.Transformer.generate_square_subsequent_mask(L)")
    if use_separate_proj_weight:
        biases = [None] * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        projected = [linear(x, w, b) for x, w, b in zip((query, key, value), (q_proj_weight, k_proj_weight, v_proj_weight), biases)]
    else:
        projected = projections(query, key, value, in_proj_weight, in_proj_bias)
    batched = query.ndim == 3
    time, batch = (1, 0) if batch_first else (0, 1)
    if not batched:
        projected = [x.unsqueeze(batch) for x in projected]
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    queries, n = projected[0].shape[time], projected[0].shape[batch]

    added = 0                                                   # keys and values of the layer's own, which no mask knows of
    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise Misfit(f"{name}: bias_k and bias_v cannot be added to static_k and static_v")
        one = (n, 1, size) if batch_first else (1, n, size)
        projected[1:] = [cat([x, b.expand(one)], dim=time) for x, b in zip(projected[1:], (bias_k, bias_v))]
        added += 1
    q, k, v = [x.reshape(*x.shape[:2], heads, size // heads) for x in projected]
    q, k, v = [x.transpose(1, 2) if batch_first else x.permute(1, 2, 0, 3) for x in (q, k, v)]      # (batch, heads, time, size)
    k, v = [x if y is None else y.reshape(n, heads, -1, size // heads) for x, y in ((k, static_k), (v, static_v))]
    if add_zero_attn:                                           # for queries that match nothing
        zeros = k.new_zeros((n, heads, 1, size // heads))
        k, v = cat([k, zeros], dim=2), cat([v, zeros], dim=2)
        added += 1

    keys = k.shape[2] - added
    causal = is_causal and key_padding_mask is None and not need_weights and not added
    bias = None
    if attn_mask is not None and not causal:
        bias = mask_of_heads(attn_mask, query, n, heads, queries, keys)
    if key_padding_mask is not None:
        check_padding(key_padding_mask, n, keys)
        hidden = as_numbers(name, key_padding_mask, query, attended=False).reshape(n, 1, 1, keys)
        bias = hidden if bias is None else bias + hidden
    if bias is not None and added:
        bias = cat([bias, bias.new_zeros((*bias.shape[:-1], added))], dim=-1)

    p, scale, weights = dropout_p if training else 0.0, 1 / math.sqrt(size // heads), None
    if need_weights:
        scores = ops.matmul(q * scale, k.transpose(-1, -2))
        weights = dropout(softmax(scores if bias is None else scores + bias, dim=-1), p)
        out = ops.matmul(weights, v)                            # (batch, heads, time, size)
        weights = weights.mean(dim=1) if average_attn_weights else weights
        weights = weights if batched else weights.squeeze(0)
    else:
        out = attended(q, k, v, bias, scale, causal, p)
    out = out.transpose(1, 2) if batch_first else out.permute(2, 0, 1, 3)
    out = linear(out.reshape(*out.shape[:2], size), out_proj_weight, out_proj_bias)
    return out if batched else out.squeeze(batch), weights


def projections(query: Tensor, key: Tensor, value: Tensor, weight: Any, bias: Tensor | None) -> list[Tensor]:
    """x Wᵀ + b for the three, W (3E, E) being one above the other: by one product for those that are the same x."""
    size = len(weight) // 3
    if query is key is value:
        out = linear(query, weight, bias)
        return list(ops.unbind(out.reshape(*out.shape[:-1], 3, size), axis=out.ndim - 1))
    biases = [None] * 3 if bias is None else [bias[:size], bias[size:2 * size], bias[2 * size:]]
    q = linear(query, weight[:size], biases[0])
    if key is value:
        out = linear(key, weight[size:], None if bias is None else bias[size:])
        return [q, *ops.unbind(out.reshape(*out.shape[:-1], 2, size), axis=out.ndim - 1)]
    return [q, linear(key, weight[size:2 * size], biases[1]), linear(value, weight[2 * size:], biases[2])]


def mask_of_heads(mask: Tensor, query: Tensor, n: int, heads: int, queries: int, keys: int) -> Tensor:
    """What attn_mask adds to the scores, (batch, heads, queries, keys) or (queries, keys)."""
    name, shape, each = "multi_head_attention_forward", (queries, keys), (n * heads, queries, keys)
    check_tensors(name, attn_mask=mask)
    own = tuple(mask.shape)
    if own not in (shape, each):
        text = (f"{name}: attn_mask is (queries, keys) = {shape}, or one for each head, (batch · heads, queries, keys) = {each}, "
                f"got {own}")
        if own == (n, keys):
            text += ".  What says which keys of each sequence are padding is key_padding_mask"
        elif own == (n, queries, keys):
            text += f".  To use one for all heads of a sequence: attn_mask.repeat_interleave({heads}, dim=0)"
        raise Misfit(text)
    mask = mask if mask.ndim == 2 else mask.reshape(n, heads, queries, keys)
    return as_numbers(name, mask, query, attended=False)


def check_padding(padding: Tensor, n: int, keys: int) -> None:
    own = tuple(padding.shape)
    if own != (n, keys):
        hint = ".  It looks transposed: its batch comes first, whatever batch_first says" if own == (keys, n) else ""
        raise Misfit(f"multi_head_attention_forward: key_padding_mask is (batch, keys) = {(n, keys)}, and for unbatched input "
                     f"(keys,); got {own}{hint}")


def check_heads(query: Tensor, key: Tensor, value: Tensor, size: int, heads: int, separate: bool, padding: Tensor | None,
                batch_first: bool) -> None:
    """Raise unless query, key and value are of shapes that go together."""
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    name, given = "multi_head_attention_forward", f"query {q}, key {k} and value {v}"
    form, batch = ("(N, L, E)", 0) if batch_first else ("(L, N, E)", 1)
    if len(q) not in (2, 3) or not len(q) == len(k) == len(v):
        raise Misfit(f"{name}: query, key and value are batched, {form}, or all of them not, (L, E); got {given}")
    if padding is not None and padding.ndim != len(q) - 1:
        raise Misfit(f"{name}: key_padding_mask is (batch, keys), and for unbatched input (keys,); for query of shape {q} it has "
                     f"shape {tuple(padding.shape)}")
    if heads <= 0 or size % heads:
        raise Misfit(f"{name}: embed_dim={size} features are dealt out to num_heads={heads} heads, which does not divide it")
    if q[-1] != size:
        raise Misfit(f"{name}: embed_dim is {size}, and query of shape {q}, which is {form} or (L, E), has {q[-1]} features in its "
                     "last dim")
    if not separate and (k[-1] != size or v[-1] != size):
        raise Misfit(f"{name}: key and value have embed_dim={size} features in their last dim, got {given}.  For other sizes there "
                     "are kdim= and vdim= of the layer")
    if k[:-1] != v[:-1] or (len(q) == 3 and q[batch] != k[batch]):
        hint = ""
        if len(q) == 3 and k[:-1] == v[:-1] and q[1 - batch] == k[1 - batch]:
            hint = f".  If the batch is in dim {1 - batch}, build the layer with batch_first={not batch_first}"
        raise Misfit(f"{name}: each key has a value, and query and key are of one batch, dim {batch} of {form}; got {given}{hint}")


check_inputs(globals(), __all__)
