"""Every example runs, and ends with the number that it promises.

They run with --quick, each against bounds of its own; TINYGRAD_LIKE_EXAMPLES=full runs them whole, as a reader would.
"""
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
FULL = os.environ.get("TINYGRAD_LIKE_EXAMPLES") == "full"

# what the last line says, and the bounds of its number: with --quick, and whole
PROMISES = {
    "00_backprop_from_nothing.py": ("largest difference", (0, 1e-12), (0, 1e-12)),
    "01_one_neuron.py": ("test accuracy", (0.95, 1), (0.97, 1)),
    "02_mlp_by_hand.py": ("test accuracy", (0.8, 1), (0.96, 1)),
    "03_mnist_mlp.py": ("test accuracy", (0.88, 1), (0.975, 1)),
    "04_mnist_convnet.py": ("test accuracy", (0.7, 1), (0.985, 1)),
    "05_resnet_pictures.py": ("test accuracy", (0.35, 1), (0.57, 1)),
    "06_spam_lstm.py": ("test accuracy", (0.78, 1), (0.965, 1)),
    "07_jane_austen_gpt.py": ("test loss", (2.2, 2.8), (1.35, 1.55)),
    "08_translate_verses.py": ("test words foretold", (0.08, 1), (0.45, 1)),
    "09_attention_maps.py": ("sequence accuracy", (0.9, 1), (0.98, 1)),
    "10_tabular.py": ("test F1", (0.55, 0.8), (0.58, 0.8)),
    "11_forecast.py": ("error relative to the naive forecast", (0.7, 0.97), (0.8, 0.95)),
    "12_anomaly.py": ("test ROC-AUC", (0.84, 1), (0.93, 1)),
    "13_recommender.py": ("test RMSE", (0.2, 0.35), (0.2, 0.27)),
    "14_what_it_looks_at.py": ("share on the square", (0.3, 1), (0.5, 1)),
    "15_vae.py": ("test negative ELBO", (140, 180), (95, 104)),
    "16_gan.py": ("Fréchet distance", (0.02, 0.5), (0.005, 0.08)),
}


