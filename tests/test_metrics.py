"""Metrics: against scikit-learn, sacrebleu and jiwer where they are installed, against their definitions always; and in parts."""
import copy
import inspect
import itertools
import math
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_like as tg
from tinygrad_like import backend, metrics
from tinygrad_like.metrics import UndefinedMetricWarning

rng = np.random.default_rng(7)
N, C = 211, 4
LABELS = rng.integers(0, C, N)
LOGITS = rng.standard_normal((N, C)) + 1.5 * np.eye(C)[LABELS]
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
GUESSES = LOGITS.argmax(axis=1)
YES = rng.integers(0, 2, N)
SCORES = np.round(1 / (1 + np.exp(-rng.standard_normal(N) - YES)), 2)     # with ties
TRUTH = rng.standard_normal(N) * 3 + 10
VALUES = TRUTH + rng.standard_normal(N)


def number(x):
    return x.numpy() if isinstance(x, tg.Tensor) else x


def quiet(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)


# ---- as scikit-learn --------------------------------------------------------------------------------------------
@pytest.fixture
def sk():
    return pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("name", ["precision", "recall", "f1_score", "iou"])
@pytest.mark.parametrize("average", ["micro", "macro", "weighted", None])
@pytest.mark.parametrize("form", ["scores", "classes", "a class that never comes", "one that is never predicted"])
def test_ratios_of_several_classes(sk, name, average, form):
    theirs = getattr(sk, {"f1_score": "f1_score", "iou": "jaccard_score"}.get(name, f"{name}_score"))
    given, guesses, labels = (LOGITS if form == "scores" else GUESSES), GUESSES, LABELS
    if form == "a class that never comes":
        given = guesses = np.where(GUESSES == 2, 3, GUESSES)
        labels = np.where(LABELS == 2, 3, LABELS)
    elif form == "one that is never predicted":
        given = guesses = np.where(GUESSES == 2, 3, GUESSES)
    found = quiet(getattr(metrics, name), given, labels, average=average, zero_division=0)
    wanted = quiet(theirs, labels, guesses, average=average, zero_division=0, labels=range(C) if average is None else None)
    np.testing.assert_allclose(number(found), wanted, rtol=1e-12)
    assert isinstance(found, tg.Tensor if average is None else float)


@pytest.mark.parametrize("name", ["precision", "recall", "f1_score", "iou"])
@pytest.mark.parametrize("pos_label", [0, 1])
@pytest.mark.parametrize("zero_division", [0, 1])
def test_ratios_of_two_classes(sk, name, pos_label, zero_division):
    theirs = getattr(sk, {"f1_score": "f1_score", "iou": "jaccard_score"}.get(name, f"{name}_score"))
    nothing, everything = np.zeros(N, int), np.ones(N, int)
    for labels, guesses in [(YES, SCORES > 0.5), (YES, nothing), (nothing, YES), (everything, everything)]:
        found = getattr(metrics, name)(guesses, labels, average="binary", pos_label=pos_label, zero_division=zero_division)
        both = {0, 1} <= {*labels, *guesses.tolist()}
        if both or pos_label in labels:
            assert found == pytest.approx(quiet(theirs, labels, guesses, pos_label=pos_label, zero_division=zero_division))
    for threshold in (0.5, 0.8):
        found = getattr(metrics, name)(SCORES, YES, average="binary", threshold=threshold)
        assert found == pytest.approx(theirs(YES, SCORES > threshold), rel=1e-12)


@pytest.mark.parametrize("zero_division", [0, 1, float("nan")])
@pytest.mark.parametrize("average", ["macro", "weighted"])
def test_what_nan_for_zero_division_leaves_out(sk, average, zero_division):
    guesses, labels = np.array([0, 0, 1, 1, 3]), np.array([0, 2, 1, 2, 1])
    for ours, theirs in (metrics.precision, sk.precision_score), (metrics.recall, sk.recall_score), (metrics.f1_score, sk.f1_score):
        found = ours(guesses, labels, average=average, zero_division=zero_division)
        assert found == pytest.approx(quiet(theirs, labels, guesses, average=average, zero_division=zero_division), nan_ok=True)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix(sk, normalize):
    found = metrics.confusion_matrix(LOGITS, LABELS, normalize=normalize)
    np.testing.assert_allclose(found.numpy(), sk.confusion_matrix(LABELS, GUESSES, normalize=normalize))
    assert normalize or found.dtype == tg.int64


def test_accuracy(sk):
    assert metrics.accuracy(LOGITS, LABELS) == sk.accuracy_score(LABELS, GUESSES)
    assert metrics.accuracy(SCORES, YES) == sk.accuracy_score(YES, SCORES > 0.5)
    logits = np.log(SCORES / (1 - SCORES))
    assert metrics.accuracy(logits, YES, threshold=0.0) == sk.accuracy_score(YES, SCORES > 0.5)
    for k in range(1, C + 1):
        wanted = sk.top_k_accuracy_score(LABELS, LOGITS, k=k) if k < C else 1
        assert metrics.top_k_accuracy(LOGITS, LABELS, k) == pytest.approx(wanted)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", None])
def test_ranking_of_several_classes(sk, average):
    found = metrics.auroc(PROBABILITIES, LABELS, average=average)
    wanted = sk.roc_auc_score(LABELS, PROBABILITIES, average=average, multi_class="ovr")
    np.testing.assert_allclose(number(found), wanted, rtol=1e-12)
    found = metrics.average_precision(PROBABILITIES, LABELS, average=average)
    np.testing.assert_allclose(number(found), sk.average_precision_score(LABELS, PROBABILITIES, average=average), rtol=1e-12)


def test_ranking_of_two_classes(sk):
    extreme = np.where(SCORES > 0.5, np.inf, -np.inf)
    for scores in (SCORES, np.log(SCORES), SCORES.astype("float32"), YES, np.zeros(N), -SCORES, extreme):
        finite = np.nan_to_num(scores, posinf=9, neginf=-9)
        assert metrics.auroc(scores, YES) == pytest.approx(sk.roc_auc_score(YES, finite), rel=1e-12)
        assert metrics.average_precision(scores, YES) == pytest.approx(sk.average_precision_score(YES, finite), rel=1e-12)


