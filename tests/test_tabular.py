"""Cleaning tables: each step by its definition, learned from the training part only, and against scikit-learn."""
import numpy as np
import pytest

import tinygrad_like as torch
from tinygrad_like.data.tabular import (
    Categories,
    DropRows,
    FillMissing,
    MinMax,
    Outliers,
    Pipeline,
    Standardize,
    read_csv,
    to_tensor,
)
from tinygrad_like.errors import BadFile

nan = float("nan")


def table():
    return {"age": [20, 30, nan, 50], "city": ["Rome", "Oslo", None, "Rome"], "label": [0, 1, 1, 0]}


def plain(columns):
    return {name: column.tolist() for name, column in columns.items()}


def test_missing_values():
    filled = FillMissing().fit_transform({"a": [1., nan, 3, 8], "c": ["x", "y", "", "y"]})
    assert plain(filled) == {"a": [1, 4, 3, 8], "c": ["x", "y", "y", "y"]}
    for strategy, value in ("median", 3), ("most_frequent", 1):
        assert FillMissing(strategy).fit_transform({"a": [1., nan, 1, 8, 3, 7]})["a"][1] == value
    assert plain(FillMissing("constant", 0, columns=["a"]).fit_transform({"a": [nan, 1], "b": [nan, 1]}))["a"] == [0, 1]
    assert FillMissing().fit_transform({"a": [1, None, 3]})["a"].tolist() == [1, 2, 3]     # None among numbers is a missing number
    assert FillMissing("constant", "?").fit_transform({"a": [None, "x", 3]})["a"].tolist() == ["?", "x", "3"]
    told = FillMissing(indicator=True, columns=["age"]).fit_transform(table())
    assert told["age_missing"].tolist() == [0, 0, 1, 0] and list(told) == ["age", "city", "label", "age_missing"]
    assert "label_missing" not in FillMissing(indicator=True).fit_transform(table())
    with pytest.raises(ValueError, match="column 'a': all its values are missing"):
        FillMissing().fit({"a": [nan, nan]})
    with pytest.raises(TypeError, match="'city' holds text"):
        Standardize(columns=["city"]).fit(table())
    with pytest.raises(TypeError, match="'age' holds numbers, and 'none' is none"):
        FillMissing("constant", "none").fit_transform(table())


def test_everything_is_learned_from_the_training_part_alone():
    train, test = {"a": [0., 2, 4, nan]}, {"a": [nan, 100., 2]}
    assert FillMissing().fit(train).transform(test)["a"].tolist() == [2, 100, 2]
    assert MinMax().fit(train).transform(test)["a"].tolist()[1:] == [25, 0.5]
    assert np.allclose(Standardize().fit(train).transform(test)["a"][1:], [(100 - 2) / np.std([0, 2, 4]), 0])
    assert Outliers(factor=1.0).fit(train).transform(test)["a"].tolist()[1:] == [5, 2]        # quartiles 1 and 3
    before = {"a": np.array([nan, 100., 2])}
    Pipeline(FillMissing(), Outliers(), Standardize()).fit(train).transform(before)
    assert np.array_equal(before["a"], [nan, 100, 2], equal_nan=True)
    with pytest.raises(RuntimeError, match="call fit"):
        MinMax().transform(test)


def test_outliers():
    a = [10., 11, 12, 13, 14, 1000, nan]
    assert Outliers("iqr").fit_transform({"a": a})["a"][5] == 13.75 + 1.5 * 2.5
    assert np.isnan(Outliers("iqr", "missing").fit_transform({"a": a})["a"]).tolist() == [False] * 5 + [True] * 2
    dropped = Outliers("iqr", "drop").fit_transform({"a": a, "b": range(7)})
    assert dropped["b"].tolist() == [0, 1, 2, 3, 4, 6]
    assert Outliers("zscore").fit_transform({"a": a})["a"][5] == 1000              # it moved the mean, and hides itself
    assert Outliers("zscore").fit_transform({"a": [0.] * 99 + [5]})["a"][99] < 2
    assert Outliers(columns=["b"]).fit_transform({"a": a, "b": a})["a"][5] == 1000
    assert Outliers().fit_transform({"rare": [0] * 9 + [1]})["rare"][9] == 1
    for options in {"method": "x"}, {"action": "x"}, {"factor": 0}:
        with pytest.raises(ValueError, match="Outliers"):
            Outliers(**options)


