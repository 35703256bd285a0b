"""The page of `explain`, in a real browser: it opens, is clicked and typed at, and shows the numbers that the tensors have."""
import html
import json
import math
import re

import numpy as np
import pytest

import tinygrad_like as tl
import tinygrad_like.nn.functional as F
from tinygrad_like import models, nn
from tinygrad_like.tools.explain import explain
from tinygrad_like.tools.explain.page import in_notebook, to_html

from .chromium import Chromium


class Net(nn.Module):
    """A result that is used twice, an operand that is broadcast, a module in a module."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 5), nn.Tanh())
        self.head = nn.Linear(5, 3)
        self.scale = nn.Parameter(tl.tensor([0.5, 1.5, -1.0]))

    def forward(self, x):
        h = self.body(x)
        h = h + h * 0.5
        return self.head(h) * self.scale


@pytest.fixture(scope="module")
def net():
    tl.manual_seed(0)
    model, x, y = Net(), tl.randn(6, 4), tl.randint(0, 3, (6,))
    with explain() as page:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
    page.title = "A small net"
    return model, page


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


@pytest.fixture
def opened(browser, folder, net):
    """The page of the small net, as it is when it opens."""
    open_page(browser, folder, net[1].html())
    yield browser
    assert browser.complaints() == []


def open_page(browser, folder, text):
    path = folder / "page.html"
    path.write_text(text, encoding="utf-8")
    return browser.open(path.as_uri())


def text(browser, selector):
    return browser.eval(f"document.querySelector({json.dumps(selector)}).textContent")


def number_of(page, **about):
    """The one node that has all of this."""
    found = [node["id"] for node in page.data()["nodes"] if all(node[key] == value for key, value in about.items())]
    assert len(found) == 1, f"{about}: {found}"
    return found[0]


def tables(browser, selector):
    """The numbers of all tables there: as they are shown, and as they are said when one points at them."""
    return browser.eval(f"[...document.querySelectorAll({json.dumps(selector + ' table.numbers')})].map(table => "
                        "[...table.rows].map(row => [...row.cells].map(cell => [cell.textContent, cell.title])))")


def same(table, array):
    """Whether a table shows an array: to four digits, and all of them behind."""
    shown, whole = [np.array([[float(cell[i]) for cell in row] for row in table]) for i in (0, 1)]
    array = np.atleast_2d(array.detach().numpy())
    np.testing.assert_allclose(shown, array, rtol=1e-3, atol=1e-30)
    np.testing.assert_array_equal(whole.astype(array.dtype), array)


def select(browser, node):
    """Click on it, where it is in sight."""
    browser.eval(f"show(byKey.get('n{node}'))")
    browser.click(f'[data-key="n{node}"]')


# ---- the text ---------------------------------------------------------------------------------------------------
def test_it_is_one_file_that_asks_for_nothing(net):
    page = net[1].html()
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1])
    assert "default-src 'none'" in policy and "unsafe" not in policy
    own = page.split('id="data">')[0] + page.rsplit("</script>", 2)[1]          # all but the data
    assert "word" in own and not re.search(r"""(src|href)=["'](?!data:)|@import|url\(|fetch\(|XMLHttp|import\(""", own)


def test_what_many_nodes_have_in_common_is_said_once():
    page = to_html(chain(2000))
    assert page.count("out = x + y, which is said once") == 1 and len(page.encode()) < 5e6


def test_a_page_is_in_one_of_two_languages(net):
    with pytest.raises(ValueError, match='"en", "zh" or None .*not .fr'):
        net[1].html(language="fr")


def test_numbers_that_are_not_finite_come_as_words(browser, folder):
    x = tl.tensor([1.0, 0.0, -2.0], requires_grad=True)
    with explain() as page:
        x.log().sum().backward()
    open_page(browser, folder, page.html())
    select(browser, number_of(page, op="log"))
    assert [cell[0] for cell in tables(browser, '[data-summary="value"]')[0][0]] == ["0", "−∞", "NaN"]
    assert "2 numbers are not finite" in text(browser, '[data-summary="value"]')
    assert "nonfinite" in browser.eval(f"document.querySelector('[data-key=n{number_of(page, op='log')}]').getAttribute('class')")
    assert browser.complaints() == []


