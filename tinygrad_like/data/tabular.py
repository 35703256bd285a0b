"""Tables: cleaning them, bringing columns to one scale, encoding categories.

A table is a dict of columns, {"age": array, "city": array, …}, or a matrix (rows, columns) of numbers.  A missing value is NaN in
a column of numbers, and None or "" in one of strings.

    train, test = read_csv("train.csv"), read_csv("test.csv")
    cleaning = Pipeline(DropRows(missing=["label"], rules={"age": lambda age: age >= 0}), FillMissing("median"),
                        Outliers("iqr", leave=["label"]), Categories(), Standardize(leave=["label"]))
    train = cleaning.fit_transform(train)
    test = cleaning.transform(test)
    x, y = to_tensor(train, leave=["label"]), to_tensor(train, ["label"], dtype="int64")[:, 0]

`fit` learns from the training part (means, bounds, the categories there are), and `transform` uses that on any part.  Learned
from the whole table, the test part would leak into the training, and its error be too small.  `transform` gives back what it
was given, a dict or a matrix, and changes nothing in place.  Columns named in `leave` are not touched.

Rows are dropped by `fit_transform` alone, from the training part: of each row given to `transform` a prediction is owed, so all
of them come back.  (With drop="always" they are dropped there too, as where rows without a label cannot be scored.)  A label that
is not a column of the table does not lose its row: keep it in the table until then.
"""
from __future__ import annotations

import csv
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

from .. import autograd, backend, errors
from ..functions.creation import from_numpy

__all__ = ["read_csv", "DropRows", "FillMissing", "Outliers", "Standardize", "MinMax", "Categories", "Pipeline", "to_tensor"]

Columns = dict[Any, Any]


def read_csv(path: Any, delimiter: str = ",", missing: Iterable[str] = ("", "NA", "N/A", "NaN", "nan", "null", "?"),
             encoding: str = "utf-8-sig") -> Columns:
    """The columns of a CSV file, whose first line names them: numbers as float64, others as strings.

    missing: what stands where there is no value; it becomes NaN, or "".
    """
    name, missing, np = os.fspath(path), set(missing), backend.host
    try:
        heads, rows = rows_of(path, name, delimiter, encoding)
    except UnicodeDecodeError as error:
        raise errors.BadFile(f"{name!r} is no text in {encoding} (byte {error.start}): it has another encoding, such as "
                             "encoding='latin-1', or is no table") from error
    columns: Columns = {}
    for head, values in zip(heads, zip(*rows) if rows else [()] * len(heads)):
        try:
            columns[head] = np.array([float("nan") if value in missing else float(value) for value in values], "float64")
        except ValueError:
            columns[head] = np.array(["" if value in missing else value for value in values], object)
    return columns


def rows_of(path: Any, name: str, delimiter: str, encoding: str) -> tuple[list[str], list[list[str]]]:
    """The names in the first line, and the rows."""
    with open(path, newline="", encoding=encoding) as file:
        reader = csv.reader(file, delimiter=delimiter)
        heads = next(reader, None)
        if not heads:
            raise errors.BadFile(f"{name!r} is empty: a table begins with a line of names")
        heads = [head.strip() for head in heads]
        if len(set(heads)) < len(heads):
            raise errors.BadFile(f"{name!r}: two columns have the same name, {[h for h in heads if heads.count(h) > 1][0]!r}")
        rows = []
        for row in reader:
            if row and len(row) != len(heads):
                raise errors.BadFile(f"{name!r}, line {reader.line_num}: {len(row)} values, and there are {len(heads)} columns"
                                     + (f" at this delimiter, {delimiter!r}" if len(heads) == 1 else ""))
            if row:
                rows.append([value.strip() for value in row])
    return heads, rows