def test_invalid_rows():
    rules = {"age": lambda age: (0 <= age) & (age < 130)}
    rows = {"age": [20., -1, nan, 200, 20], "id": ["a", "b", "c", "d", "a"]}
    assert DropRows(rules=rules).fit_transform(rows)["id"].tolist() == ["a", "c", "a"]
    assert DropRows(missing=["age"], rules=rules).fit_transform(rows)["id"].tolist() == ["a", "a"]
    assert DropRows(duplicates=True).fit_transform(rows)["id"].tolist() == ["a", "b", "c", "d"]
    assert DropRows(missing=True).fit_transform(table())["city"].tolist() == ["Rome", "Oslo", "Rome"]
    assert DropRows(duplicates=True).fit_transform({"a": [nan, nan]})["a"].shape == (1,)
    with pytest.raises(ValueError, match="gives True or False"):
        DropRows(rules={"age": lambda age: age * 2}).fit_transform(rows)
    with pytest.raises(KeyError, match="no column 'agee'; there are 'age', 'id'"):
        DropRows(missing=["agee"]).fit_transform(rows)
    with pytest.raises(TypeError, match=r"write \['age'\]"):
        DropRows(missing="age")


@pytest.mark.parametrize("kind", ["DropRows", "Outliers"])
def test_rows_of_a_test_part_are_not_dropped(kind):
    """A prediction is owed for each; only training rows may go."""
    train, test = {"a": [1., 2, 3, 4, -100], "y": [0., 1, 0, 1, 1]}, {"a": [2., -100], "y": [0, 1]}

    def step(**options):
        if kind == "Outliers":
            return Outliers(action="drop", leave=["y"], **options)
        return DropRows(missing=["y"], rules={"a": lambda a: a > 0}, **options)

    cleaning = Pipeline(step(), Standardize(columns=["a"]))
    assert cleaning.fit_transform(train)["a"].shape == (4,)
    assert np.allclose(cleaning.transform(test)["a"], [-0.5 / np.std([1, 2, 3, 4]), -102.5 / np.std([1, 2, 3, 4])])
    assert step().fit(train).transform(test)["y"].tolist() == [0, 1]
    assert step(drop="always").fit(train).transform(test)["y"].tolist() == [0]
    assert repr(step(drop="always")).endswith("drop='always')") and "drop=" not in repr(step())
    with pytest.raises(ValueError, match="drop is 'training'.* or 'always', got 'never'"):
        step(drop="never")


def test_a_test_part_needs_no_label():
    cleaning = Pipeline(DropRows(missing=["y"]), Standardize(columns=["x"]))
    cleaning.fit({"x": [1., 3, 9], "y": [0, 1, nan]})
    assert cleaning.transform({"x": [2., 4]})["x"].tolist() == [0, 2]


def test_a_pipeline_of_other_things():
    with pytest.raises(TypeError, match=r"made by FillMissing\(…\)"):
        Pipeline(FillMissing)
    with pytest.raises(TypeError, match="Pipeline takes steps"):
        Pipeline([FillMissing()])