TAGS = rng.random((N, 3)) < [0.5, 0.1, 0.8]                   # labels that do not exclude one another
TAG_SCORES = np.round((1 + 4 * TAGS * rng.random((N, 3)) + rng.random((N, 3))) / 7, 2)


@pytest.mark.parametrize("average", ["macro", "weighted", "micro", None])
@pytest.mark.parametrize("label", ["as drawn", "one that never occurs", "one that is never said", "neither"])
def test_several_labels(sk, average, label):
    tags, scores = TAGS.copy(), TAG_SCORES.copy()
    if label != "as drawn":
        tags[:, 1] &= label == "one that is never said"
        scores[:, 1] *= 0.1 if label != "one that never occurs" else 1
    guesses = scores > 0.4
    for ours, theirs in [(metrics.precision, sk.precision_score), (metrics.recall, sk.recall_score),
                         (metrics.f1_score, sk.f1_score), (metrics.iou, sk.jaccard_score)]:
        wanted = quiet(theirs, tags, guesses, average=average, zero_division=0)
        for p in (scores, guesses, guesses.astype(int)):
            found = ours(p, tags.astype(int), average=average, multilabel=True, threshold=0.4, zero_division=0)
            np.testing.assert_allclose(number(found), wanted, rtol=1e-12)
    found = quiet(metrics.average_precision, scores, tags, average=average, multilabel=True)
    np.testing.assert_allclose(number(found), quiet(sk.average_precision_score, tags, scores, average=average), rtol=1e-12)
    if tags.any(axis=0).all():
        found = metrics.auroc(5 * scores, tags, average=average, multilabel=True)            # logits, say
        np.testing.assert_allclose(number(found), sk.roc_auc_score(tags, scores, average=average), rtol=1e-12)


def test_curves(sk):
    for scores in (SCORES, np.log(SCORES), SCORES.astype("float32"), YES, np.zeros(N), -SCORES):
        found = metrics.roc_curve(scores, YES)
        for ours, theirs in zip(found, sk.roc_curve(YES, scores, drop_intermediate=False)):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12)
        assert np.trapezoid(found[1].numpy(), found[0].numpy()) == pytest.approx(metrics.auroc(scores, YES))
        for ours, theirs in zip(metrics.precision_recall_curve(scores, YES), sk.precision_recall_curve(YES, scores)):
            np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-12)
    no = 0 * YES
    for ours, theirs in [(quiet(metrics.precision_recall_curve, SCORES, no), quiet(sk.precision_recall_curve, no, SCORES)),
                         (quiet(metrics.roc_curve, SCORES, no), quiet(sk.roc_curve, no, SCORES, drop_intermediate=False))]:
        for x, y in zip(ours, theirs):
            np.testing.assert_allclose(x.numpy(), y)


def test_regression(sk):
    assert metrics.mean_squared_error(VALUES, TRUTH) == pytest.approx(sk.mean_squared_error(TRUTH, VALUES), rel=1e-12)
    assert metrics.root_mean_squared_error(VALUES, TRUTH) == pytest.approx(sk.root_mean_squared_error(TRUTH, VALUES), rel=1e-12)
    assert metrics.mean_absolute_error(VALUES, TRUTH) == pytest.approx(sk.mean_absolute_error(TRUTH, VALUES), rel=1e-12)
    assert metrics.r2_score(VALUES, TRUTH) == pytest.approx(sk.r2_score(TRUTH, VALUES), rel=1e-12)
    p, t = np.stack([VALUES, SCORES], axis=1), np.stack([TRUTH, YES], axis=1)
    for way in ("uniform_average", "variance_weighted", "raw_values"):
        np.testing.assert_allclose(number(metrics.r2_score(p, t, multioutput=way)), sk.r2_score(t, p, multioutput=way), rtol=1e-10)
    for p, t in ([1.0, 2.0], [3.0, 3.0]), ([3.0, 3.0], [3.0, 3.0]):
        assert quiet(metrics.r2_score, p, t) == sk.r2_score(t, p)


# ---- by their definitions, and by hand --------------------------------------------------------------------------
def test_four_numbers_of_one_table():
    """Ten sick among a thousand, three of them found, six healthy ones called sick: the articles' mix-ups tell these apart."""
    t = [1] * 10 + [0] * 990
    p = [1] * 3 + [0] * 7 + [1] * 6 + [0] * 984
    assert metrics.confusion_matrix(p, t).tolist() == [[984, 6], [7, 3]]
    precision, recall, accuracy = metrics.precision(p, t), metrics.recall(p, t), metrics.accuracy(p, t)
    assert (precision, recall, accuracy) == (3 / 9, 3 / 10, 987 / 1000)
    assert metrics.f1_score(p, t) == pytest.approx(2 * precision * recall / (precision + recall)) == pytest.approx(6 / 19)
    assert abs(metrics.f1_score(p, t) - 2 * accuracy * recall / (accuracy + recall)) > 0.1
    assert metrics.iou(p, t, average="binary") == 3 / 16


def test_the_mix_ups_are_explained_where_they_are_met():
    assert "accuracy" in metrics.precision.__doc__ and "精度" in metrics.precision.__doc__ and "准确率" in metrics.precision.__doc__
    assert "召回率" in metrics.recall.__doc__ and "accuracy" in metrics.recall.__doc__.lower()
    assert "Not of accuracy and recall" in metrics.f1_score.__doc__


def test_auroc_is_a_probability():
    p, t = np.round(rng.random(40), 1), rng.integers(0, 2, 40)
    pairs = [(a > b) + (a == b) / 2 for a, b in itertools.product(p[t == 1], p[t == 0])]
    assert metrics.auroc(p, t) == pytest.approx(np.mean(pairs), rel=1e-12)


def test_average_precision_by_its_definition():
    p, t = np.round(rng.random(40), 1), rng.integers(0, 2, 40)
    total, before = 0.0, 0.0
    for threshold in sorted(set(p), reverse=True):
        found = t[p >= threshold]
        total, before = total + (found.sum() / t.sum() - before) * found.mean(), found.sum() / t.sum()
    assert metrics.average_precision(p, t) == pytest.approx(total, rel=1e-12)