# ---- tables in one form -----------------------------------------------------------------------------------------
def columns_of(table: Any, who: str) -> Columns:
    """The columns of a table, those of numbers as floats; of a matrix, by their numbers."""
    np = backend.host
    if isinstance(table, Mapping):
        columns = {name: column_of(values, f"{who}: column {name!r}") for name, values in table.items()}
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1:
            longest, shortest = max(lengths, key=lengths.__getitem__), min(lengths, key=lengths.__getitem__)
            raise errors.ShapeError(f"{who}: column {longest!r} has {lengths[longest]} rows, and {shortest!r} has "
                                    f"{lengths[shortest]}")
        return columns
    matrix = np.asarray(plain(table))
    if matrix.ndim != 2:
        raise errors.ShapeError(f"{who} takes a dict of columns or a matrix (rows, columns), got shape {matrix.shape}"
                                + (": for one column, x[:, None]" if matrix.ndim == 1 else ""))
    return {i: column_of(matrix[:, i], f"{who}: column {i}") for i in range(matrix.shape[1])}


def plain(values: Any) -> Any:
    return backend.to_device(values.detach().array, "cpu") if isinstance(values, autograd.Tensor) else values


def column_of(values: Any, where: str) -> Any:
    np = backend.host
    column = np.asarray(plain(values))
    if column.ndim != 1:
        raise errors.ShapeError(f"{where} has shape {column.shape}: a column has one value a row")
    if column.dtype.kind in "biu":
        return column.astype("float64")
    if column.dtype.kind == "f":
        return column
    if column.dtype.kind not in "OUS":
        raise TypeError(f"{where} is of type {column.dtype}: columns hold numbers or strings")
    values = [None if value is None or value != value else value for value in column.tolist()]
    if values and all(isinstance(value, (Real, type(None))) for value in values) and any(value is not None for value in values):
        return np.array([math.nan if value is None else value for value in values], "float64")
    return np.array(["" if value is None else str(value) for value in values], object)


def is_number(column: Any) -> bool:
    return column.dtype.kind == "f"


def missing_in(column: Any) -> Any:
    """Where a column has no value."""
    return backend.host.isnan(column) if is_number(column) else column == ""


def like(columns: Columns, table: Any) -> Any:
    """The columns as what the table was: a dict, a matrix, a tensor."""
    if isinstance(table, Mapping):
        return columns
    np = backend.host
    matrix = np.stack(list(columns.values()), 1) if columns else np.zeros((0, 0))
    return from_numpy(matrix) if isinstance(table, autograd.Tensor) else matrix


def no_text(who: str, *lists: Any) -> None:
    """That lists of names are lists."""
    for given in lists:
        if isinstance(given, str):
            raise TypeError(f"{who}: columns and leave are lists of names, got {given!r}: write [{given!r}]")


def known(who: str, names: Iterable[Any], columns: Columns) -> None:
    """That there are such columns."""
    for name in names:
        if name not in columns:
            raise KeyError(f"{who}: there is no column {name!r}; there are {', '.join(map(repr, columns))}")


