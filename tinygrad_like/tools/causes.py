"""The usual causes of numbers that are not finite, op by op, and what cures them."""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["usual"]


@dataclass
class Rule:
    """What is said of these ops where `when`, a function of the operands at the offending place (backward: after g), is true."""
    phase: str
    ops: str
    when: Callable[..., bool] | None
    cause: str
    cure: str


LOGS = "log log2 log10"
LARGE = ("the numbers grew past the largest of their type.  In the first step: weights or inputs on far too large a scale; "
         "later: most often a learning rate too high")
SMALLER = ("a tenth of the learning rate, or clip_grad_norm_(model.parameters(), 1.0) before the step; inputs scaled to about "
           "-1 … 1")
BRANCH = ("if a where() drops these elements, the backward pass still meets them: safe_where(ok, function, x, 0) in the place of "
          "where(ok, function(x), 0)")
RULES = [
    Rule("forward", LOGS, lambda x: x == 0, "the logarithm of 0 is -inf: most often of a probability that has become 0",
         "log_softmax(x) in the place of softmax(x).log(), logsigmoid(x) in that of sigmoid(x).log(), xlogy(y, x) in that of "
         "y * x.log(); or x.clamp(min=1e-8).log()"),
    Rule("forward", LOGS, lambda x: x < 0, "negative numbers have no logarithm",
         "look why they are negative; if only by rounding, x.clamp(min=1e-8).log()"),
    Rule("backward", LOGS, lambda g, x: x == 0, "the derivative of log x is 1/x, which is infinite at 0 (0 · inf is NaN)",
         "log_softmax(x) or logsigmoid(x) for the log of a probability; or x.clamp(min=1e-8).log(); " + BRANCH),
    Rule("forward", "log1p", lambda x: x <= -1, "log(1 + x) is -inf at x = -1 and NaN below", "x.clamp(min=-1 + 1e-6).log1p()"),
    Rule("forward", "div", lambda x, y: x == 0 and y == 0, "0 / 0 is NaN: most often a mean over nothing, or a row scaled by its "
         "own length or spread, which is 0", "x / (y + 1e-8), or x / count.clamp(min=1)"),
    Rule("forward", "div remainder fmod", lambda x, y: y == 0, "a number was divided by 0: a count of nothing, a spread of what is "
         "constant, a norm of zeros", "x / (y + 1e-8), or x / count.clamp(min=1)"),
    Rule("forward", "reciprocal rsqrt", lambda x: x == 0, "1 / 0 is infinite", "(x + 1e-8).rsqrt(), or .reciprocal()"),
    Rule("forward", "sqrt rsqrt", lambda x: x < 0, "negative numbers have no real root: a variance as E[x²] - E[x]² can come out "
         "below 0 by rounding", "x.clamp(min=0).sqrt(), or x.var() as it is"),
    Rule("backward", "sqrt rsqrt", lambda g, x: x == 0,
         "the derivative of √x is 1 / (2 √x), which is infinite at 0 (0 · inf is NaN)",
         "(x + 1e-8).sqrt(); for lengths x.norm(), whose gradient at 0 is 0; " + BRANCH),
    Rule("forward", "exp exp2 expm1 sinh cosh", None,
         "eˣ is more than float32 holds beyond x = 88.7 (float64: 709.8, float16: 11.1)",
         "let a function do it that subtracts the largest number first: softmax, logsumexp, sigmoid, softplus, "
         "binary_cross_entropy_with_logits; or x.clamp(max=80).exp()"),
    Rule("forward", "pow", lambda x, y: x == 0 and y < 0, "0 to a negative power is 1 / 0", "(x + 1e-8) ** y"),
    Rule("forward", "pow", lambda x, y: x < 0 and y != round(y), "a negative number to a power with a fraction is not real",
         "x.abs() ** y, or x.clamp(min=0) ** y"),
    Rule("backward", "pow", lambda g, x: x == 0, "the derivative of x**y is y x**(y-1), which is infinite at 0 for y < 1",
         "(x + 1e-8) ** y; " + BRANCH),
    Rule("forward", "asin acos erfinv", lambda x: abs(x) > 1,
         "it is defined between -1 and 1 only: a cosine can come out beyond 1 by rounding", "x.clamp(-1 + 1e-6, 1 - 1e-6) first"),
    Rule("backward", "asin acos", lambda g, x: abs(x) == 1, "the derivative is infinite at -1 and 1",
         "x.clamp(-1 + 1e-6, 1 - 1e-6) first"),
    Rule("forward", "atanh erfinv", lambda x: abs(x) >= 1, "it is infinite at -1 and 1, and NaN beyond",
         "x.clamp(-1 + 1e-6, 1 - 1e-6) first"),
    Rule("forward", "acosh", lambda x: x < 1, "it is defined from 1 upwards only", "x.clamp(min=1) first"),
    Rule("forward", "mul", lambda x, y: 0 in (x, y), "0 · inf is NaN: a mask of zeros does not remove what is infinite",
         "x.masked_fill(mask, 0) in the place of x * keep"),
    Rule("forward", "add sub", lambda x, y: math.isinf(x) and math.isinf(y), "inf - inf is NaN",
         "look where the first infinity comes from; two masks of -inf may be added, but never subtracted"),
    Rule("forward", "mean", None, "the mean of no numbers is 0 / 0", "leave empty batches and empty selections out"),
    Rule("forward", "var std", None, "the spread of n numbers divides by n - 1, which is 0 for one", "x.var(correction=0), or more "
         "than one number"),
    Rule("forward", "cross_entropy", None, "the score of the right class is -inf: a mask excludes what the label says is true",
         "leave the classes of labels unmasked, or give such labels ignore_index"),
    Rule("forward", "softmax log_softmax attention", None, "a score is +inf: inf - inf, or inf / inf, is NaN",
         "masks are -inf, and scores finite: x.clamp(max=1e4) before, or look where the scores grew"),
    Rule("forward", "astype", None, "the number is larger than the new type holds (float16: 65504)", "stay with float32, or scale "
         "the numbers down first"),
    Rule("backward", "norm hypot", None, "the derivative of a length is infinite, or 0 / 0, at length 0", "(x * x).sum() + 1e-8, "
         "and then sqrt()"),
]
FROM_INFINITE = ("an infinity went in: inf - inf, 0 · inf and inf / inf are NaN", "look where the infinity comes from: it is named "
                 "above; masks of -inf belong into softmax, log_softmax, logsumexp and max only")