def test_curves_by_hand():
    p, t = [0.1, 0.4, 0.4, 0.8], [0, 0, 1, 1]
    assert [x.tolist() for x in metrics.roc_curve(p, t)] == [[0, 0, 0.5, 1], [0, 0.5, 1, 1], [math.inf, 0.8, 0.4, 0.1]]
    assert [x.tolist() for x in metrics.precision_recall_curve(p, t)] == [[2 / 4, 2 / 3, 1, 1], [1, 1, 0.5, 0], [0.1, 0.4, 0.8]]
    metric = metrics.ROCCurve(ignore_index=-1)
    metric.update(p[:2], t[:2], [True, True])
    metric.update([0.9, *p[2:]], [-1, *t[2:]])
    assert [x.tolist() for x in metric.compute()] == [x.tolist() for x in metrics.roc_curve(tg.tensor(p, dtype=tg.float64), t)]
    assert [x.tolist() for x in quiet(metrics.precision_recall_curve, [], [])] == [[1], [0], []]
    assert all(math.isnan(x) for x in quiet(metrics.roc_curve, [math.nan, 0.1], [0, 1])[0].tolist())


def test_labels_of_which_some_are_unknown():
    unknown = rng.random(TAGS.shape) < 0.3
    targets = np.where(unknown, -1, TAGS)
    for function in (metrics.f1_score, metrics.recall, metrics.auroc, metrics.average_precision):
        one_by_one = [function(TAG_SCORES[~unknown[:, k], k], TAGS[~unknown[:, k], k]) for k in range(3)]
        found = function(TAG_SCORES, targets, average=None, multilabel=True, ignore_index=-1)
        np.testing.assert_allclose(found.numpy(), one_by_one, rtol=1e-12)
        together = function(TAG_SCORES[~unknown], TAGS[~unknown])
        assert function(TAG_SCORES, TAGS, average="micro", multilabel=True, mask=~unknown) == pytest.approx(together, rel=1e-12)
        lost = np.where(unknown, np.nan, TAG_SCORES)            # NaN matters where it counts only
        np.testing.assert_allclose(function(lost, targets, average=None, multilabel=True, ignore_index=-1).numpy(), one_by_one)
        assert math.isnan(quiet(function, lost, TAGS, average="macro", multilabel=True))
        with pytest.raises(ValueError, match=r"targets \(211, 3\), and a mask \(211,\)"):
            function(TAG_SCORES, TAGS, average=None, multilabel=True, mask=MASK)


def test_averages_by_their_definitions():
    p, t = np.array([0, 0, 1, 1, 2, 2, 2, 4]), np.array([0, 1, 1, 1, 2, 0, 0, 1])
    each = [1 / 2, 2 / 2, 1 / 3, math.nan, 0.0]                 # of what was called 0, 1, 2, 3, 4
    np.testing.assert_array_equal(metrics.precision(p, t, average=None, zero_division=math.nan), each)
    assert metrics.precision(p, t, average="macro") == pytest.approx((1 / 2 + 1 + 1 / 3 + 0) / 4)       # 3 occurs nowhere
    assert metrics.precision(p, t, average="weighted") == pytest.approx((3 / 2 + 4 + 1 / 3) / 8)
    assert metrics.precision(p, t, average="micro") == metrics.accuracy(p, t) == 4 / 8
    assert metrics.recall(p, t, average=None, num_classes=5, zero_division=0).tolist() == [1 / 3, 2 / 4, 1, 0, 0]
    assert metrics.f1_score(p, t, average=None, zero_division=0).tolist() == pytest.approx([2 / 5, 4 / 6, 2 / 4, 0, 0])
    assert metrics.iou(p, t, average="macro") == metrics.mean_iou(p, t) == pytest.approx((1 / 4 + 2 / 4 + 1 / 3 + 0) / 4)
    ranks = [metrics.auroc(PROBABILITIES[:, k], LABELS == k) for k in range(C)]
    assert metrics.auroc(PROBABILITIES, LABELS) == pytest.approx(np.mean(ranks))
    assert metrics.auroc(PROBABILITIES, LABELS, average="weighted") == pytest.approx(np.average(ranks, weights=np.bincount(LABELS)))
    assert metrics.auroc(PROBABILITIES, LABELS, average=None).tolist() == pytest.approx(ranks)


def test_errors_of_quantities_by_their_definitions():
    p, t = VALUES, TRUTH
    assert metrics.mean_squared_error(p, t) == pytest.approx(((t - p) ** 2).mean())
    assert metrics.root_mean_squared_error(p, t) == pytest.approx(math.sqrt(((t - p) ** 2).mean()))
    assert metrics.mean_absolute_error(p, t) == pytest.approx(abs(t - p).mean())
    assert metrics.r2_score(p, t) == pytest.approx(1 - ((t - p) ** 2).sum() / ((t - t.mean()) ** 2).sum())
    assert metrics.r2_score(np.full(N, t.mean()), t) == pytest.approx(0)
    both = metrics.r2_score(np.stack([p, t], 1), np.stack([t, t], 1))
    assert both == pytest.approx((metrics.r2_score(p, t) + 1) / 2)
    assert metrics.mean_squared_error(np.array([3, 250], "uint8"), np.array([5, 251], "uint8")) == (4 + 1) / 2


def test_perplexity_is_exp_of_the_cross_entropy():
    logits, labels = tg.randn(6, 5, 9), tg.randint(0, 9, (6, 5))
    labels[0, :3] = -100
    wanted = math.exp(tg.nn.functional.cross_entropy(logits.transpose(1, 2), labels).item())
    assert metrics.perplexity(logits, labels, dim=-1, ignore_index=-100) == pytest.approx(wanted, rel=1e-5)
    assert metrics.perplexity(logits.transpose(1, 2), labels, ignore_index=-100) == pytest.approx(wanted, rel=1e-5)
    assert metrics.perplexity(np.zeros((3, 7)), [0, 1, 2]) == pytest.approx(7)
    assert metrics.perplexity([[2000.0, 0.0]], [1]) == math.inf


