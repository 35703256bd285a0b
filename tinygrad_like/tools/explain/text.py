"""A record as text: the forward pass and the backward pass, as one would write them on paper, in order, with the numbers."""
from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ... import backend, printing
from .record import LEAVES
from .summaries import Summary

INFIX = {"add": "+", "sub": "-", "mul": "·", "div": "/", "matmul": "@", "pow": "**"}
BARS = "▁▂▃▄▅▆▇█"
SHORT = 24                                                      # a parameter of more letters has a line of its own
LONG = 3                                                        # a derivative of more lines than that is written out once


def written(data: dict[str, Any]) -> str:
    return "\n".join(Writer(data).lines()) + "\n"


class Writer:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data, self.nodes = data, data["nodes"]
        self.shown: set[Any] = set()                            # leaves, and derivatives, that were written out

    def lines(self) -> Iterator[str]:
        data = self.data
        ops = [node for node in self.nodes if node["op"] not in LEAVES]
        yield f"explain: {data['title']}"
        yield (f"{counted(len(ops), 'op')}, {counted(len(data['parameters']), 'gradient')} of leaves.  (3) is the result of the op "
               "of that number.")
        phase = ""
        for step in data["steps"]:
            if step["phase"] != phase:
                phase = step["phase"]
                yield ""
                yield "FORWARD" if phase == "forward" else \
                    "BACKWARD    g = dL/d(result) has come in, and dx = dL/dx goes out to the operand x"
            yield from self.forward(self.nodes[step["node"]]) if phase == "forward" else self.backward(step)
        yield from self.end(ops)

    # ---- forward ------------------------------------------------------------------------------------------------
    def forward(self, node: dict[str, Any]) -> Iterator[str]:
        for parent in node["parents"]:
            if parent is not None and self.nodes[parent]["op"] in LEAVES and parent not in self.shown:
                self.shown.add(parent)
                yield from self.leaf(self.nodes[parent])
        yield ""
        yield f"{self.name(node)} = {self.expression(node)}" + where(node)
        yield f"    {node['formula']}"
        yield from [f"    {key} = {value}" for key, value in node["params"].items() if len(value) > SHORT]
        yield from labelled("    = ", node)
        if node["kept"]:
            kept = [f"{each['name']} ({size(each['bytes'])})" for each in node["kept"]]
            yield f"    keeps for the backward pass: {', '.join(kept)}"

    def leaf(self, node: dict[str, Any]) -> Iterator[str]:
        yield ""
        yield f"{node['name']}    " + ("wants a gradient" if node["op"] == "leaf" else "a constant")
        yield from labelled("    = ", node)

    def name(self, node: dict[str, Any]) -> str:
        if node["op"] in LEAVES:
            return node["name"]
        return f"{node['name']} ({node['id']})" if node["name"] else f"({node['id']})"

    def expression(self, node: dict[str, Any]) -> str:
        """relu(h (4)), or (4) · 2: the op and what it was given."""
        params, given = dict(node["params"]), []
        for parent, operand in zip(node["parents"], node["operands"]):
            if parent is not None:
                given.append(self.name(self.nodes[parent]))
            elif operand in params:
                given.append(params.pop(operand))
        if node["op"] == "result" and len(given) == 1:
            return f"result {params.get('index')} of {given[0]}"
        if node["op"] in INFIX and len(given) == 2:
            return f"{given[0]} {INFIX[node['op']]} {given[1]}"
        named = [f"{key}={value if len(value) <= SHORT else '…'}" for key, value in params.items()]
        return f"{node['op']}({', '.join(given + named)})"

    # ---- backward -----------------------------------------------------------------------------------------------
    def backward(self, step: dict[str, Any]) -> Iterator[str]:
        node = self.nodes[step["node"]]
        yield ""
        if node["op"] in LEAVES:
            yield f"dL/d {node['name']}" + met(step)
            yield from amounts("    = ", step["g"])
            return
        yield f"{self.name(node)} = {self.expression(node)}" + where(node)
        yield f"    {node['formula']}"
        yield from amounts("    g = ", step["g"], met(step))
        used = {each["operand"] for each in step["to"]}
        variadic = {each["operand"].partition("[")[0] for each in step["to"]}
        for each in node["derivatives"]:
            if each["operand"] in used | variadic | {""}:
                yield from self.source(node["op"], each)
        for to in step["to"]:
            target = self.nodes[to["node"]]
            yield from amounts(f"    d{to['operand']} = ", to["dx"], f"    → {self.name(target)}")
            if to["summed_from"] is not None:
                yield (f"        {to['operand']} of shape {shape(to['dx']['shape'])} was broadcast: the gradient, of shape "
                       f"{shape(to['summed_from'])}, was summed")

    def source(self, op: str, derivative: dict[str, str]) -> Iterator[str]:
        """The derivative as it stands in the source; a long one the first time only."""
        lines = derivative["source"].split("\n")
        key = op, derivative["operand"], derivative.get("name")
        if len(lines) > LONG and key in self.shown:
            lines = [f"{lines[0]} …    as above"]
        self.shown.add(key)
        yield from [f"    {line}" for line in lines]

    # ---- the end ------------------------------------------------------------------------------------------------
    def end(self, ops: list[dict[str, Any]]) -> Iterator[str]:
        kept = sum([each["bytes"] for node in ops for each in node["kept"]])
        yield ""
        yield f"Kept alive for the backward pass: {kept:,} bytes, beside the leaves, which are alive anyway."
        broken = [each["name"] for each in self.data["parameters"] if isinstance(each["norm"], str)]
        sound = sorted([(each["norm"], each["name"]) for each in self.data["parameters"] if not isinstance(each["norm"], str)])
        if broken:
            yield f"NOT FINITE: the gradient of {', '.join(broken)}."
        if sound:
            (least, smallest), (most, largest) = sound[0], sound[-1]
            yield f"The largest gradient is that of {largest} (norm {short(most)})" + (
                f", the smallest that of {smallest} (norm {short(least)})." if len(sound) > 1 else ".")
        for each in self.data["lacks"]:
            yield f"NOTE: {each}."


