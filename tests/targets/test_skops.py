"""Skops files, sound and hostile."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
import skops.io
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from reticent.errors import ModelError
from reticent.targets.skops import load_skops

pd = pytest.importorskip("pandas")

RNG = np.random.default_rng(0)
X = pd.DataFrame(RNG.normal(size=(150, 3)), columns=["a", "b", "c"])
X["d"] = pd.Categorical(np.where(X["a"] * X["b"] > 0, "u", "v"))
Y = np.where(X["a"] + X["b"] + (X["d"] == "u") > 0, 1, 0)
NUMBERS = X[["a", "b", "c"]].to_numpy()

COLUMNS = make_column_transformer(
    (SimpleImputer(), make_column_selector(dtype_include=np.number)),
    (OneHotEncoder(handle_unknown="ignore"), ["d"]),
)


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(COLUMNS, RandomForestClassifier(3, max_leaf_nodes=6, random_state=0)),
        make_pipeline(COLUMNS, GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2)),
        HistGradientBoostingClassifier(max_iter=5),
        XGBClassifier(n_estimators=3, enable_categorical=True),
        LGBMClassifier(n_estimators=3, verbose=-1),
        make_pipeline(COLUMNS, GradientBoostingClassifier(n_estimators=3)),
        make_pipeline(COLUMNS, BaggingClassifier(n_estimators=3, max_features=0.5)),
        make_pipeline(COLUMNS, MLPClassifier((3,), max_iter=300, tol=0.1)),
        make_pipeline(
            COLUMNS,
            VotingClassifier(
                [
                    ("t", DecisionTreeClassifier()),
                    ("p", make_pipeline(OneHotEncoder(), DecisionTreeClassifier())),
                ],
                voting="soft",
            ),
        ),
    ],
    ids=lambda m: str(type(m[-1] if hasattr(m, "steps") else m).__name__),
)
def test_what_users_save_comes_back(model):
    x = X.round(0) if "Voting" in repr(model) else X
    model.fit(x, Y)
    again = load_skops(skops.io.dumps(model), name="model.skops")
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


class Stranger(LogisticRegression):
    pass


def test_a_type_that_is_not_known_is_refused_by_name():
    data = skops.io.dumps(Stranger().fit(NUMBERS, Y))
    with pytest.raises(ModelError, match=r"model\.skops holds types .*Stranger"):
        load_skops(data, name="model.skops")


def test_search_trees_are_not_vouched_for():
    data = skops.io.dumps(KNeighborsClassifier(algorithm="kd_tree").fit(NUMBERS, Y))
    with pytest.raises(ModelError, match="KDTree"):
        load_skops(data, name="model.skops")


def test_a_file_that_names_a_function_to_run_is_refused():
    data = _edited(
        skops.io.dumps(LogisticRegression().fit(NUMBERS, Y)),
        lambda schema: schema.update(__class__="system", __module__="os", __loader__="FunctionNode"),
    )
    with pytest.raises(ModelError):
        load_skops(data, name="model.skops")


WHOLE = skops.io.dumps(LogisticRegression().fit(NUMBERS, Y))


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", WHOLE[: len(WHOLE) // 2], WHOLE[:-40], b"\0" * 400, pytest.param(None, id="no schema")],
)
def test_damaged_files_are_one_sentence(data):
    if data is None:
        buffer = io.BytesIO()
        zipfile.ZipFile(buffer, "w").writestr("other.txt", "x")
        data = buffer.getvalue()
    with pytest.raises(ModelError, match="does not read") as caught:
        load_skops(data, name="model.skops")
    assert "\n" not in str(caught.value)


def far(nodes):
    nodes["left_child"][0] = 10**6


def circle(nodes):
    nodes["right_child"][0] = 0


def column(nodes):
    nodes["feature"][0] = 10**6


@pytest.mark.parametrize("harm", [far, circle, column])
@pytest.mark.parametrize("forest", [False, True])
def test_a_doctored_tree_is_refused(harm, forest):
    model = DecisionTreeClassifier(max_depth=2)
    if forest:
        model = RandomForestClassifier(2, max_depth=2, random_state=0)
    model.fit(NUMBERS, Y)
    data = skops.io.dumps(model)
    load_skops(data, name="model.skops")
    tree = (model.estimators_[-1] if forest else model).tree_
    with pytest.raises(ModelError, match="point outside it"):
        load_skops(_doctored(data, tree.__getstate__()["nodes"], harm), name="model.skops")


def test_a_forest_that_lies_about_its_width_is_refused():
    model = RandomForestClassifier(2, max_depth=2, random_state=0).fit(NUMBERS, Y)
    model.n_features_in_ = 1  # a record of one column would pass its check and be read beyond its end
    with pytest.raises(ModelError, match="point outside it"):
        load_skops(skops.io.dumps(model), name="model.skops")


def test_boosting_that_lies_about_its_stages_is_refused():
    model = GradientBoostingClassifier(n_estimators=2).fit(NUMBERS, Y)
    model.estimators_ = np.repeat(model.estimators_, 3, axis=1)
    with pytest.raises(ModelError, match="point outside it"):
        load_skops(skops.io.dumps(model), name="model.skops")


def left(nodes):
    nodes["left"][0] = 10**6


def back(nodes):
    nodes["right"][0] = 0


def feature(nodes):
    nodes["feature_idx"][0] = -1


def category(nodes):
    nodes["is_categorical"][0] = 1 - nodes["is_categorical"][0]
    nodes["bitset_idx"][0] = 10**6


@pytest.mark.parametrize("harm", [left, back, feature, category])
def test_a_doctored_histogram_tree_is_refused(harm):
    model = HistGradientBoostingClassifier(max_iter=2).fit(X, Y)
    harm(model._predictors[0][0].nodes)
    with pytest.raises(ModelError, match="point outside it"):
        load_skops(skops.io.dumps(model), name="model.skops")


def _edited(data: bytes, edit: Callable[[dict], object]) -> bytes:
    """The file with its schema edited."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "schema.json":
                schema = json.loads(content)
                edit(schema)
                content = json.dumps(schema).encode()
            new.writestr(name, content)
    return out.getvalue()


def _doctored(data: bytes, nodes: np.ndarray, harm: Callable[[np.ndarray], None]) -> bytes:
    """The file with the stored array that equals `nodes` harmed."""
    out, found = io.BytesIO(), 0
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name.endswith(".npy"):
                array = np.load(io.BytesIO(content))
                if array.dtype == nodes.dtype and np.array_equal(array, nodes):
                    found += 1
                    harm(array)
                    buffer = io.BytesIO()
                    np.save(buffer, array)
                    content = buffer.getvalue()
            new.writestr(name, content)
    assert found
    return out.getvalue()