# ---- opening ----------------------------------------------------------------------------------------------------
def test_it_opens_without_a_word_in_the_console(opened):
    assert opened.eval("document.title") == "A small net" == text(opened, "h1")
    assert len([url for url in opened.requests() if not url.startswith("data:")]) == 1
    assert opened.eval("document.documentElement.lang") == "en"
    assert "Kept for the backward pass" in text(opened, "#panel")


def test_resnet_20(browser, folder):
    tl.manual_seed(0)
    model = models.resnet20()
    with explain() as page:
        F.cross_entropy(model(tl.randn(4, 3, 32, 32)), tl.tensor([1, 2, 3, 4])).backward()
    text_of_page = page.html()
    assert len(text_of_page.encode()) < 5e6
    seconds = open_page(browser, folder, text_of_page)
    assert seconds < 2, f"{seconds:.1f} s to open"
    browser.key("e")                                            # all modules open
    ops = [node["id"] for node in page.data()["nodes"]]
    assert browser.eval("document.querySelectorAll('.node').length") == len(ops)
    assert overlapping(browser) == []
    check_lines(browser, page.data())
    norms = {name: p.grad.norm().item() for name, p in model.named_parameters()}
    for key, name in ("g", max(norms, key=norms.get)), ("s", min(norms, key=norms.get)):
        browser.key(key)
        assert text(browser, "#panel h2") == name
    assert browser.complaints() == []


def test_two_thousand_nodes(browser, folder):
    seconds = open_page(browser, folder, to_html(chain(2000)))
    assert seconds < 4, f"{seconds:.1f} s to open"
    browser.key("e")
    assert browser.eval("document.querySelectorAll('.node').length") == 2001
    browser.key("End")
    assert "Step 4000 of 4000" in text(browser, "#now")
    assert overlapping(browser) == []
    check_lines(browser, chain(2000))
    assert browser.complaints() == []


def check_lines(browser, record):
    """There is a line for each operand, and it leads down, or to the right from what stands beside its op."""
    drawn = browser.eval("lines.map(({ source, to }) => [source.id, to[0].id, source.host ? to[0].centre[0] - source.centre[0] :"
                         " to[0].centre[1] - source.centre[1]])")
    wanted = {(parent, node["id"]) for node in record["nodes"] for parent in node["parents"] if parent is not None}
    assert sorted((a, b) for a, b, _ in drawn) == sorted(wanted)
    assert [line for line in drawn if line[2] <= 0] == []


def overlapping(browser):
    """The boxes of nodes that lie over another, as they are on the screen."""
    return browser.eval("""(() => {
        const boxes = [...document.querySelectorAll('.node > .box')].map(
            box => [box.parentNode.dataset.key, box.getBoundingClientRect()]);
        boxes.sort((a, b) => a[1].top - b[1].top);
        const found = [];
        boxes.forEach(([key, a], i) => { for (let j = i + 1; j < boxes.length && boxes[j][1].top < a.bottom - 0.01; j++) {
            const b = boxes[j][1];
            if (b.left < a.right - 0.01 && a.left < b.right - 0.01) found.push([key, boxes[j][0]]); } });
        return found; })()""")


