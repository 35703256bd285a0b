"""A record as drawings in the language of Mermaid: the ops, the layers, and the flows of training (SPEC F-17).

The articles draw a network of three hidden layers, a training loop and a workflow.  The network comes out as they draw it.  Their
flows lack what training consists of (SPEC M-11): one has no backward pass, and an edge "finished?" that leads to the update of the
parameters; the other has no update, and no way out of its loop.  Here each step is there, and each question has both answers.
"""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .record import LEAVES

WORDS = {                                                       # English, Chinese
    "input": ("Input layer", "输入层"),
    "hidden": ("Hidden layer {}", "隐藏层{}"),
    "output": ("Output layer", "输出层"),
    "data": ("Prepare the data", "数据预处理"),
    "initialise": ("Initialise the parameters", "模型初始化"),
    "forward": ("Forward pass", "前向传播"),
    "loss": ("Loss", "计算损失"),
    "backward": ("Backward pass: gradients of the parameters", "反向传播：计算参数的梯度"),
    "update": ("Update the parameters", "更新参数"),
    "finished": ("All epochs done?", "全部轮次结束？"),
    "epoch": ("Epoch done?", "本轮结束？"),
    "evaluate": ("Evaluate on validation data", "在验证数据上评估模型"),
    "good": ("Good enough?", "达到目标？"),
    "adjust": ("Adjust the learning rate and the like", "调整学习率等超参数"),
    "test": ("Test once, on data never looked at", "在从未看过的测试数据上测试一次"),
    "end": ("Done", "结束"),
    "yes": ("yes", "是"),
    "no": ("no", "否"),
    "unseen": ("not seen", "未见"),
    "none": ("no module with parameters was seen", "未见含参数的模块"),
}
LANGUAGES = ["en", "zh"]
Edge = tuple[str, str, str]                                     # from, to, and the answer to a question, or ""


def drawn(data: dict[str, Any], what: str, language: str) -> str:
    kinds = {"graph": graph, "layers": layers, "loop": loop, "workflow": workflow}
    if what not in kinds:
        raise ValueError(f"mermaid draws {', '.join(kinds)}, got {what!r}")
    if language not in LANGUAGES:
        raise ValueError(f"mermaid speaks {' and '.join(LANGUAGES)}, got {language!r}")
    words = {key: each[LANGUAGES.index(language)] for key, each in WORDS.items()}
    return "\n".join(["graph TD", *kinds[what](data, words)]) + "\n"