def test_calibration_error_by_hand():
    # two bins: (0, ½] and (½, 1]; the model says 0.4 twice (right once), 0.9 and 0.7 (right once)
    p, t = [0.4, 0.4, 0.9, 0.7], [0, 1, 1, 0]
    assert metrics.calibration_error(p, t, n_bins=2) == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)
    assert metrics.calibration_error(p, t, n_bins=2, norm="max") == pytest.approx(0.3)
    assert metrics.calibration_error(p, t, 2, "l2") == pytest.approx(math.sqrt(0.5 * 0.01 + 0.5 * 0.09))
    assert metrics.calibration_error([[0.9, 0.1], [0.2, 0.8]], [0, 1]) == pytest.approx((0.1 + 0.2) / 2)
    assert metrics.calibration_error([0.0, 1.0], [0, 1]) == 0
    assert metrics.calibration_error([0.5, 0.5], [0, 1], n_bins=2) == 0     # ½ is in the first bin, (0, ½]


def test_calibration_error_by_its_definition():
    sure, right = PROBABILITIES.max(axis=1), GUESSES == LABELS
    total = 0.0
    for k in range(15):
        inside = (sure > k / 15) & (sure <= (k + 1) / 15)
        if inside.any():
            total += inside.sum() / N * abs(right[inside].mean() - sure[inside].mean())
    assert metrics.calibration_error(PROBABILITIES, LABELS) == pytest.approx(total, rel=1e-12)


def test_iou_of_images():
    p, t = rng.standard_normal((2, 3, 4, 5)), rng.integers(0, 2, (2, 4, 5))
    t[0, 0] = 255
    p[:, 2] = -9                                                # class 2 is in neither
    found = metrics.iou(p, t, ignore_index=255)
    guesses, keep = p.argmax(axis=1), t != 255
    wanted = [((guesses == k) & (t == k) & keep).sum() / (((guesses == k) | (t == k)) & keep).sum() for k in (0, 1)]
    np.testing.assert_allclose(found.numpy()[:2], wanted)
    assert math.isnan(found[2])
    assert metrics.mean_iou(p, t, ignore_index=255) == pytest.approx(np.mean(wanted))


def test_a_yes_is_above_the_threshold():
    assert metrics.confusion_matrix([0.5, 0.5001], [1, 1]).tolist() == [[0, 0], [1, 1]]
    assert metrics.confusion_matrix([0.0, 0.1, -3.0], [0, 1, 0], threshold=0.0).tolist() == [[2, 0], [0, 1]]


def test_top_k_breaks_ties_as_argmax_does():
    assert metrics.top_k_accuracy([[1, 1, 0]], [1], 1) == metrics.accuracy([[1, 1, 0]], [1]) == 0
    assert metrics.top_k_accuracy([[1, 1, 0]], [1], 2) == 1


# ---- in parts, and elsewhere ------------------------------------------------------------------------------------
MASK = rng.random(N) < 0.7
WHOLE = "raw", "multilabel"                                     # their targets have two axes, and so has the mask
CASES = {
    "Accuracy()": (LOGITS, LABELS), "Accuracy(one_hot=True)": (LOGITS, np.eye(C)[LABELS]), "Accuracy(threshold=0.3)": (SCORES, YES),
    "Accuracy(ignore_index=2)": (LOGITS, LABELS), "TopKAccuracy(2)": (LOGITS, LABELS),
    "TopKAccuracy(2, ignore_index=1)": (LOGITS, LABELS),
    "ConfusionMatrix()": (GUESSES, LABELS), "ConfusionMatrix(normalize='true')": (LOGITS, LABELS),
    "Precision('macro')": (GUESSES, LABELS), "Recall(None, num_classes=6, zero_division=0)": (GUESSES, LABELS),
    "F1Score()": (SCORES, YES),
    "F1Score('weighted')": (LOGITS, LABELS), "F1Score('micro', ignore_index=3)": (LOGITS, LABELS), "IoU()": (LOGITS, LABELS),
    "MeanIoU()": (LOGITS, LABELS), "AUROC()": (SCORES, YES), "AUROC('weighted')": (PROBABILITIES, LABELS),
    "AveragePrecision()": (SCORES, YES), "AveragePrecision(None)": (PROBABILITIES, LABELS),
    "CalibrationError()": (PROBABILITIES, LABELS),
    "CalibrationError(5, 'max')": (SCORES, YES), "Perplexity()": (LOGITS, LABELS), "Perplexity(ignore_index=0)": (LOGITS, LABELS),
    "MeanSquaredError()": (VALUES, TRUTH), "RootMeanSquaredError()": (VALUES, TRUTH), "MeanAbsoluteError()": (VALUES, TRUTH),
    "F1Score('macro', multilabel=True)": (TAG_SCORES, TAGS), "IoU(multilabel=True)": (TAG_SCORES, TAGS),
    "AUROC(multilabel=True)": (TAG_SCORES, TAGS), "AveragePrecision(None, multilabel=True)": (TAG_SCORES, TAGS),
    "R2Score()": (VALUES, TRUTH), "R2Score('raw_values')": (np.stack([VALUES, SCORES], 1), np.stack([TRUTH, YES], 1)),
}
every_case = pytest.mark.parametrize("line", CASES)


def made(line):
    return eval(f"metrics.{line}", {"metrics": metrics})


@every_case
def test_batches_come_to_what_all_come_to(line):
    predictions, targets = CASES[line]
    whole = number(made(line).of(predictions, targets))
    metric, cuts = made(line), [0, 1, 1, 40, 150, N]            # one sample, none, many
    for a, b in itertools.pairwise(cuts):
        metric.update(predictions[a:b], targets[a:b])
        quiet(metric.compute)                                   # asking in between changes nothing
    np.testing.assert_allclose(number(metric.compute()), whole, rtol=1e-12)
    metric.reset()
    metric.update(predictions, targets)
    np.testing.assert_array_equal(number(metric.compute()), whole)


@every_case
def test_the_function_of_that_name_gives_the_same(line):
    predictions, targets = CASES[line]
    metric = made(line)
    function = getattr(metrics, metric.name)
    settings = {key: value for key, value in vars(metric).items() if key not in ("state", "name") and value is not None}
    settings |= {key: None for key in ("average", "normalize") if vars(metric).get(key, 0) is None}
    accepted = inspect.signature(function).parameters
    settings = {key: value for key, value in settings.items() if key in accepted}
    np.testing.assert_array_equal(number(function(predictions, targets, **settings)), number(metric.of(predictions, targets)))


