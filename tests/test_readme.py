"""What the README shows works as it stands there: its code runs in order, its links lead somewhere, what its tables name exists."""
import re
from pathlib import Path

import pytest

import tinygrad_like as tl
from tinygrad_like import ops

ROOT = Path(__file__).parent.parent
PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
         for page in [*ROOT.glob("*.md"), *(ROOT / "examples").glob("**/*.md")]}
README = PAGES["README.md"]


def test_the_code_runs_in_order(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)                                 # where it saves a model
    tl.manual_seed(0)
    names = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", README, re.DOTALL)):
        exec(compile(code, f"README.md, block {number}", "exec"), names)
        if number == 0:
            claimed = re.search(r"x\.grad +# tensor\((.*)\)", code)
            assert claimed and names["x"].grad.tolist() == eval(claimed[1])
    assert issubclass(names["softsquare"], ops.exp.__mro__[1])
    derivation = re.search(r"prints the derivation.*?```\n(.*?)```", README, re.DOTALL)
    printed = re.sub(r" +README\.md, block.*", "", capsys.readouterr().out)     # the user's line stands there
    assert derivation and derivation[1] in printed
    assert (tmp_path / "page.html").exists()


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", PAGES[page]):
        assert link.startswith("http") or (ROOT / page).parent.joinpath(link).exists(), link


def test_the_reading_path_leads_through_the_examples():
    examples = sorted(file.name for file in (ROOT / "examples").glob("[0-9]*.py"))
    path = re.search(r"^## Reading path\n(.*?)^## ", README, re.MULTILINE | re.DOTALL)
    assert path and re.findall(r"\]\(examples/(\d\w+\.py)\)", path[1]) == examples
    assert list(dict.fromkeys(re.findall(r"\]\((\d\w+\.py)\)", PAGES["examples/README.md"]))) == examples


FORMULAS = re.findall(r"^\| .+ \| (F-\d\d) \| (.+) \| (.+) \|$", README, re.MULTILINE)


def test_the_table_has_all_formulas_of_the_articles():
    assert [number for number, *_ in FORMULAS] == [f"F-{i:02}" for i in range(1, 18)]


@pytest.mark.parametrize("number, where, test", FORMULAS, ids=[number for number, *_ in FORMULAS])
def test_what_the_formula_table_names_exists(number, where, test):
    """Names that stand before " in file.py", with commas between them; functions of F; files; examples; and the test."""
    named = re.findall(r"((?:`\w+`(?:, )?)+) in ([\w/]+\.py)", f"{where}; {test}")
    assert len(named) == len(re.findall(r" in [\w/]+\.py", f"{where}; {test}")) and named[-1][1].startswith("tests/")
    for names, file in named:
        source = (ROOT if file.startswith("tests/") else ROOT / "tinygrad_like").joinpath(file).read_text(encoding="utf-8")
        for name in re.findall(r"\w+", names):
            assert re.search(rf"^(class|def) {name}\b", source, re.MULTILINE), f"{file} has no {name}"
    for name in re.findall(r"`F\.(\w+)", where):
        assert callable(getattr(tl.nn.functional, name))
    for example in re.findall(r"examples/[\w/.]+", where):
        assert list(ROOT.glob(f"{example}*")), example


def test_each_settings_variable_is_read():
    source = "".join([file.read_text(encoding="utf-8") for file in (ROOT / "tinygrad_like").glob("**/*.py")])
    variables = set(re.findall(r"TINYGRAD_LIKE_\w+", README))
    assert variables and all(name in source for name in variables)