def chain(n):
    """A record of n additions, each of the one before and one of some before that, in modules of fifty."""
    value = {"shape": [2], "dtype": "float32", "min": 0.0, "mean": 0.5, "max": 1.0, "norm": 1.0, "nonfinite": 0,
             "histogram": [1] * 16, "numbers": [0.0, 1.0]}
    nodes = [dict(blank(0, "leaf", value), name="w")]
    for i in range(1, n + 1):
        nodes.append(blank(i, "add", value) | {
            "formula": "out = x + y", "doc": "out = x + y, which is said once", "operands": ["x", "y"],
            "parents": [i - 1, max(0, i - 1 - i % 7)], "module": f"Net.part{i // 50}",
            "derivatives": [{"operand": "x", "source": "def dx(g): return g"}, {"operand": "y", "source": "def dy(g): return g"}]})
    steps = [{"phase": "forward", "node": i} for i in range(1, n + 1)]
    steps += [{"phase": "backward", "node": i, "g": value, "arrived": 1, "to": [
        {"node": each, "operand": operand, "dx": value, "summed_from": None} for operand, each in zip("xy", nodes[i]["parents"])]}
        for i in range(n, 0, -1)]
    parameters = [{"name": "w", "node": 0, "norm": 1.0, "size": 2}]
    return {"title": "chain", "nodes": nodes, "steps": steps, "parameters": parameters, "lacks": []}


def blank(i, op, value):
    return {"id": i, "op": op, "name": "", "module": "", "source": None, "formula": "", "doc": "", "derivatives": [], "params": {},
            "parents": [], "operands": [], "shape": [2], "dtype": "float32", "value": value, "kept": []}


# ---- numbers ----------------------------------------------------------------------------------------------------
def test_the_numbers_are_those_of_the_tensors(opened, net):
    model, page = net
    select(opened, number_of(page, name="head.weight"))
    assert text(opened, "#panel h2") == "head.weight"
    same(tables(opened, '[data-summary="value"]')[0], model.head.weight)
    same(tables(opened, ".backward")[0], model.head.weight.grad)
    select(opened, number_of(page, name="scale"))
    same(tables(opened, ".backward")[0], model.scale.grad)


def test_an_op_shows_its_formula_its_line_and_its_derivatives(opened, net):
    model, page = net
    node = number_of(page, op="linear", module="Net.head")
    select(opened, node)
    shown = text(opened, "#panel")
    record = page.data()["nodes"][node]
    assert record["formula"] in shown and "Net" in shown
    assert "return self.head(h) * self.scale" in text(opened, "#panel pre.source") and "test_explain_page.py" in shown
    for each in record["derivatives"]:
        assert each["source"] in shown
    sent = {to["operand"]: to["node"] for step in page.data()["steps"] if step["phase"] == "backward" and step["node"] == node
            for to in step["to"]}
    assert set(sent) == {"x", "w", "b"}
    same(tables(opened, '[data-out="w"]')[0], model.head.weight.grad)
    same(tables(opened, '[data-out="b"]')[0], model.head.bias.grad)


def test_broadcasting_and_adding_are_told(opened, net):
    page = net[1]
    product = [node["id"] for node in page.data()["nodes"] if node["op"] == "mul"][-1]
    select(opened, product)
    assert "Broadcasting undone: shape (6, 3) was summed to (3,)" in text(opened, "#panel")
    select(opened, number_of(page, op="tanh"))
    assert "2 gradients met here and were added" in text(opened, "#panel")
    parts, whole = tables(opened, '[data-summary="arrival"]'), tables(opened, '[data-summary="g"]')[0]
    numbers = [np.array([[float(cell[1]) for cell in row] for row in table]) for table in (*parts, whole)]
    assert len(parts) == 2
    np.testing.assert_allclose(numbers[0] + numbers[1], numbers[2], rtol=1e-6)


def test_large_arrays_are_summed_up(browser, folder):
    tl.manual_seed(1)
    w = tl.randn(30, 20, requires_grad=True)
    with explain() as page:
        (w * w).sum().backward()
    open_page(browser, folder, page.html())
    select(browser, number_of(page, op="leaf"))
    for selector, array in ("#panel [data-summary=value]", w), (".backward", w.grad):
        shown = dict(browser.eval(f"[...document.querySelectorAll('{selector} [data-stat]')].map(x => [x.dataset.stat, x.title])"))
        for key, expected in ("min", array.min()), ("mean", array.mean()), ("max", array.max()), ("norm", array.norm()):
            assert math.isclose(float(shown[key]), expected.item(), rel_tol=1e-4, abs_tol=1e-6), key
        assert browser.eval(f"document.querySelectorAll('{selector} .histogram rect').length") > 8