@every_case
def test_parts_merge(line):
    predictions, targets = CASES[line]
    parts = [made(line) for _ in range(3)]
    for part, (a, b) in zip(parts, [(0, 70), (70, 71), (71, N)]):
        part.update(predictions[a:b], targets[a:b])
    before = copy.deepcopy(parts[1].state)
    whole = made(line).merge(parts[0]).merge(parts[1]).merge(parts[2])
    np.testing.assert_allclose(number(whole.compute()), number(made(line).of(predictions, targets)), rtol=1e-12)
    assert str(parts[1].state) == str(before)


@every_case
def test_a_mask_leaves_out(line):
    predictions, targets = CASES[line]
    whole = any(each in line for each in WHOLE)
    mask = np.broadcast_to(MASK.reshape(-1, *[1] * (targets.ndim - 1)), targets.shape) if whole else MASK
    found = made(line).of(predictions, targets, mask)
    np.testing.assert_allclose(number(found), number(made(line).of(predictions[MASK], targets[MASK])), rtol=1e-12)


@every_case
def test_what_was_gathered_survives_a_checkpoint(line, tmp_path):
    predictions, targets = CASES[line]
    metric, again = made(line), made(line)
    metric.update(predictions[:100], targets[:100])
    tg.save(metric.state_dict(), tmp_path / "m.pth")
    again.load_state_dict(tg.load(tmp_path / "m.pth"))
    third = pickle.loads(pickle.dumps(metric))
    for each in (metric, again, third):
        each.update(predictions[100:], targets[100:])
    np.testing.assert_array_equal(number(again.compute()), number(metric.compute()))
    np.testing.assert_array_equal(number(third.compute()), number(metric.compute()))


@every_case
def test_on_a_device(line, device):
    """Arrays of a device, in float32: the same results, and no waiting in update() where the classes are known."""
    from . import strict_double
    predictions, targets = [x.astype("float32") if x.dtype.kind == "f" else x for x in CASES[line]]
    wanted = number(made(line).of(predictions, targets))
    metric = made(line)
    here = [[tg.tensor(x[a:b]).to(device) for x in (predictions, targets)] for a, b in ((0, 90), (90, N))]
    waits = "ignore" in line or predictions.dtype.kind != "f" and "num_classes" not in line
    with strict_double.counting() as n:
        for p, t in here:
            metric.update(p, t)
    assert device != "strict" or waits or not n["waits"], f"{line}: {n}"
    np.testing.assert_allclose(number(metric.compute()), wanted, rtol=1e-5 if line.startswith("Perplexity") else 1e-12)
    mask = tg.tensor(MASK).to(device)
    if not any(each in line for each in WHOLE):
        found = made(line).of(tg.tensor(predictions).to(device), targets.tolist(), mask)       # targets come along
        np.testing.assert_allclose(number(found), number(made(line).of(predictions[MASK], targets[MASK])), rtol=1e-5)
    metric.merge(made(line))                                    # nothing
    other = made(line)
    other.update(predictions, targets)                          # on the host
    twice = number(other.merge(metric).compute())
    np.testing.assert_allclose(twice / 2 if line == "ConfusionMatrix()" else twice, wanted, rtol=1e-5)


def test_wrong_labels_of_a_device_are_told_by_compute(device):
    metric = metrics.Accuracy()
    metric.update(tg.randn(3, 2).to(device), tg.tensor([0, 5, 1]).to(device))
    with pytest.raises(IndexError, match=r"1 of the targets is out of range: there are 2 classes, numbered 0 to 1"):
        metric.compute()
    metric = metrics.CalibrationError()
    metric.update(tg.tensor([0.5, 3.0]).to(device), tg.tensor([0, 1]).to(device))
    with pytest.raises(ValueError, match="not between 0 and 1"):
        metric.compute()


NAN_SHOWS = ["accuracy", "f1_score", "top_k_accuracy", "auroc", "average_precision", "calibration_error", "perplexity"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAN_SHOWS)
def test_nan_is_seen_on_a_device(name, device):
    p = PROBABILITIES[:9, :2].astype("float32") / PROBABILITIES[:9, :2].sum(axis=1, keepdims=True).astype("float32")
    function = getattr(metrics, name)
    assert not math.isnan(function(tg.tensor(p).to(device), YES[:9]))
    for row, column in (0, 0), (0, 1), (8, 1):
        broken = p.copy()
        broken[row, column] = math.nan
        assert math.isnan(function(tg.tensor(broken).to(device), YES[:9])), (row, column)


@pytest.mark.parametrize("make", [np.asarray, tg.tensor, list, lambda x: [row.tolist() for row in x],
                                  lambda x: [tg.tensor(row) for row in x],
                                  lambda x: tg.tensor(x, requires_grad=x.dtype.kind == "f")])
def test_tensors_arrays_and_lists(make):
    p, t = LOGITS[:20], LABELS[:20]
    assert metrics.accuracy(make(p), make(t)) == (p.argmax(axis=1) == t).mean()
    assert metrics.f1_score(make(p), make(t), average="micro") == (p.argmax(axis=1) == t).mean()
    assert metrics.mean_squared_error(make(p), make(p + 1)) == pytest.approx(1)


def test_shapes_that_mean_the_same():
    wanted = metrics.accuracy(LOGITS, LABELS)
    assert metrics.accuracy(LOGITS, LABELS[:, None]) == metrics.accuracy(LOGITS, LABELS.astype("float32")) == wanted
    assert metrics.accuracy(LOGITS.T, LABELS, dim=0) == metrics.accuracy(GUESSES, LABELS) == wanted
    p, t = LOGITS[:210], LABELS[:210]
    assert metrics.accuracy(p.reshape(7, 30, C), t.reshape(7, 30), dim=-1) == metrics.accuracy(p, t)
    wanted = metrics.accuracy(SCORES, YES)
    for p, t in [(SCORES[:, None], YES), (SCORES[:, None], YES[:, None]), (SCORES, YES[:, None]), (SCORES > 0.5, YES == 1)]:
        assert metrics.accuracy(p, t) == wanted
    assert metrics.auroc(SCORES[:, None], YES[:, None]) == metrics.auroc(SCORES, YES)


def test_the_next_batch_may_come_in_the_same_memory():
    metric, buffer, labels = metrics.AUROC(), np.empty(10), np.empty(10, int)
    for i in range(3):
        buffer[:], labels[:] = SCORES[10 * i:10 * i + 10], YES[10 * i:10 * i + 10]
        metric.update(buffer, labels)
    assert metric.compute() == metrics.auroc(SCORES[:30], YES[:30])