# ---- the ops ----------------------------------------------------------------------------------------------------
def graph(data: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    """Each op and leaf, in frames for the modules.  Thick arrows are those that a gradient came back along."""
    tree: dict[str, Any] = {}
    for node in data["nodes"]:
        place = tree
        for name in node["module"].split(".") if node["module"] else []:
            place = place.setdefault(name, {})
        place.setdefault("", []).append(node)
    yield from framed(tree, [])
    back = {(to["node"], step["node"]) for step in data["steps"] for to in step.get("to", ())}
    for node in data["nodes"]:
        for parent in dict.fromkeys(node["parents"]):
            if parent is not None:
                yield f"    n{parent} {'==>' if (parent, node['id']) in back else '-->'} n{node['id']}"


def framed(tree: dict[str, Any], path: list[str]) -> Iterator[str]:
    indent = "    " * (len(path) + 1)
    for node in tree.get("", ()):
        size = str(tuple(node["shape"]))
        if node["op"] in LEAVES:
            brackets = '(["', '"])'
            text = f"{safe(node['name'])}<br/>{size}"
        else:
            brackets = '["', '"]'
            text = safe(f"({node['id']}) {node['name']}{' = ' * bool(node['name'])}{node['op']}") + f"<br/>{size}"
        yield f"{indent}n{node['id']}{brackets[0]}{text}{brackets[1]}"
    for name, inside in tree.items():
        if name:
            yield f'{indent}subgraph m_{"_".join([identifier(each) for each in [*path, name]])}["{safe(".".join([*path, name]))}"]'
            yield from framed(inside, [*path, name])
            yield f"{indent}end"


# ---- the layers -------------------------------------------------------------------------------------------------
def layers(data: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    """The modules that have parameters, each with the ops that follow it, and the input."""
    nodes = data["nodes"]
    leaves = [None if node["op"] != "leaf" else node["module"] for node in nodes]
    owners = {node["module"] for node in nodes if node["module"] in [leaves[each] for each in node["parents"] if each is not None]}
    owners.discard("")
    of: dict[int, str] = {}                                     # number of a node: the layer it belongs to
    order: list[str] = []                                       # the layers as they came
    for node in nodes:
        before = sorted([of[parent] for parent in node["parents"] if parent in of], key=["", *order].index)
        if node["op"] in LEAVES:
            if not node["module"]:
                of[node["id"]] = ""                             # what comes from outside
        elif node["module"] in owners:
            of[node["id"]] = node["module"]
            order += [node["module"]] * (node["module"] not in order)
        elif before and (node["module"] or not node["source"]): # an activation, say: with what it follows
            of[node["id"]] = before[-1]
    boxes = order
    edges = [(of[parent], of[node["id"]]) for node in nodes if node["id"] in of for parent in node["parents"]
             if parent in of and of[parent] != of[node["id"]] and of[node["id"]]]
    last = set(boxes) - {before for before, _ in edges}
    used = [node for node in nodes if of.get(node["id"]) == "" and any([
        node["id"] in other["parents"] and of.get(other["id"]) for other in nodes])]
    names = {"": "L0"} | {layer: f"L{i}" for i, layer in enumerate(boxes, 1)}
    if not boxes:
        yield f'    L0["{words["none"]}"]'
        return
    if used:
        what = ", ".join([f"{node['name']} {tuple(node['shape'])}" for node in used])
        yield f'    L0["{words["input"]}: {safe(what)}"]'
    for i, layer in enumerate(boxes, 1):
        inside = [node for node in nodes if of.get(node["id"]) == layer and node["op"] not in LEAVES]
        role = words["output"] if layer in last else words["hidden"].format(i)
        text = ", ".join([node["op"] for node in inside])
        yield f'    L{i}["{role}: {safe(layer)}<br/>{safe(text)} {tuple(inside[-1]["shape"])}"]'
    yield from arrows([(names[before], names[after], "") for before, after in dict.fromkeys(edges)])


# ---- training ---------------------------------------------------------------------------------------------------
def loop(data: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    """SPEC F-17, third: with the update, and with a way out."""
    seen = facts(data, words)
    yield from [f'    A["{words["data"]}"]', f'    B["{words["initialise"]}"]', f'    C{{"{words["finished"]}"}}',
                f'    D["{words["forward"]}{seen["forward"]}"]', f'    E["{words["loss"]}{seen["loss"]}"]',
                f'    F["{words["backward"]}{seen["backward"]}"]', f'    G["{words["update"]}{seen["update"]}"]',
                f'    H(["{words["end"]}"])']
    yield from arrows([("A", "B", ""), ("B", "C", ""), ("C", "D", words["no"]), ("D", "E", ""), ("E", "F", ""), ("F", "G", ""),
                       ("G", "C", ""), ("C", "H", words["yes"])])


def workflow(data: dict[str, Any], words: dict[str, str]) -> Iterator[str]:
    """SPEC F-17, first: with the backward pass, and with questions that have two answers."""
    seen = facts(data, words)
    yield from [f'    A["{words["data"]}"]', f'    B["{words["forward"]}{seen["forward"]}"]',
                f'    C["{words["loss"]}{seen["loss"]}"]', f'    D["{words["backward"]}{seen["backward"]}"]',
                f'    E["{words["update"]}{seen["update"]}"]', f'    F{{"{words["epoch"]}"}}', f'    G["{words["evaluate"]}"]',
                f'    H{{"{words["good"]}"}}', f'    I["{words["adjust"]}"]', f'    J["{words["test"]}"]']
    yield from arrows([("A", "B", ""), ("B", "C", ""), ("C", "D", ""), ("D", "E", ""), ("E", "F", ""), ("F", "B", words["no"]),
                       ("F", "G", words["yes"]), ("G", "H", ""), ("H", "I", words["no"]), ("I", "B", ""), ("H", "J", words["yes"])])


def arrows(edges: list[Edge]) -> Iterator[str]:
    for before, after, answer in edges:
        yield f"    {before} -->|{answer}| {after}" if answer else f"    {before} --> {after}"


def facts(data: dict[str, Any], words: dict[str, str]) -> dict[str, str]:
    """What was seen of each step of training, to be put behind its name."""
    nodes, back = data["nodes"], [step for step in data["steps"] if step["phase"] == "backward"]
    modules = [node["module"].partition(".")[0] for node in nodes if node["module"]]
    start = next((nodes[step["node"]] for step in back if step["arrived"] == 0), None)
    number = start["value"]["numbers"] if start is not None and start["value"] is not None else None
    value = f" = {number:.4g}" if isinstance(number, float) else ""
    count = len([node for node in nodes if node["op"] not in LEAVES])
    said = {"forward": f"{next(iter(modules), '')} {count} ops".strip() if count else "",
            "loss": f"{start['op']}{value}" if start is not None else "",
            "backward": ", ".join([each["name"] for each in data["parameters"][:6]]) + ", …" * (len(data["parameters"]) > 6),
            "update": ", ".join(data["optimizers"])}
    return {key: f"<br/>{safe(text) or words['unseen']}" for key, text in said.items()}


# ---- text -------------------------------------------------------------------------------------------------------
def safe(text: str) -> str:
    """Text as Mermaid and the HTML that it becomes show it, whatever it says."""
    text = " ".join(text.split())
    for mark in "#&<>\"'`\\":                                   # the first is what the others begin with
        text = text.replace(mark, f"#{ord(mark)};")
    return text


def identifier(text: str) -> str:
    return "".join([each if each.isascii() and each.isalnum() else f"x{ord(each):x}" for each in text])