def run(*command, folder=ROOT):
    """Run a file of the course with this Python and this package: its exit status, and the lines that it printed."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    if not FULL:                                                # other tests may be running beside this one: matrix products whose
        environment.setdefault("OPENBLAS_NUM_THREADS", "1")     # threads wait for a core take many times as long
    done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True, encoding="utf-8", env=environment,
                          cwd=folder, timeout=600)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_every_example_has_a_promise():
    assert sorted(PROMISES) == sorted(path.name for path in EXAMPLES.glob("[0-9]*.py"))


@pytest.mark.parametrize("name", PROMISES)
def test_example_begins_with_its_idea_and_its_formulas(name):
    """Before the first formula stands the idea, in five sentences at most; formulas have their numbers in the SPEC."""
    text = ast.get_docstring(ast.parse((EXAMPLES / name).read_text(encoding="utf-8")))
    idea, formula, _ = text.partition("\n\n    ")
    assert formula, "no formula"
    assert 1 <= len(re.findall(r"[.!?](?=\s|\)|$)|:$", idea)) <= 5, idea
    numbers = re.findall(r"\b(F|MOD|M)-(\d\d)\b", text)
    assert {kind for kind, _ in numbers} & {"F", "MOD"}, "no number of a formula or model"
    assert all(1 <= int(number) <= {"F": 17, "MOD": 32, "M": 32}[kind] for kind, number in numbers), numbers
    assert "SPEC" in text                                       # whose numbers they are


# what the articles give for such a network, which is printed next to our number
CLAIMS = {"04_mnist_convnet.py": 0.92, "06_spam_lstm.py": 0.80}


@pytest.mark.parametrize("name", PROMISES)
def test_example(name, tmp_path):
    what, quick, whole = PROMISES[name]
    low, high = whole if FULL else quick
    status, lines, errors = run(EXAMPLES / name, *([] if FULL else ["--quick"]), folder=tmp_path)      # where pictures go
    assert status == 0, errors
    number = re.fullmatch(rf"{what} (\S+)", lines[-1])
    assert number, f"the last line is {lines[-1]!r}"
    assert low <= float(number[1]) <= high
    if name in CLAIMS:
        claim = re.match(r"the article gives (0\.\d+)", lines[-2])
        assert claim and float(claim[1]) == CLAIMS[name], f"the line before the last is {lines[-2]!r}"


# errors.py: words of what is said to each mistake, in order
SAID = [
    "8 · 13 · 13: x was flattened from the shape", "input.unsqueeze(1) adds the channel", "The channels look to be last",
    "y looks transposed", "target.unsqueeze(-1) has the shape of input", "To line (32,) up with axis -2",
    "They look to be counted from 1", "If it is one-hot, target.argmax(1)", "use target.long()", "binary_cross_entropy_with_logits",
    "reduce it first (loss.mean()", "retain_graph=True", "computed under no_grad() or detached", "x.detach().numpy()",
    "by an in-place operation: x += y at", "before Mine.__init__ has called super().__init__()",
    "1. softmax-before-cross-entropy: ",
    "1. parameters-not-in-the-optimizer: ", "DoctorWarning: gradients-not-zeroed: ",
    "NonFinite: log made the first NaN or infinity: -inf",
]


def test_the_gallery_of_mistakes():
    status, lines, errors = run(EXAMPLES / "errors.py")
    assert status == 0, errors
    assert lines[-1] == f"mistakes shown {len(SAID)}" and len(SAID) == 20
    parts = re.split(r"\n(?=\d+\. [^\n]*\n\n    )", "\n".join(lines))[1:]
    assert len(parts) == len(SAID)
    for number, (part, said) in enumerate(zip(parts, SAID), 1):
        assert part.startswith(f"{number}. ") and said in part, part
    assert all(part.count("in Net.head: ") == (number == 1) for number, part in enumerate(parts, 1))        # the path of the layer
    status, lines, errors = run(EXAMPLES / "errors.py", "7")
    assert status == 0 and lines[1] == "7. Labels counted from 1" and lines[-1] == "mistakes shown 1"


def exercises():
    sys.path.insert(0, str(EXAMPLES / "exercises"))
    try:
        import check
    finally:
        sys.path.pop(0)
    return check


def test_every_planted_fault_is_found():
    check = exercises()
    files = sorted(path.name for path in check.HERE.glob("[0-9]*.py"))
    assert files == [f"{n:02d}_{name}.py" for n, (name, *_) in enumerate(check.EXERCISES, 1)]
    for n, (name, *_) in enumerate(check.EXERCISES, 1):
        fault = check.judge(n)
        kind = "TypeError: sigmoid.dx asks for 'y'" if name == "sigmoid" else "GradcheckError: "
        assert fault is not None and fault.startswith(kind), f"{name}: {fault}"


def test_the_last_fault_is_of_second_order_only():
    check = exercises()
    softplus = check.load(check.HERE / "12_softplus.py").softplus
    assert check.gradcheck(softplus, check.numbers(4))
    assert not check.gradgradcheck(softplus, check.numbers(4), raise_exception=False)


def test_every_answer_is_accepted():
    check = exercises()
    answers = check.HERE / "answers.py"
    assert [check.judge(n, answers) for n in range(1, len(check.EXERCISES) + 1)] == [None] * len(check.EXERCISES)


def test_exercises_and_answers_differ_in_the_derivative_alone():
    check = exercises()
    answers = check.load(check.HERE / "answers.py")
    for n, (name, inputs, params, _) in enumerate(check.EXERCISES, 1):
        if name == "sigmoid":                                   # refused at its definition
            continue
        planted = getattr(check.load(check.HERE / f"{n:02d}_{name}.py"), name)
        arrays = [x.detach().numpy() for x in inputs]
        np.testing.assert_array_equal(planted(*arrays, **params), getattr(answers, name)(*arrays, **params))


def test_the_judge_as_it_is_called():
    status, lines, _ = run(EXAMPLES / "exercises" / "check.py", "1")
    assert status == 1 and lines[-1] == "right 0 of 1" and any(line.startswith("Hint: ") for line in lines)
    status, lines, errors = run(EXAMPLES / "exercises" / "check.py", "--answers")
    assert status == 0, errors
    assert lines[-1] == "right 12 of 12"
