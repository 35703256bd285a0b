"""Records what the CuPy that is installed offers, for the strict double: names, kinds, arguments.  Needs no GPU.

    python tests/record_cupy_api.py          # writes tests/cupy_api.json
"""
import inspect
import json
import pathlib
import re


def arguments(function):
    """[[name, kind, whether it may be left out], …], or None if they cannot be known."""
    try:
        return [[p.name, p.kind.name, p.default is not p.empty] for p in inspect.signature(function).parameters.values()]
    except (ValueError, TypeError):
        pass
    first_line = re.match(r"[\w.]+\((.*?)\)", (function.__doc__ or "").strip())      # Cython: f(self, a, *, b=1)
    if not first_line:
        return None
    found, after_star = [], False
    for argument in [a.strip() for a in first_line[1].split(",") if a.strip() not in ("", "self")]:
        if argument == "*":
            after_star = True
            continue
        name, _, default = argument.lstrip("*").partition("=")
        kind = "VAR_POSITIONAL" if argument[0] == "*" else "KEYWORD_ONLY" if after_star else "POSITIONAL_OR_KEYWORD"
        found.append([name.split()[-1], kind, bool(default)])
        after_star = after_star or argument[0] == "*"
    return found


def entry(thing):
    if type(thing).__name__ in ("ufunc", "_GUFunc"):
        return {"kind": "ufunc"}
    if isinstance(thing, type):
        return {"kind": "type"}
    return {"kind": "func", "params": arguments(thing)} if callable(thing) else {"kind": "const"}


def public(module):
    return {name: entry(getattr(module, name)) for name in dir(module)
            if name[0] != "_" and not inspect.ismodule(getattr(module, name))}


if __name__ == "__main__":
    import cupy
    import cupyx.scipy.special
    modules = {"xp": cupy, "linalg": cupy.linalg, "fft": cupy.fft, "stride_tricks": cupy.lib.stride_tricks,
               "special": cupyx.scipy.special}
    api = {"version": cupy.__version__, **{key: public(module) for key, module in modules.items()}}
    methods = {name: getattr(cupy.ndarray, name) for name in dir(cupy.ndarray) if name[0] != "_"}
    api["ndarray"] = {name: {"kind": "method", "params": arguments(method)} if callable(method) else {"kind": "attr"}
                      for name, method in methods.items()}
    parts = []                                                  # a line for each name
    for key, names in api.items():
        text = json.dumps(names)
        if key != "version":
            text = "{\n" + ",\n".join([f"  {json.dumps(name)}: {json.dumps(x)}" for name, x in names.items()]) + "\n }"
        parts.append(f" {json.dumps(key)}: {text}")
    (pathlib.Path(__file__).parent / "cupy_api.json").write_text("{\n" + ",\n".join(parts) + "\n}\n")