# ---- steps ------------------------------------------------------------------------------------------------------
def state(browser):
    """The node of the step, and how many gradients are there."""
    return browser.eval("""[document.querySelector('[aria-current=step]')?.dataset.key ?? null,
        document.querySelectorAll('.node.arrived').length, document.querySelectorAll('.edge.flow').length]""")


def test_stepping_forwards_and_backwards(opened, net):
    steps = net[1].data()["steps"]
    assert state(opened) == [None, 0, 0]
    forth = []
    for i, step in enumerate(steps):
        opened.key("ArrowRight")
        forth.append(state(opened))
        assert forth[-1][0] == f"n{step['node']}"
        assert f"Step {i + 1} of {len(steps)}" in text(opened, "#now") and step["phase"] in text(opened, "#now")
        if step["phase"] == "backward" and step["arrived"] > 1:
            assert f"{step['arrived']} gradients met here and were added" in text(opened, "#now")
    arrived = [each[1] for each in forth]
    assert arrived == sorted(arrived) and arrived[0] == 0 and arrived[-1] >= len(net[0].state_dict())
    opened.key("ArrowRight")
    assert state(opened) == forth[-1]                           # there is nothing beyond
    for i in reversed(range(len(steps) - 1)):
        opened.key("ArrowLeft")
        assert state(opened) == forth[i]
    for key, i in ("End", -1), ("Home", 0):
        opened.key(key)
        assert state(opened) == forth[i]
    opened.key("Escape")
    assert state(opened) == [None, 0, 0]


def test_a_gradient_is_seen_when_it_has_arrived(opened, net):
    _, page = net
    steps, node = page.data()["steps"], number_of(page, op="tanh")
    at = [(step["phase"], step["node"]) for step in steps].index(("backward", node))
    chip = f"document.querySelector('[data-key=n{node}] .g').textContent"
    opened.eval("document.getElementById('slider').focus()")
    opened.key("ArrowRight")
    assert "Step 1 of" in text(opened, "#now")
    arrived, seen = 0, []
    for i in range(at):
        arrived += [to["node"] for to in steps[i].get("to", [])].count(node)
        seen.append(opened.eval(chip))
        assert seen[-1] == ("" if arrived == 0 else "1/2") if arrived < 2 else seen[-1].endswith("Σ2"), f"step {i + 1}"
        opened.key("ArrowRight")
    assert {"", "1/2"} < set(seen)
    assert opened.eval("document.getElementById('slider').value") == str(at + 1)
    opened.key("Home")
    select(opened, node)
    assert "Its gradient arrives in step" in text(opened, "#panel")
    assert opened.eval("document.querySelectorAll('[data-summary=g]').length") == 0


def test_buttons_step_too_and_play(opened):
    for selector, said in ("#first", "Step 1 of"), ("#forward", "Step 2 of"), ("#back", "Step 1 of"):
        opened.click(selector)
        assert said in text(opened, "#now")
    opened.key(" ")                                             # the focus is on a button: it is pressed
    assert "Step 1 of" in text(opened, "#now")
    opened.click("#play")
    opened.eval("new Promise(done => setTimeout(done, 1000))")
    assert "Step 2 of" in text(opened, "#now")
    opened.click("#play")
    opened.click("#everything")
    assert "Everything is shown" in text(opened, "#now")