def test_scales():
    x = {"a": [1., 3, nan], "b": [5., 5, 5], "y": [0, 1, 0]}
    scaled = Standardize(leave=["y"]).fit_transform(x)
    assert scaled["a"].tolist()[:2] == [-1, 1] and np.isnan(scaled["a"][2]) and scaled["b"].tolist() == [0, 0, 0]
    assert scaled["y"].tolist() == [0, 1, 0]
    assert MinMax(-1, 1).fit_transform(x)["a"].tolist()[:2] == [-1, 1] and MinMax().fit_transform(x)["b"].tolist() == [0, 0, 0]
    for step in Standardize(), MinMax(2, 5):
        back = step.fit(x).inverse_transform(step.transform(x))
        assert np.allclose(back["a"], x["a"], equal_nan=True) and np.allclose(back["b"], x["b"])
    far = np.float32([[1e6], [1e6 + 1.0625], [1e6 + 3]])                            # bounds that float32 does not hold
    assert MinMax(-1, 1).fit_transform(far)[[0, 2], 0].tolist() == [-1, 1] and abs(Standardize().fit_transform(far).mean()) < 1e-6
    with pytest.raises(ValueError, match="column 'a': it has infinite values"):
        Standardize().fit({"a": [1., float("inf")]})
    with pytest.raises(ValueError, match="low is below"):
        MinMax(1, 1)


def test_categories():
    encoded = Categories().fit_transform(table())
    assert plain(encoded) | {"age": 0} == {"age": 0, "city=Oslo": [0, 1, 0, 0], "city=Rome": [1, 0, 0, 1], "label": [0, 1, 1, 0]}
    assert Categories("number").fit_transform(table())["city"].tolist() == [1, 0, -1, 1]
    step, new = Categories(columns=["label", "city"]).fit(table()), table() | {"city": ["Rome", "Bonn", "", "Rome"]}
    assert step.transform(table())["label=1"].tolist() == [0, 1, 1, 0]
    with pytest.raises(ValueError, match="column 'city', row 1: 'Bonn' does not occur in the training part .'Oslo', 'Rome'"):
        step.transform(new)
    ignored = Categories(unknown="ignore").fit(table()).transform(new)
    assert ignored["city=Rome"].tolist() == [1, 0, 0, 1] and ignored["city=Oslo"].tolist() == [0] * 4


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor])
def test_matrices(kind):
    x = kind([[1., 10], [3, 10], [nan, 40]])
    cleaned = Pipeline(FillMissing("median"), Standardize()).fit_transform(x)
    assert type(cleaned) is type(x) and cleaned.shape == (3, 2) and np.allclose(np.asarray(cleaned)[:, 0], [-1.224745, 1.224745, 0])
    assert Standardize().fit_transform(np.ones((2, 2), "float32")).dtype == np.float32
    assert np.asarray(MinMax(columns=[1]).fit_transform(x))[:, 1].tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match=r"x\[:, None\]"):
        Standardize().fit(x[:, 0])
    with pytest.raises(TypeError, match="pass the table as a dict"):
        Categories(columns=[1]).fit_transform(x)


def test_tables_that_are_none():
    with pytest.raises(ValueError, match="column 'a' has 2 rows, and 'b' has 1"):
        Standardize().fit({"a": [1, 2], "b": [1]})
    with pytest.raises(ValueError, match="one value a row"):
        Standardize().fit({"a": [[1, 2]]})
    with pytest.raises(TypeError, match="complex"):
        Standardize().fit({"a": [1j]})
    with pytest.raises(KeyError, match="no column 'b'"):
        Standardize().fit({"a": [1, 2], "b": [1, 2]}).transform({"a": [1, 2]})
    with pytest.raises(TypeError, match="holds text now"):
        Standardize().fit({"a": [1, 2]}).transform({"a": ["x"]})