def test_r2_of_targets_far_from_zero():
    """Sums of squares would lose all digits here."""
    p, t = 1e8 + VALUES, 1e8 + TRUTH
    metric = metrics.R2Score()
    for i in range(0, N, 20):
        metric.update(p[i:i + 20], t[i:i + 20])
    assert metric.compute() == pytest.approx(metrics.r2_score(VALUES, TRUTH), rel=1e-6)


# ---- where a metric is not defined ------------------------------------------------------------------------------
@pytest.mark.parametrize("line, value, text", [
    ("precision([0, 0], [0, 1])", 0, "0/0 for class 1: nothing was predicted to be that class.  Counted as 0"),
    ("recall([0, 1], [0, 0])", 0, "0/0 for class 1: no target is of that class"),
    ("f1_score([0, 0], [0, 0])", 0, "0/0 for class 1: neither a target nor a prediction"),
    ("precision([0, 0, 1], [0, 2, 2], average='macro')", 1 / 6, "0/0 for class 2: nothing was predicted"),
    ("recall([0, 5], [0, 0], average=None)[5]", 0, "0/0 for classes 1, 2, 3, 4, 5: no target"),
    ("f1_score([], [], average='macro')", 0, "0/0"),
    ("auroc([0.1, 0.2], [1, 1])", math.nan, "every target is positive"),
    ("auroc([0.1, 0.2], [0, 0])", math.nan, "no target is positive"),
    ("auroc([[0.3, 0.5, 0.2], [0.5, 0.3, 0.2]], [1, 0])", 1.0, "class 2: no target is positive"),
    ("average_precision([0.1, 0.2], [0, 0])", 0, "no target is positive.*Counted as 0"),
    ("accuracy([1], [1], mask=[False])", math.nan, "no target counts"),
    ("mean_squared_error([1.0], [1.0], mask=[False])", math.nan, "no target counts"),
    ("calibration_error([], [])", math.nan, "no target counts"),
    ("perplexity([[1.0, 2.0]], [7], ignore_index=7)", math.nan, "no target counts"),
    ("r2_score([1.0], [1.0])", math.nan, "one target has none"),
    ("r2_score([1.0, 2.0], [1.0, 1.0])", 0, "targets are all equal"),
    ("F1Score().compute()", math.nan, "nothing was measured yet"),
    ("accuracy([[math.nan, 1.0], [0.0, 1.0]], [1, 1])", math.nan, "1 predictions are NaN"),
    ("accuracy([math.nan, 1.0], [1, 1])", math.nan, "1 predictions are NaN"),
    ("f1_score([[math.nan, 1.0], [0.0, 1.0]], [1, 1])", math.nan, "1 predictions are NaN"),
    ("top_k_accuracy([[math.nan, 1.0], [0.0, 1.0]], [1, 1], 1)", math.nan, "1 predictions are NaN"),
    ("auroc([math.nan, 1.0], [1, 0])", math.nan, "1 predictions are NaN"),
    ("calibration_error([math.nan, 1.0], [1, 0])", math.nan, "1 predictions are NaN"),
    ("perplexity([[math.nan, 1.0]], [0])", math.nan, "1 predictions are NaN"),
])
def test_a_value_that_is_documented_and_a_warning(line, value, text):
    with pytest.warns(UndefinedMetricWarning, match=text) as caught:
        found = float(eval(f"metrics.{line}", {"metrics": metrics, "math": math}))
    assert found == pytest.approx(value, nan_ok=True)
    assert caught[0].filename == "<string>"                     # the line that asked


@pytest.mark.filterwarnings("error")
def test_no_warning_where_all_is_defined_or_the_value_was_asked_for():
    assert metrics.precision([0, 0], [0, 1], zero_division=0) == 0
    assert metrics.recall([0, 1], [0, 0], zero_division=1) == 1
    assert math.isnan(metrics.iou([0, 2], [0, 2])[1])
    assert metrics.precision([0, 2], [0, 2], average="macro") == 1          # class 1 occurs nowhere
    assert math.isnan(metrics.mean_squared_error([math.nan], [1.0]))        # an error is NaN by itself
    for line, (p, t) in CASES.items():
        if "num_classes" not in line:
            made(line).of(p, t)


# ---- errors that teach ------------------------------------------------------------------------------------------
P, Y = np.full((4, 3), 1 / 3), np.array([0, 1, 2, 0])


