"""What the README shows works as it stands there: its code runs in order, its links lead somewhere, the ops it names exist."""
import re
from pathlib import Path

import pytest

import tinygrad_like as tl
from tinygrad_like import ops

ROOT = Path(__file__).parent.parent
PAGES = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8")
         for page in [*ROOT.glob("*.md"), *(ROOT / "examples").glob("**/*.md")]}
README = PAGES["README.md"]


def test_the_code_runs_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)                                 # where it saves a model
    tl.manual_seed(0)
    names = {}
    for number, code in enumerate(re.findall(r"```python\n(.*?)```", README, re.DOTALL)):
        exec(compile(code, f"README.md, block {number}", "exec"), names)
        if number == 0:
            claimed = re.search(r"x\.grad +# tensor\((.*)\)", code)
            assert claimed and names["x"].grad.tolist() == eval(claimed[1])
    assert issubclass(names["softsquare"], ops.exp.__mro__[1])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    for link in re.findall(r"\]\(([^)#]+)\)", PAGES[page]):
        assert link.startswith("http") or (ROOT / page).parent.joinpath(link).exists(), link


def test_the_ops_and_files_of_the_formula_table_exist():
    for name, file in re.findall(r"\| `(\w+)`[^|]* in (ops/\w+\.py)", README):
        assert f"class {name}(Op)" in (ROOT / "tinygrad_like" / file).read_text(encoding="utf-8")


def test_each_settings_variable_is_read():
    source = "".join([file.read_text(encoding="utf-8") for file in (ROOT / "tinygrad_like").glob("**/*.py")])
    variables = set(re.findall(r"TINYGRAD_LIKE_\w+", README))
    assert variables and all(name in source for name in variables)