# ---- modules, search, sight -------------------------------------------------------------------------------------
def test_modules_close_and_open(opened):
    keys = "[...document.querySelectorAll('#nodes > [data-key]')].length"
    before = opened.eval(keys)
    body = "[aria-label^='Net.body:']"
    opened.click(body + " .toggle")
    assert opened.eval(f"document.querySelector(\"{body}\").getAttribute('aria-expanded')") == "false"
    assert opened.eval(keys) < before
    opened.key("Enter")                                         # it has the focus still
    assert opened.eval(keys) == before
    opened.key("c")
    closed = opened.eval(keys)
    assert closed < before
    opened.key("e")
    assert opened.eval(keys) == before


def test_search_finds_and_opens_what_is_closed(opened, net):
    node = number_of(net[1], name="body.0.bias")
    opened.key("c")
    assert not opened.eval(f"!!document.querySelector('[data-key=n{node}]')")
    opened.key("/")
    assert opened.eval("document.activeElement.id") == "search"
    opened.type("body.0.b")
    assert text(opened, "#found [role=option]").startswith("body.0.bias")
    opened.key("Enter")
    assert text(opened, "#panel h2") == "body.0.bias"
    assert opened.eval("document.activeElement.dataset.key") == f"n{node}"
    opened.key("/")
    opened.type("self.head(h)")                                 # a line of source finds the ops that are on it
    opened.key("ArrowDown")
    assert opened.eval("document.querySelectorAll('#found [role=option]').length") >= 2
    assert opened.eval("document.querySelectorAll('.found').length") >= 2
    opened.key("Escape")
    assert opened.eval("document.querySelectorAll('.found').length") == 0
    opened.key("/")
    opened.type("zebra")
    assert "Nothing is called so" in text(opened, "#found")


def test_the_largest_and_the_smallest_gradient(opened, net):
    norms = {name: p.grad.norm().item() for name, p in net[0].named_parameters()}
    for way, name in ("#largest", max(norms, key=norms.get)), ("#smallest", min(norms, key=norms.get)):
        opened.click(way)
        assert text(opened, "#panel h2") == name
    opened.key("Escape")
    rows = opened.eval("""[...document.querySelectorAll('#norms tbody tr')].map(
        row => [row.querySelector('.link').textContent, row.lastChild.title])""")
    assert [row[0] for row in rows] == sorted(norms, key=norms.get, reverse=True)
    for name, norm in rows:
        assert math.isclose(float(norm), norms[name], rel_tol=1e-5)


def test_zooming_and_moving(opened):
    def view():
        return [float(x) for x in re.findall(r"-?[\d.]+(?:e-?\d+)?", opened.eval("$('view').getAttribute('transform')"))]
    opened.key("0")
    x, y, k = view()
    opened.key("+")
    assert view()[2] > k
    opened.key("0")
    assert view() == [x, y, k]
    opened.wheel(300, 400, -240)
    assert view()[2] > k
    opened.click("#fit")
    opened.drag(30, 700, 130, 650)
    assert np.allclose(view(), [x + 100, y - 50, k])
    opened.key("ArrowDown", shift=True)
    assert np.allclose(view(), [x + 100, y - 130, k])
    assert text(opened, "#panel h2") == "A small net"           # a drag is no click


def test_up_and_down_go_along_the_lines(opened, net):
    page = net[1]
    select(opened, number_of(page, op="tanh"))
    opened.key("ArrowUp")
    assert text(opened, "#panel h2").startswith("linear")
    opened.key("ArrowUp")
    assert text(opened, "#panel h2") == "x"
    opened.key("ArrowDown")
    opened.key("ArrowDown")
    assert text(opened, "#panel h2").startswith("tanh")