class Step:
    """One step of cleaning: `fit` on the training part, then `transform` any part.

    columns: which ones it is about; None: all that it can be about.        leave: which ones it is not about.
    """
    numbers = True                                              # it is about columns of numbers
    drop = "training"                                           # of which part it drops rows, if it does: or "always"

    def __init__(self, columns: Sequence[Any] | None = None, leave: Sequence[Any] = ()) -> None:
        no_text(type(self).__name__, columns, leave)
        self.columns, self.leave = columns, tuple(leave)
        self.learned: dict[Any, Any] | None = None              # by column

    def fit(self, table: Any) -> Step:
        """Learn from the training part, and return this step."""
        columns = columns_of(table, type(self).__name__)
        learned = {}
        for name in self.chosen(columns):
            try:
                learned[name] = self.learn(columns[name])
            except ValueError as error:
                raise errors.WrongValue(f"{type(self).__name__}: column {name!r}: {error}") from error
        self.learned = learned
        return self

    def transform(self, table: Any) -> Any:
        """A table like this one, with what `fit` learned done to it."""
        return self.applied(table, self.drop == "always")

    def fit_transform(self, table: Any) -> Any:
        """`fit` on the training part, and the training part with that done to it."""
        return self.fit(table).applied(table, True)

    def applied(self, table: Any, dropping: bool) -> Any:
        if self.learned is None:
            raise RuntimeError(f"{type(self).__name__}: call fit(training_part) first")
        columns = columns_of(table, type(self).__name__)
        self.known(self.learned, columns)
        for name in self.learned:
            if self.numbers and not is_number(columns[name]):
                raise TypeError(f"{type(self).__name__}: column {name!r} held numbers when it was fitted, and holds text now")
        changed = self.change(columns)
        if dropping and (keep := self.valid(columns)) is not None:
            changed = {name: column[keep] for name, column in changed.items()}
        return like(changed, table)

    def chosen(self, columns: Columns) -> list[Any]:
        self.known(self.columns or (), columns)
        self.known(self.leave, columns)
        names = [name for name, column in columns.items() if self.suits(column)] if self.columns is None else list(self.columns)
        for name in names:
            if self.numbers and not is_number(columns[name]):
                raise TypeError(f"{type(self).__name__} is about numbers, and column {name!r} holds text such as "
                                f"{next(iter(columns[name]), '')!r}: Categories() encodes it")
        return [name for name in names if name not in self.leave]

    def suits(self, column: Any) -> bool:
        return is_number(column) or not self.numbers

    def known(self, names: Iterable[Any], columns: Columns) -> None:
        known(type(self).__name__, names, columns)

    def learn(self, column: Any) -> Any:
        raise NotImplementedError

    def change(self, columns: Columns) -> Columns:
        assert self.learned is not None
        return {name: self.apply(column, self.learned[name]) if name in self.learned else column
                for name, column in columns.items()}

    def apply(self, column: Any, learned: Any) -> Any:
        raise NotImplementedError

    def valid(self, columns: Columns) -> Any:
        """True for each row that stays where rows are dropped; None: all stay."""
        return None

    def __repr__(self) -> str:
        usual = {"learned": self.learned, "drop": "training"}
        told = [f"{name}={value!r}" for name, value in vars(self).items()
                if value is not False and value not in (None, (), {}, usual.get(name)) and not name.startswith("_")]
        return f"{type(self).__name__}({', '.join(told)})"


def present(column: Any) -> Any:
    """The values that are there."""
    there = column[~missing_in(column)]
    if not len(there):
        raise ValueError("all its values are missing in the training part: leave it out of the table")
    return there


def finite(column: Any) -> Any:
    """The values that are there, none of them infinite."""
    there = present(column).astype("float64")
    if not backend.host.isfinite(there).all():
        raise ValueError("it has infinite values, which have no scale: Outliers() bounds them")
    return there


# ---- the steps --------------------------------------------------------------------------------------------------
def dropping(who: str, drop: str) -> str:
    if drop not in ("training", "always"):
        raise ValueError(f"{who}: drop is 'training', which leaves all rows in other parts, or 'always', got {drop!r}")
    return drop


class DropRows(Step):
    """Drop rows of the training part that are invalid.

    missing       columns that must have a value; True: all
    rules         {"age": lambda age: (0 <= age) & (age < 130)}: what a valid row fulfils; NaN passes, that is what `missing` is for
    duplicates    drop rows that are equal to an earlier one
    drop          "training": by `fit_transform` alone; "always": by `transform`, too
    """
    numbers = False

    def __init__(self, missing: Sequence[Any] | bool = (), rules: Mapping[Any, Callable[[Any], Any]] | None = None,
                 duplicates: bool = False, drop: str = "training") -> None:
        super().__init__()
        if isinstance(missing, str):
            raise TypeError(f"DropRows: missing is a list of names, or True for all, got {missing!r}: write [{missing!r}]")
        self.missing, self.rules, self.duplicates = missing, dict(rules or {}), duplicates
        self.drop = dropping("DropRows", drop)

    def chosen(self, columns: Columns) -> list[Any]:
        return []

    def change(self, columns: Columns) -> Columns:
        return columns

    def valid(self, columns: Columns) -> Any:
        np = backend.host
        keep: Any = np.ones(len(next(iter(columns.values()), ())), bool)
        required: Any = list(columns) if self.missing is True else self.missing or ()
        self.known(required, columns)
        self.known(self.rules, columns)
        for name in required:
            keep &= ~missing_in(columns[name])
        for name, rule in self.rules.items():
            with np.errstate(invalid="ignore"):
                valid = np.asarray(rule(columns[name]))
            if valid.shape != keep.shape or valid.dtype != bool:
                raise ValueError(f"DropRows: the rule for {name!r} gave {valid.dtype} of shape {valid.shape}: it takes the "
                                 f"column, and gives True or False for each of its {len(keep)} rows")
            keep &= valid | missing_in(columns[name])
        if self.duplicates:
            seen: set[Any] = set()
            for i, row in enumerate(zip(*[column.tolist() for column in columns.values()])):
                row = tuple([None if value != value else value for value in row])
                keep[i] &= row not in seen
                seen.add(row)
        return keep


