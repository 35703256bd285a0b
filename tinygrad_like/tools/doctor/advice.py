"""Why each finding of the doctor matters, and what mends it."""
from __future__ import annotations

__all__ = ["ADVICE", "fault_of"]

LOWER = "a tenth of the learning rate or less: find_lr(model, loss, optimizer, loader) suggests one; about 1e-3 for Adam"
HIGHER = "ten to a thousand times the learning rate: find_lr(model, loss, optimizer, loader) suggests one"

ADVICE = {
    # ---- scores, labels and losses
    "softmax-before-cross-entropy": (
        "applied twice, the probabilities of C classes stay between 1 / (C - 1 + e) and e / (C - 1 + e): the loss cannot become "
        "small, and learning is slow",
        "let the network end without softmax, and take softmax(-1) of its output where probabilities are shown"),
    "sigmoid-before-cross-entropy": (
        "scores between 0 and 1 cannot tell classes apart by more than a factor e", "let the network end without sigmoid"),
    "relu-before-cross-entropy": ("scores below 0, which rule a class out, are cut off", "let the network end without relu"),
    "sigmoid-before-logits-loss": (
        "applied twice, the probability stays between 0.5 and 0.73: the loss cannot become small, and learning is slow",
        "hand over the numbers before the sigmoid; or use binary_cross_entropy"),
    "probabilities-in-nll": (
        "it expects logarithms of probabilities: without the logarithm the loss is below 0, and confident mistakes cost next to "
        "nothing", "log_softmax in the place of softmax; or cross_entropy of the numbers before it"),
    "one-class": (
        "softmax of a single number is 1, so the loss is 0 from the start, and nothing is learned",
        "for a yes-or-no question binary_cross_entropy_with_logits with one output, or cross_entropy with two"),
    "labels-outside-0-1": (
        "they are probabilities: outside of 0 and 1 the loss has no minimum, and falls below 0 for ever",
        "for labels -1 and 1: target = (target + 1) / 2; for class numbers: cross_entropy"),
    "labels-out-of-range": (
        "a label names an output that the network does not have",
        "as many outputs as classes; and labels counted from 0: target - target.min()"),
    "labels-one-hot": ("each sample is to have one class number", "target.argmax(1) of one-hot rows"),
    "labels-not-integers": ("class numbers choose among scores, as indices do", "target.long()"),
    "loss-broadcasts": (
        "each prediction is compared with the targets of all samples: the network learns their mean",
        "target.unsqueeze(-1), or prediction.squeeze(-1); F.mse_loss raises where shapes differ"),
    "losses-kept": (
        "a sum or a list of loss tensors keeps all graphs alive: memory grows with each step",
        "total += loss.item(), or loss.detach(), which is a number without a graph"),
    "loss-not-finite": (
        "no gradient of it is a number", "with trace_nonfinite(): loss_of(model(x), y).backward() names the op that made it"),

    # ---- modes
    "evaluated-in-training-mode": (
        "dropout drops, and batch norm normalises by the batch that it is shown and changes its running statistics: the numbers "
        "are not those of the trained network", "model.eval() before, and model.train() after"),
    "trained-in-evaluation-mode": (
        "dropout does not drop, and running statistics stay what they are",
        "model.train() before each epoch, for evaluation may have switched it off"),
    "batch-of-one": (
        "mean and spread of a batch of one are its own: the layer takes away what is particular of the sample, and in use does "
        "otherwise", "a larger batch_size, drop_last=True in the DataLoader if the last batch is the one, or GroupNorm"),

    # ---- what goes in, and how it grows
    "inputs-not-normalised": (
        "the default weights expect about 0 and 1 in every column: larger numbers saturate units, make gradients explode, or drown "
        "the other columns; no learning rate suits all",
        "x = (x - mean) / std, with mean and std of the training data; pixels: x / 255; or data.tabular's scalers"),
    "dead-relus": (
        "where relu is 0 no gradient flows: such units never learn, whatever comes",
        "a smaller learning rate; the default initialisation, biases of 0; inputs normalised; or LeakyReLU"),
    "saturated-sigmoids": (
        "there the curve is flat: next to no gradient flows back through it",
        "inputs normalised; smaller weights (nn.init.xavier_uniform_); batch or layer norm before it; or relu"),
    "exploding-layers": (
        "gradients grow alike, layer by layer, and the first steps throw the weights far off",
        "the default initialisation, or nn.init.kaiming_normal_; batch or layer norm between the layers"),
    "vanishing-gradients": (
        "the first layers learn thousands of times more slowly than the last: as if they were not there",
        "relu in the place of sigmoid or tanh; batch or layer norm; shortcuts (x + f(x)); fewer layers"),
    "exploding-gradients": (
        "gradients grow on their way back: steps that suit the last layer throw the first ones far off",
        "clip_grad_norm_(model.parameters(), 1.0) before the step; smaller weights; batch or layer norm"),

    # ---- parameters and steps
    "gradients-not-zeroed": (
        "each step goes by the sum of all gradients since the beginning, not by that of its batch",
        "optimizer.zero_grad() in each step, before loss.backward()"),
    "optimizer-without-gradients": (
        "nothing changes", "make the optimizer after the model, of the same: optim.…(model.parameters()); and call loss.backward() "
        "before the step"),
    "parameters-not-in-the-optimizer": (
        "they stay what they were at the beginning",
        "optim.…(model.parameters()); if they are to stay, requires_grad_(False), which saves their gradients"),
    "parameters-without-gradient": (
        "they do not learn", "call their layer in forward, or take it out; if it is called, the way from it to the loss is cut: "
        "look for detach(), .data, item(), numpy() or no_grad()"),
    "detached-graph": (
        "backward() raises an error, for nothing leads back to a parameter",
        "look for detach(), .data, item(), numpy(), tensor(…) of a tensor, or no_grad(); argmax and comparisons have no gradient "
        "either; requires_grad_(True) for what was frozen and is to learn"),
    "learning-rate-too-high": ("nothing of what was learned stays: the loss jumps, or becomes NaN", LOWER),
    "learning-rate-too-low": ("at that pace nothing is learned in thousands of steps", HIGHER),
    "call-fails": ("it fails in training as well", "what the message says"),
}

# a word of an error's message: the finding that it is
ERRORS = {
    "one-hot": "labels-one-hot", "class numbers are integers": "labels-not-integers", "neither is stretched": "loss-broadcasts",
    "more than one value per channel": "batch-of-one", ": class ": "labels-out-of-range",
}


def fault_of(error: Exception) -> str:
    """The name of the finding that an error of the model or the loss is."""
    return next((name for word, name in ERRORS.items() if word in str(error)), "call-fails")
