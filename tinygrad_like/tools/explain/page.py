"""The page of a recorded computation: one HTML file that needs nothing else.

The files in `web/` are put together with the record.  The page asks nothing of any network, and
its policy forbids it to: of scripts, a browser runs only the one whose hash is named there.  What came from the user is data, in
JSON, and the script sets it as text.
"""
from __future__ import annotations

import base64
import hashlib
import html
import json
import pathlib
import re
from typing import Any

WEB = pathlib.Path(__file__).parent / "web"
SCRIPTS = "words", "record", "layout", "drawing", "panel", "controls"
OF_OPS = "formula", "doc", "derivatives"                        # what all applications of an op have in common


def to_html(record: dict[str, Any], language: str | None = None) -> str:
    """The page, as text.        language: "en" or "zh" to begin with (default: as the browser's)."""
    if language not in (None, "en", "zh"):
        raise ValueError('a page is in English or in Chinese: language is "en", "zh" or None (as the browser\'s), '
                         f"not {language!r}")
    style, script = read("page.css"), "\n".join([read(f"{name}.js") for name in SCRIPTS])
    parts = {
        "title": html.escape(record["title"]),
        "policy": f"default-src 'none'; img-src data:; style-src '{digest(style)}'; script-src '{digest(script)}'; "
                  "base-uri 'none'; form-action 'none'",
        "style": style,
        "script": script,
        "data": as_json({**shared(record), "language": language}),
    }
    # all at once, so that what is put in is not looked through
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], read("page.html"))


def in_notebook(record: dict[str, Any], height: int = 760) -> str:
    """The page within another: an iframe that can reach nothing of what is around it."""
    return (f'<iframe srcdoc="{html.escape(to_html(record))}" sandbox="allow-scripts" title="{html.escape(record["title"])}" '
            f'style="width: 100%; height: {height}px; border: 1px solid #8886; border-radius: 8px"></iframe>')


def shared(record: dict[str, Any]) -> dict[str, Any]:
    """The record, with what is the same for many nodes said once: 2,000 nodes have perhaps thirty ops."""
    ops: list[dict[str, Any]] = []
    known: dict[str, int] = {}
    nodes = []
    for node in record["nodes"]:
        about = {name: node[name] for name in OF_OPS}
        key = json.dumps(about)
        if key not in known:
            known[key] = len(ops)
            ops.append(about)
        nodes.append({**{name: value for name, value in node.items() if name not in OF_OPS}, "about": known[key]})
    return {**record, "nodes": nodes, "ops": ops}


def as_json(data: Any) -> str:
    """JSON that can stand in a <script>: it has no <, so nothing in it can end the element or begin another."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    return text.encode("utf-8", "replace").decode("utf-8")      # half of a surrogate pair, which no file can hold


def read(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