class FillMissing(Step):
    """Put a value where one is missing: the mean, the median or the most frequent value of the training part, or a constant.

    strategy: "mean", "median", "most_frequent" or "constant", which takes `value`.  Text gets the most frequent, or the constant.
    indicator: add a column "name_missing" with 1 where a value was put.  (Only to dicts; for columns that lack some in training.)
    """
    numbers = False

    def __init__(self, strategy: str = "mean", value: Any = None, indicator: bool = False, columns: Sequence[Any] | None = None,
                 leave: Sequence[Any] = ()) -> None:
        super().__init__(columns, leave)
        if strategy not in ("mean", "median", "most_frequent", "constant"):
            raise ValueError(f"FillMissing: strategy is 'mean', 'median', 'most_frequent' or 'constant', got {strategy!r}")
        if (strategy == "constant") != (value is not None):
            raise ValueError("FillMissing: value goes with strategy='constant', and with no other")
        self.strategy, self.value, self.indicator = strategy, value, indicator

    def learn(self, column: Any) -> tuple[Any, bool]:
        np, lacks = backend.host, bool(missing_in(column).any())
        if self.strategy == "constant":
            return self.value, lacks
        there = present(column)
        if self.strategy == "most_frequent" or not is_number(column):
            values, counts = np.unique(there.astype(str) if not is_number(column) else there, return_counts=True)
            return values[counts.argmax()].item(), lacks
        return float(there.mean(dtype="float64") if self.strategy == "mean" else np.median(there)), lacks

    def change(self, columns: Columns) -> Columns:
        assert self.learned is not None
        changed = dict(columns)
        for name, (value, lacked) in self.learned.items():
            missing = missing_in(columns[name])
            if is_number(columns[name]) and not isinstance(value, (int, float)):
                raise TypeError(f"FillMissing: column {name!r} holds numbers, and {value!r} is none: say with "
                                "columns= which it is for")
            changed[name] = columns[name].copy()
            changed[name][missing] = value if is_number(columns[name]) else str(value)
            if self.indicator and lacked:
                if isinstance(name, int):
                    raise TypeError("FillMissing: indicator=True adds columns by name: pass the table as a dict")
                changed[f"{name}_missing"] = missing.astype("float64")
        return changed