@pytest.mark.parametrize("line, kind, text", [
    ("accuracy(P, np.eye(3)[Y])", ValueError, r"both have shape \(4, 3\).*one-hot: targets.argmax\(1\), or one_hot=True"),
    ("accuracy(P, np.eye(3)[Y])", ValueError, r"a yes or no of its own: predictions.reshape\(-1\) and targets.reshape\(-1\)"),
    ("accuracy(P, Y, one_hot=True)", ValueError, r"one_hot=True.*\(4,\) do not go with predictions of shape \(4, 3\)"),
    ("accuracy(P, Y[:3])", ValueError, r"\(4, 3\) do not go with targets of shape \(3,\).*axis 0 is 3"),
    ("accuracy(Y, Y[:3])", ValueError, "there are 4 predictions and 3 targets"),
    ("accuracy(P.reshape(2, 2, 3), Y.reshape(2, 2))", ValueError, r"look to be on axis 2: say dim=-1"),
    ("accuracy(Y, P)", ValueError, r"scores of C classes, \(N, C\), go with class numbers \(N,\)"),
    ("accuracy(P, [0, 1, 3, 0])", IndexError, r"target 3 \(at 2\) is out of range: there are 3 classes, numbered 0 to 2"),
    ("accuracy(P, [0, 1, -100, 0])", IndexError, "target -100.*ignore_index or mask"),
    ("accuracy(P, [0, 0.5, 1, 1])", ValueError, r"target 0.5 \(at 1\) is no class number"),
    ("accuracy([2.5, 0.1], [1, 0])", ValueError, r"prediction 2.5 \(at 0\) is no probability.*threshold=0.0, or"),
    ("accuracy([0.5, 0.1], [1, 2])", IndexError, "target 2.*there are 2 classes"),
    ("accuracy(P, Y, mask=[True])", ValueError, r"mask has shape \(1,\), and the targets \(4,\)"),
    ("accuracy(P, Y, mask=[1, 0, 1, 1])", TypeError, r"mask is True where a target counts, got int64: mask.bool\(\)"),
    ("accuracy(P, ['a', 'b', 'c', 'a'])", TypeError, "targets are numbers, got.*number the classes 0, 1, 2"),
    ("accuracy([[1.0], [2.0, 3.0]], Y)", ValueError, "rows differ in length"),
    ("accuracy(P, Y, dim=2)", IndexError, "dim=2 names no axis"),
    ("accuracy(P, Y, num_classes=5)", ValueError, r"num_classes=5, and predictions of shape \(4, 3\) have 3 \(axis 1\)"),
    ("accuracy([0.5, 0.1], [1, 0], num_classes=5)", ValueError, "scores of a yes or no"),
    ("Accuracy(num_classes=1)", ValueError, "num_classes is an int from 2 on, got 1"),
    ("top_k_accuracy(Y, Y)", ValueError, "scores of all classes.*no second best"),
    ("TopKAccuracy(0)", ValueError, "k is an int from 1 on"),
    ("precision(P, Y)", ValueError, "there are 3 classes here.*average='macro', 'micro' or 'weighted'"),
    ("precision(Y, Y)", ValueError, "there are 3 classes here.*by name, 'precision_macro'"),
    ("precision(P, Y, average='mean')", ValueError, "average is 'binary'.*got 'mean'"),
    ("f1_score([0, 1], [0, 1], pos_label=2)", ValueError, "pos_label is 0 or 1"),
    ("f1_score([0, 1], [0, 1], zero_division='0')", ValueError, "zero_division is 'warn', 0, 1 or NaN"),
    ("confusion_matrix([0, -1], [0, 1])", IndexError, r"prediction -1 \(at 1\)"),
    ("confusion_matrix([[math.nan, 1.0]], [0])", ValueError, "1 predictions are NaN"),
    ("confusion_matrix(P, Y, normalize='rows')", ValueError, "normalize is None, 'true', 'pred' or 'all'"),
    ("auroc(3 * P, Y)", ValueError, "is not 1, so these are no probabilities: softmax"),
    ("auroc(P - 1, Y)", ValueError, "not between 0 and 1"),
    ("auroc([0.1, 0.2], [0, 2])", IndexError, "target 2"),
    ("auroc([0.1, 0.2], [0, 1], average='samples')", ValueError, "average is 'macro'"),
    ("calibration_error([2.0, 0.1], [1, 0])", ValueError, "sigmoid makes some of logits"),
    ("calibration_error([0, 1], [1, 0])", TypeError, "predictions are probabilities, got int64"),
    ("calibration_error(P, Y, 0)", ValueError, "n_bins"),
    ("calibration_error(P, Y, norm='l3')", ValueError, "norm is"),
    ("perplexity([0.5, 0.1], [1, 0])", ValueError, r"logits of all C words, \(N, C\)"),
    ("mean_squared_error(P[:, :1], P[:, 0])", ValueError, r"\(4, 1\) and targets \(4,\).*predictions.squeeze\(-1\)"),
    ("mean_squared_error(P[:, 0], P[:, :1])", ValueError, r"targets.squeeze\(-1\)"),
    ("mean_squared_error(P, P[:2])", ValueError, "axis 0 has 4 and 2 samples"),
    ("mean_squared_error(P, P, mask=Y == 1)", ValueError, r"mask has shape \(4,\), and the targets \(4, 3\)"),
    ("r2_score(P, P, multioutput='sum')", ValueError, "multioutput is"),
    ("F1Score().merge(Recall())", TypeError, "F1Score merges with its like, got Recall"),
    ("F1Score('macro').merge(F1Score('micro'))", ValueError, "average='macro', and the other with average='micro'"),
    ("get('acuracy')", ValueError, "no metric called 'acuracy': did you mean 'accuracy'"),
    ("get('xyzzy')", ValueError, "there are 'acc', 'accuracy'"),
    ("get(metrics.Accuracy)", TypeError, "takes a name"),
    ("accuracy(P, Y, sample_weight=[1, 2, 3, 4])", TypeError, "no argument 'sample_weight': .* leave some out by mask"),
    ("f1_score(y_true=Y, y_pred=Y)", TypeError, r"arguments are \(predictions, targets\), in this order"),
    ("auroc(P, Y, multi_class='ovr')", TypeError, "each class is taken against the rest"),
    ("f1_score(P, P > 0.5)", ValueError, r"both have shape \(4, 3\).*If each number is a yes or no of its own: multilabel=True"),
    ("auroc(P, P > 0.5)", ValueError, "yes or no of its own: multilabel=True"),
    ("f1_score(P, P > 0.5, multilabel=True)", ValueError, "say how to average over the labels: average='macro'"),
    ("recall(P, Y, multilabel=True, average=None)", ValueError, r"are \(N, L\).*got predictions \(4, 3\) and targets \(4,\)"),
    ("recall(P, P * 9, multilabel=True, average=None)", IndexError, "target 3 .* is out of range: there are 2 classes"),
    ("recall(P * 9, P > 0, multilabel=True, average=None)", ValueError, "no probability"),
    ("roc_curve(P, Y)", ValueError, r"got \(4, 3\).  One class against the rest: predictions\[:, k\], targets == k"),
    ("mean_squared_error(P + 0j, P)", TypeError, "predictions are numbers, got complex128"),
    ("specificity", AttributeError, r"here it is recall\(…, pos_label=0\)"),
    ("roc_auc_score", AttributeError, r"here it is auroc, of \(predictions, targets\)"),
    ("nothing_of_that_name", AttributeError, "there are AUROC, Accuracy"),
])
def test_errors_teach(line, kind, text):
    with pytest.raises(kind, match=text):
        eval(f"metrics.{line}", vars(metrics) | {"metrics": metrics, "math": math, "np": np, "P": P, "Y": Y})