def test_tensors():
    columns = Categories().fit_transform(table())
    x = to_tensor(columns, leave=["label"])
    assert x.shape == (4, 3) and x.dtype == torch.float32 and x[:, 1].tolist() == [0, 1, 0, 0]
    assert to_tensor(columns, ["label", "city=Rome"], dtype=torch.int64).tolist() == [[0, 1], [1, 0], [1, 0], [0, 1]]
    with pytest.raises(TypeError, match="'city' holds text"):
        to_tensor(table())
    with pytest.raises(ValueError, match="'age' has missing values"):
        to_tensor(columns, ["age"], dtype="int64")
    with pytest.raises(KeyError, match="to_tensor: there is no column 'x'"):
        to_tensor(columns, ["x"])
    with pytest.raises(TypeError, match=r"to_tensor: .* write \['age'\]"):
        to_tensor(columns, "age")
    for value, kind in (1.5, "int64"), (300, "uint8"), (-1, "uint8"), (2, "bool"):
        with pytest.raises(ValueError, match=f"column 'a' has {value}.*, which {kind} cannot hold"):
            to_tensor({"a": [0, value]}, dtype=kind)


def test_a_csv_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\ufeffage, city ,label\n20,Rome,0\n\n?,\"Oslo, N\",1\n1e2,NA,1\n", encoding="utf-8")
    columns = read_csv(path)
    assert list(columns) == ["age", "city", "label"] and columns["city"].tolist() == ["Rome", "Oslo, N", ""]
    assert np.array_equal(columns["age"], [20, nan, 100], equal_nan=True) and columns["label"].dtype == np.float64
    for content, text in [("", "empty"), ("a,a\n", "same name, 'a'"), ("a,b\n1,2\n1\n", "line 3: 1 values, and there are 2")]:
        path.write_text(content)
        with pytest.raises(BadFile, match=text):
            read_csv(path)
    path.write_text("name\nJosé\n", encoding="latin-1")
    with pytest.raises(BadFile, match="t.csv' is no text in utf-8-sig.*encoding='latin-1'"):
        read_csv(path)
    assert read_csv(path, encoding="latin-1")["name"].tolist() == ["José"]
    path.write_text("a;b\n1;2\n")
    assert read_csv(path, delimiter=";")["b"].tolist() == [2]


def test_the_whole_way(tmp_path):
    """The module's example: dirty in, tensors out, and the test part gets the training part's numbers."""
    train = {"age": [20, 30, nan, 50, -5, 1e6], "city": ["Rome", "Oslo", "Rome", "", "Oslo", "Rome"], "label": [0, 1, 0, 1, 0, nan]}
    test = {"age": [nan, 40], "city": ["Oslo", "Rome"], "label": [1, 0]}
    cleaning = Pipeline(DropRows(missing=["label"], rules={"age": lambda age: age >= 0}), FillMissing("median"), Outliers("iqr"),
                        Categories(), Standardize(leave=["label"]))
    x, y = to_tensor(done := cleaning.fit_transform(train), leave=["label"]), to_tensor(done, ["label"], dtype="int64")[:, 0]
    assert x.shape == (4, 3) and y.tolist() == [0, 1, 0, 1] and abs(x.numpy().mean(0)).max() < 1e-6
    x = to_tensor(cleaning.transform(test), leave=["label"])
    ages = [20, 30, 30, 46.25]                                  # 50 is above 35 + 1.5 (35 - 27.5)
    assert x.shape == (2, 3) and np.isclose(x[0, 0].item(), (30 - np.mean(ages)) / np.std(ages))
    assert "FillMissing(strategy='median')" in repr(cleaning)


def test_against_scikit_learn():
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    impute = pytest.importorskip("sklearn.impute")
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 2, (50, 4)), rng.normal(3, 2, (20, 4))
    for ours, theirs in [(Standardize(), preprocessing.StandardScaler()), (MinMax(), preprocessing.MinMaxScaler()),
                         (MinMax(-1, 2), preprocessing.MinMaxScaler((-1, 2)))]:
        assert np.allclose(ours.fit(train).transform(test), theirs.fit(train).transform(test), rtol=1e-12)
    train[rng.random(train.shape) < 0.2] = nan
    test[rng.random(test.shape) < 0.2] = nan
    for strategy in "mean", "median":
        theirs = impute.SimpleImputer(strategy=strategy).fit(train)
        assert np.allclose(FillMissing(strategy).fit(train).transform(test), theirs.transform(test))