FROM_CONSTANT = ("it was written so, as masks are; but softmax, log_softmax, logsumexp and max take masks away, and here none did",
                 "mask after the loss instead: the mean over loss[keep]; or fill in 0")
FROM_OUTSIDE = ("it was no op that made it: the numbers were so already.  In data: missing values, or features divided by a spread "
                "of 0; in parameters: an initialisation, a file, an edit by hand",
                "assert x.isfinite().all() where it is loaded; x.nan_to_num(), or leave such rows out")


def usual(phase: str, op: str, values: list[float] | None, value: float, infinite: bool) -> tuple[str, str]:
    """The usual cause and its cure, for an op and its operands at the offending place."""
    for rule in RULES:
        if rule.phase == phase and op in rule.ops.split():
            try:
                if rule.when is None or values is not None and rule.when(*values):
                    return rule.cause, rule.cure
            except (TypeError, ValueError, OverflowError):      # it asks for more operands than the derivative kept, or has NaN
                continue
    if infinite:
        return FROM_INFINITE
    if phase == "forward" and math.isinf(value):
        return LARGE, SMALLER
    if phase == "backward":
        return ("the local derivative is not finite here, or gradients grew past the largest number of their type: most often a "
                "learning rate too high, or many steps of a recurrence"), SMALLER
    return LARGE, SMALLER