def where(node: dict[str, Any]) -> str:
    """The module, and the user's line."""
    text = f"    in {node['module']}" if node["module"] else ""
    if node["source"]:
        source = node["source"]
        text += f"    {source['file']}:{source['line']}" + f": {source['text']}" * bool(source["text"])
    return text


def met(step: dict[str, Any]) -> str:
    text = ""
    if step["arrived"] == 0:
        text = "    the sweep starts here" + ": dL/dL = 1" * (step["g"]["numbers"] in (1, [1]))
    elif step["arrived"] > 1:
        text = f"    {step['arrived']} gradients met here, and were added"
    return text + "    a hook saw it, and may have changed it" * (step["hooks"] > 0)


def labelled(label: str, node: dict[str, Any]) -> Iterator[str]:
    if node["value"] is None:
        yield f"{label}?    {shape(node['shape'])} {node['dtype']}, not seen"
    else:
        yield from amounts(label, node["value"])


def amounts(label: str, x: Summary, note: str = "") -> Iterator[str]:
    """The numbers of a small array, behind the label, or the summary of a large one."""
    if x["numbers"] is not None:
        text = printing.numbers(as_array(x), len(label)).split("\n")
        note = f"    {shape(x['shape'])}" * (len(x["shape"]) > 0) + note
    else:
        odd = f", {x['nonfinite']} not finite" if x["nonfinite"] else ""
        text = [f"min {short(x['min'])}, mean {short(x['mean'])}, max {short(x['max'])}, norm {short(x['norm'])}{odd}    "
                f"{bars(x['histogram'])}    {shape(x['shape'])}"]
    yield label + text[0] + (note if len(text) == 1 else "")
    yield from text[1:-1]
    if len(text) > 1:
        yield text[-1] + note


def as_array(x: Summary) -> Any:
    """The numbers of a summary as the array that they were."""
    def number(each: Any) -> Any:
        return [number(one) for one in each] if isinstance(each, list) else complex(each) if x["dtype"].startswith("complex") \
            else float(each) if isinstance(each, str) else each
    return backend.host.array(number(x["numbers"]), x["dtype"]).reshape(x["shape"])


def bars(histogram: list[int]) -> str:
    most = max(histogram) or 1
    return "".join([" " if n == 0 else BARS[(n * (len(BARS) - 1)) // most] for n in histogram])


def shape(sizes: list[int]) -> str:
    return str(tuple(sizes))


def short(x: float | str) -> str:
    return f"{float(x):.4g}"


def counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'s' * (count != 1)}"


def size(count: int) -> str:
    return f"{count:,} bytes" if count else "alive anyway"