# ---- for everybody ----------------------------------------------------------------------------------------------
def test_tab_reaches_every_control_and_shows_where_it_is(opened):
    opened.key("ArrowRight")
    opened.key("ArrowRight")                                    # so that no control is disabled
    controls = "header button, main .buttons button, footer button, input, #panel"
    wanted = set(opened.eval(f"[...document.querySelectorAll('{controls}')].map(x => x.id || x.value)"))
    opened.eval("document.activeElement.blur()")
    reached, unseen = set(), []
    for _ in range(80):
        opened.key("Tab")
        name, visible = opened.eval("""(() => {
            const at = document.activeElement, node = at.matches('[data-key]');
            const style = getComputedStyle(node ? at.querySelector('.box') : at);
            const visible = node ? parseFloat(style.strokeWidth) >= 4 : style.outlineStyle !== 'none';
            return [node ? 'a node' : at.id || at.value || '', visible];
        })()""")
        if name in reached and name == "search":
            break
        reached.add(name)
        if name and not visible and opened.eval("document.activeElement !== document.body"):
            unseen.append(name)
    assert wanted | {"a node"} <= reached and unseen == []


def test_controls_and_nodes_have_names(opened):
    for key in None, "l":
        if key:
            opened.key(key)
        tree = opened.send("Accessibility.getFullAXTree")["nodes"]
        nameless = [node["role"]["value"] for node in tree if not node.get("ignored") and node.get("role", {}).get("value") in
                    ("button", "slider", "combobox", "searchbox", "textbox", "listbox", "link", "dialog")
                    and not node.get("name", {}).get("value", "").strip()]
        assert nameless == []


def test_the_keys_are_listed(opened):
    opened.key("?")
    assert opened.eval("document.getElementById('about').open") and "one step forward" in text(opened, "#about")
    opened.key("Escape")
    opened.key("End")                                           # it is the page's again, at once
    assert not opened.eval("$('about').open") and state(opened)[0] is not None


def test_two_languages(opened, net):
    english = opened.eval("document.body.innerText")
    opened.click("#languages button[value=zh]")
    assert opened.eval("document.documentElement.lang") == "zh-CN"
    chinese = opened.eval("document.body.innerText")
    assert "为反向传播保留的内存" in chinese and "最大梯度" in chinese
    assert not {"Kept", "Search", "gradient", "Everything"} & set(re.findall(r"\w+", chinese)), "English is left"
    select(opened, number_of(net[1], op="tanh"))
    shown = text(opened, "#panel")
    assert "2 个梯度在此汇合并相加" in shown and "out = tanh x" in shown        # formulas stay
    opened.key("ArrowRight")
    assert "第 1 步" in text(opened, "#now")
    opened.key("Escape")
    opened.key("l")
    assert opened.eval("document.body.innerText") == english
    assert opened.eval("Object.values(WORDS).every(each => each.length === 2 && typeof each[0] === typeof each[1])")


def test_a_page_begins_in_the_language_asked_for(browser, folder, net):
    open_page(browser, folder, net[1].html(language="zh"))
    assert browser.eval("document.documentElement.lang") == "zh-CN" and "显示全部" in text(browser, "#everything")


def test_what_is_missing_is_said_in_both(browser, folder):
    x = tl.ones(2, requires_grad=True)
    with explain() as page:
        (x * 2).sum()
    open_page(browser, folder, page.html())
    assert "no backward pass was seen" in text(browser, "#panel")
    browser.key("l")
    assert "没有看到反向传播" in text(browser, "#panel") and "no backward" not in text(browser, "#panel")


def test_light_and_dark(browser, folder, net):
    open_page(browser, folder, net[1].html())
    seen = []
    for scheme in "light", "dark":
        browser.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        seen.append([int(x) for x in re.findall(r"\d+", browser.eval("getComputedStyle(document.body).backgroundColor"))])
    browser.send("Emulation.setEmulatedMedia", features=[])
    assert sum(seen[0]) > 600 and sum(seen[1]) < 150


# ---- what the user wrote ----------------------------------------------------------------------------------------
EVIL = "</script><b>"