def test_batches_that_do_not_go_together():
    metric = metrics.F1Score("macro", multilabel=True)
    metric.update(TAG_SCORES, TAGS)
    with pytest.raises(ValueError, match="2 labels.*before 3"):
        metric.update(TAG_SCORES[:, :2], TAGS[:, :2])
    metric = metrics.R2Score()
    metric.update(np.ones((3, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="1 quantities.*before 2"):
        metric.update(np.ones((3, 1)), np.ones((3, 1)))
    metric = metrics.AUROC()
    metric.update(P, Y)
    metric.update([0.2, 0.3], [0, 1])
    with pytest.raises(ValueError, match="batches differ in how many classes"):
        metric.compute()


# ---- by name ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", [each for each in metrics.names() if each not in ("bleu", "wer", "cer")])
def test_by_name(name):
    metric = metrics.get(name)
    assert metric.name == name and metrics.get(name) is not metric
    if any(word in name for word in ("mse", "mae", "mean_sq", "mean_abs", "r2")):
        metric.update([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
        assert metric.compute() == (1 if "r2" in name else 0)
        return
    if "macro" in name or "micro" in name or "weighted" in name or "iou" in name or name[:3] in ("pre", "rec", "f1", "f1_"):
        p, t = np.eye(2)[[0, 1, 1]], np.array([0, 1, 1])
    else:
        p, t = np.eye(7)[[0, 1, 2, 3, 4, 5, 6]], np.arange(7)
        t = np.eye(7)[t] if name.endswith("categorical_accuracy") and "sparse" not in name else t
    metric.update(p, t)
    perfect = 0 if name == "calibration_error" else 1
    assert metric.compute() == pytest.approx(7 * (1 + 6 / math.e) / 7 if name == "perplexity" else perfect) or name == "perplexity"


def test_names_are_forgiving_about_case_and_signs():
    assert isinstance(metrics.get("F1-Macro"), metrics.F1Score) and metrics.get("F1-Macro").average == "macro"
    assert metrics.get("f1 weighted").average == "weighted" and metrics.get("recall_micro").average == "micro"
    assert metrics.get("top_3_accuracy").k == 3


def test_a_metric_of_ones_own():
    class Hits(metrics.Metric):
        def measure(self, predictions, targets, mask):
            return {"hits": (np.asarray(predictions) == np.asarray(targets)).sum()}

        def finish(self, state):
            return int(state["hits"])

    metric = Hits()
    metric.update([1, 2], [1, 3])
    metric.update([1], [1])
    assert metric.compute() == 2 and metric.name == "hits"


# ---- texts ------------------------------------------------------------------------------------------------------
SAID = ["the cat sat on the mat today", "there is a cat here now", "hello there general", "the rain in spain"]
MEANT = ["the cat sat on the mat", "there is one cat here now", "hello there general kenobi", "the rain in Spain falls"]


def test_bleu():
    sacrebleu = pytest.importorskip("sacrebleu")
    wanted = sacrebleu.corpus_bleu(SAID, [MEANT]).score / 100
    assert 0 < wanted < 1
    assert metrics.bleu_score(SAID, MEANT) == pytest.approx(wanted, rel=1e-12)
    metric = metrics.BLEUScore()
    for p, t in zip(SAID, MEANT):
        metric.update(p, t)
    assert metric.compute() == pytest.approx(wanted, rel=1e-12)
    other = ["a cat sat on the mat today", "there is one cat here", "hi there general kenobi", "the rain of spain"]
    several = [list(each) for each in zip(MEANT, other)]
    assert metrics.bleu_score(SAID, several) == pytest.approx(sacrebleu.corpus_bleu(SAID, [MEANT, other]).score / 100, rel=1e-12)
    assert metrics.bleu_score(["猫坐在垫子上面"], ["猫坐在垫子上"], tokenize="zh") == pytest.approx(
        sacrebleu.corpus_bleu(["猫坐在垫子上面"], [["猫坐在垫子上"]], tokenize="zh").score / 100)
    short = sacrebleu.corpus_bleu(["a b"], [["a c"]]).score / 100           # no 3-grams at all: smoothed
    assert metrics.bleu_score(["a b"], ["a c"]) == pytest.approx(short)
    with pytest.raises(ValueError, match="tokenize='klingon' is not one"):
        metrics.BLEUScore("klingon")
    with pytest.warns(UndefinedMetricWarning, match="no words"):
        assert metrics.bleu_score([""], ["a"]) == 0


def test_error_rates():
    jiwer = pytest.importorskip("jiwer")
    assert metrics.word_error_rate(SAID, MEANT) == pytest.approx(jiwer.wer(MEANT, SAID))
    assert metrics.char_error_rate(SAID, MEANT) == pytest.approx(jiwer.cer(MEANT, SAID))
    metric = metrics.get("wer")
    for p, t in zip(SAID, MEANT):
        metric.update([p], [t])
    assert metric.compute() == pytest.approx(jiwer.wer(MEANT, SAID))
    assert metrics.word_error_rate("a b c", "a x c d") == 2 / 4
    assert metrics.word_error_rate(["a b", "c"], ["a b", ""]) == 1 / 2      # what nobody said was inserted
    assert metrics.char_error_rate("abc", "abd") == 1 / 3
    with pytest.warns(UndefinedMetricWarning, match="targets are empty"):
        assert math.isnan(metrics.word_error_rate("a", ""))
    with pytest.raises(ValueError, match="2 predictions and 1 targets"):
        metrics.word_error_rate(["a", "b"], ["a"])
    with pytest.raises(TypeError, match="got Tensor: decode"):
        metrics.word_error_rate(tg.tensor([1, 2]), ["a", "b"])
    with pytest.raises(TypeError, match="target 0 is a text"):
        metrics.word_error_rate(["a"], [["a"]])
    with pytest.raises(ValueError, match="mask is not offered"):
        metrics.get("cer").update(["a"], ["a"], mask=[True])


@pytest.mark.parametrize("call", ["bleu_score(SAID, MEANT)", "BLEUScore()", "word_error_rate('a', 'b')", "CharErrorRate()",
                                  "get('bleu')"])
def test_a_missing_library_is_named_with_the_command_that_brings_it(call, monkeypatch):
    for name in ("sacrebleu", "jiwer"):
        monkeypatch.setitem(__import__("sys").modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"needs (sacrebleu|jiwer).*pip install 'tinygrad_like\[text-metrics\]'"):
        eval(f"metrics.{call}", {"metrics": metrics, "SAID": SAID, "MEANT": MEANT})


def test_the_package_is_there_after_one_import():
    assert tg.metrics is metrics and backend.host is np