class Outliers(Step):
    """Deal with values far from the others, by bounds that are learned from the training part.

    method       "zscore": mean ± factor · standard deviation, factor 3 if None
                 "iqr": from Q1 - factor · (Q3 - Q1) to Q3 + factor · (Q3 - Q1), the quartiles, factor 1.5 if None (Tukey's fences).
                 A few huge values move the mean and hide themselves from the first; they do not move the quartiles
    A column whose quartiles (or all values) are equal, such as a rare label, has no bounds
    action       "clip" puts the bound in their place, "missing" makes them NaN, for FillMissing, "drop" drops the row
    drop         of which part, if action is "drop": "training", by `fit_transform` alone, or "always", by `transform` too
    """

    def __init__(self, method: str = "iqr", action: str = "clip", factor: float | None = None, columns: Sequence[Any] | None = None,
                 leave: Sequence[Any] = (), drop: str = "training") -> None:
        super().__init__(columns, leave)
        if method not in ("zscore", "iqr"):
            raise ValueError(f"Outliers: method is 'zscore' or 'iqr', got {method!r}")
        if action not in ("clip", "missing", "drop"):
            raise ValueError(f"Outliers: action is 'clip', 'missing' or 'drop', got {action!r}")
        self.method, self.action, self.factor = method, action, {"zscore": 3.0, "iqr": 1.5}[method] if factor is None else factor
        self.drop = dropping("Outliers", drop)
        if self.factor <= 0:
            raise ValueError(f"Outliers: factor is above 0, got {factor}")

    def learn(self, column: Any) -> tuple[float, float]:
        np, there = backend.host, present(column).astype("float64")
        if self.method == "zscore":
            middle, reach = there.mean(), self.factor * there.std()
            return (float(middle - reach), float(middle + reach)) if reach else (-math.inf, math.inf)
        first, third = np.quantile(there, [0.25, 0.75])
        reach = self.factor * (third - first)
        return (float(first - reach), float(third + reach)) if reach else (-math.inf, math.inf)

    def change(self, columns: Columns) -> Columns:
        assert self.learned is not None
        np, changed = backend.host, dict(columns)
        for name, (low, high) in self.learned.items():
            if self.action == "clip":
                changed[name] = np.clip(columns[name], low, high)
            elif self.action == "missing":
                changed[name] = np.where(outside(columns[name], low, high), np.nan, columns[name])
        return changed

    def valid(self, columns: Columns) -> Any:
        assert self.learned is not None
        if self.action == "drop" and self.learned:
            return ~sum([outside(columns[name], *bounds) for name, bounds in self.learned.items()]).astype(bool)
        return None


def outside(column: Any, low: float, high: float) -> Any:
    return (column < low) | (column > high)


class Scale(Step):
    """(x - shift) / scale, both learned from the training part."""

    def apply(self, column: Any, learned: Any) -> Any:
        shift, scale = learned
        return ((column.astype("float64") - shift) / scale).astype(column.dtype)        # a shift of 1e6 is too coarse in float32

    def inverse_transform(self, table: Any) -> Any:
        """Back to the scale of before."""
        if self.learned is None:
            raise RuntimeError(f"{type(self).__name__}: call fit(training_part) first")
        columns = columns_of(table, type(self).__name__)
        self.known(self.learned, columns)
        back = {name: (columns[name].astype("float64") * scale + shift).astype(columns[name].dtype)
                for name, (shift, scale) in self.learned.items()}
        return like({**columns, **back}, table)


class Standardize(Scale):
    """(x - mean) / standard deviation: columns of mean 0 and deviation 1 on the training part.  A constant column becomes 0."""

    def learn(self, column: Any) -> tuple[float, float]:
        there = finite(column)
        mean, deviation = float(there.mean()), float(there.std())
        return mean, deviation if deviation > 1e-12 * abs(mean) else 1.0


class MinMax(Scale):
    """Columns that run from low to high on the training part; other parts may lie outside.  A constant one becomes low."""

    def __init__(self, low: float = 0.0, high: float = 1.0, columns: Sequence[Any] | None = None,
                 leave: Sequence[Any] = ()) -> None:
        super().__init__(columns, leave)
        if not low < high:
            raise ValueError(f"MinMax: low is below high, got {low} and {high}")
        self.low, self.high = low, high

    def learn(self, column: Any) -> tuple[float, float]:
        there = finite(column)
        least, most = float(there.min()), float(there.max())
        scale = (most - least) / (self.high - self.low) or 1.0
        return least - self.low * scale, scale