def test_what_the_user_wrote_is_text(browser, folder):
    """Names of modules, lines of source and titles that are markup, or would end the script."""
    run = "<img src=x onerror=\"document.title='hurt'\">"
    model = nn.Sequential()
    model._modules[EVIL + run] = nn.Linear(2, 2)
    model._modules["a"] = nn.ReLU()
    x = tl.ones(1, 2)
    with explain() as page:
        model(x).sum().backward(), "</script><script>document.title='hurt'</script><!--"        # part of the line that is shown
    page.title = f"{EVIL}{run}{{{{script}}}}"
    text_of_page = page.html()
    assert EVIL not in text_of_page and text_of_page.count("</script>") == 2 and run not in text_of_page
    open_page(browser, folder, text_of_page)
    assert browser.eval("document.title") == page.title == text(browser, "h1")
    for node in page.data()["nodes"]:
        browser.key("/")
        browser.type(node["name"][:6] or node["op"])
        browser.key("Enter")
    browser.eval("openAll()")
    for item in browser.eval("[...byKey.keys()]"):
        browser.eval(f"select(byKey.get('{item}'), {{ open: true }})")
    assert browser.eval("document.querySelectorAll('img, b b, main b').length") == 0
    assert browser.eval("document.title") == page.title
    browser.eval(f"select(byKey.get('n{number_of(page, op='sum')}'))")
    assert "</script><script>" in text(browser, "#panel pre.source")
    assert browser.complaints() == []


def test_in_a_notebook_it_is_a_frame_of_its_own(browser, folder, net):
    frame = net[1]._repr_html_()
    assert frame == in_notebook(net[1].data()) and frame.count("<") == 2
    assert html.unescape(re.search(r'srcdoc="([^"]*)"', frame)[1]) == net[1].html()
    open_page(browser, folder, f"<!DOCTYPE html><title>notebook</title><body>{frame}</body>")
    session, frames = browser.session, []
    browser.session = None
    try:
        frames = [each for each in browser.send("Target.getTargets")["targetInfos"] if each["type"] == "iframe"]
        if frames:                                              # in a process of its own
            browser.session = browser.send("Target.attachToTarget", targetId=frames[0]["targetId"], flatten=True)["sessionId"]
            assert text(browser, "h1") == "A small net"
            assert browser.eval("document.querySelectorAll('.node').length") > 5
            browser.eval("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            left, right, width = browser.eval("[eye.x, root.w * eye.k + eye.x, screen()[0]]")
            assert width > 300 and 0 < left < right < width     # drawn to the size that the frame got in the end
            assert browser.eval("(() => { try { return parent.document.title } catch { return 'no way out' } })()") == "no way out"
    finally:
        browser.session = session
    assert frames and browser.complaints() == []


def test_pictures_are_on_the_page(browser, folder):
    pytest.importorskip("matplotlib")
    model, x = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)), tl.randn(2, 1, 8, 8)
    with explain() as page:
        model(x).sum().backward()
    assert page.data()["pictures"] == []
    page.add_picture("<b>heat</b>", tl.pictures.draw_heat(x, {"saliency": tl.pictures.saliency(model, x)}))
    page.add_picture("filters", tl.pictures.draw_filters(tl.pictures.filters(model)["0"]))
    open_page(browser, folder, page.html())
    images = "[...document.querySelectorAll('#panel img')]"
    sizes = browser.eval(f"Promise.all({images}.map(async image => (await image.decode(), image.naturalWidth)))")
    assert len(sizes) == 2 and min(sizes) > 100
    assert "<b>heat</b>" in text(browser, "#panel") and browser.complaints() == []
    for wrong in "picture.png", b"\x89PNG", None:
        with pytest.raises(TypeError, match="what pictures.draw_"):
            page.add_picture("x", wrong)


def test_nothing_at_all(browser, folder):
    with explain() as page:
        pass
    open_page(browser, folder, page.html())
    assert "nothing ran" in text(browser, "#panel")
    for key in "ArrowRight", "ArrowLeft", "End", "ArrowDown", "Enter", "g", "e", "c", "0", "+", "l", "/":
        browser.key(key)
    assert browser.complaints() == []