class Categories(Step):
    """Text, or whole numbers that are names, as numbers.

    encoding     "onehot": a column "city=Rome" for each category, 1 where it is that; "number": one column, 0, 1, … in their order
    unknown      categories that the training part does not have: "error", or "ignore": all 0 in "onehot", -1 in "number"
    columns      None: all columns of text

    The categories are those of the training part, in the order of the alphabet.  A missing value is none of them.
    """
    numbers = False

    def __init__(self, encoding: str = "onehot", unknown: str = "error", columns: Sequence[Any] | None = None,
                 leave: Sequence[Any] = ()) -> None:
        super().__init__(columns, leave)
        if encoding not in ("onehot", "number"):
            raise ValueError(f"Categories: encoding is 'onehot' or 'number', got {encoding!r}")
        if unknown not in ("error", "ignore"):
            raise ValueError(f"Categories: unknown is 'error' or 'ignore', got {unknown!r}")
        self.encoding, self.unknown = encoding, unknown

    def suits(self, column: Any) -> bool:
        return not is_number(column)

    def learn(self, column: Any) -> list[Any]:
        return sorted(set(present(column).tolist()))

    def change(self, columns: Columns) -> Columns:
        assert self.learned is not None
        np = backend.host
        changed: Columns = {}
        for name, column in columns.items():
            if name not in self.learned:
                changed[name] = column
                continue
            kinds = self.learned[name]
            place, missing = {kind: i for i, kind in enumerate(kinds)}, missing_in(column)
            codes = np.array([-1 if lacks else place.get(value, -1) for value, lacks in zip(column.tolist(), missing)], "int64")
            unknown = (codes < 0) & (~missing if self.unknown == "error" else False)
            if unknown.any():
                row = int(unknown.argmax())
                raise errors.WrongValue(f"Categories: column {name!r}, row {row}: {column.tolist()[row]!r} does not occur in the "
                                        f"training part ({few(kinds)}): unknown='ignore' takes it for none of them")
            if self.encoding == "number":
                changed[name] = codes.astype("float64")
                continue
            if isinstance(name, int):
                raise TypeError("Categories: 'onehot' adds columns by name: pass the table as a dict, or encoding='number'")
            for i, kind in enumerate(kinds):
                text = int(kind) if isinstance(kind, float) and kind.is_integer() else kind
                changed[f"{name}={text}"] = (codes == i).astype("float64")
        return changed


def few(kinds: list[Any]) -> str:
    return ", ".join(map(repr, kinds[:6])) + (f", … {len(kinds)} in all" if len(kinds) > 6 else "")


class Pipeline:
    """Steps one after the other: each is fitted on what those before it make of the training part."""

    def __init__(self, *steps: Any) -> None:
        for step in steps:
            if not isinstance(step, (Step, Pipeline)):
                made = "such as FillMissing('median')" if not isinstance(step, type) else f"made by {step.__name__}(…)"
                raise TypeError(f"Pipeline takes steps, {made}, one after the other, got {step!r}")
        self.steps = steps

    def fit(self, table: Any) -> Pipeline:
        """Fit all steps on the training part, and return this pipeline."""
        self.fit_transform(table)
        return self

    def fit_transform(self, table: Any) -> Any:
        """`fit` on the training part, and what the steps make of it."""
        for step in self.steps:
            table = step.fit_transform(table)
        return table

    def transform(self, table: Any) -> Any:
        """What the fitted steps make of a table."""
        for step in self.steps:
            table = step.transform(table)
        return table

    def __repr__(self) -> str:
        return f"Pipeline({', '.join(map(repr, self.steps))})"


def to_tensor(table: Any, columns: Sequence[Any] | None = None, leave: Sequence[Any] = (), dtype: Any = "float32") -> Any:
    """A tensor (rows, columns) of the columns named, in that order; None: of all but those named in `leave`."""
    from ..types import as_dtype
    np, found = backend.host, columns_of(table, "to_tensor")
    no_text("to_tensor", columns, leave)
    known("to_tensor", [*(columns or ()), *leave], found)
    names = [name for name in (found if columns is None else columns) if name not in leave]
    kind = as_dtype(dtype).dtype
    for name in names:
        if not is_number(found[name]):
            raise TypeError(f"to_tensor: column {name!r} holds text, such as {next(iter(found[name]), '')!r}: Categories() "
                            "encodes it")
        if kind.kind in "iub" and not np.isfinite(found[name]).all():
            raise errors.WrongValue(f"to_tensor: column {name!r} has missing values, which {kind} cannot hold: "
                                    "FillMissing() or DropRows()")
        if kind.kind in "iub" and (odd := found[name][found[name] != found[name].astype(kind)]).size:
            raise errors.WrongValue(f"to_tensor: column {name!r} has {odd[0].item()}, which {kind} cannot hold")
    return from_numpy(np.stack([found[name] for name in names], 1).astype(kind) if names else np.zeros((0, 0), kind))
