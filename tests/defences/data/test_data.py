"""Defences on the records: what each promises, and that plans can hold them."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from reticent import defences as d
from reticent.data import Records, Roles
from reticent.defences import data
from reticent.defences.data.redact import presidio
from reticent.defences.defence import DataDefence, Prepared, harden
from reticent.defences.reading import read_defence
from reticent.errors import DataError, MissingExtra, PlanError
from reticent.targets.sklearn import SklearnRecipe

EVERY = [getattr(data, name) for name in data.__all__]
NEEDS = {"randomise": {"epsilon": 3.0}, "synthesise": {"epsilon": 3.0}}
"""What some can't be without."""

UNDRAWN = [kind for kind in EVERY if kind.alone and kind is not data.Randomise]
"""Those that change each record by itself and draw nothing; blurring draws, by a record's place."""


def records(rows: int = 120) -> Records:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 80, rows),
            "job": pd.Categorical(rng.choice(["cook", "nurse", "pilot"], rows)),
            "note": [f"write to p{i}@example.org, seen 1987-02-28" for i in range(rows)],
        }
    )
    roles = Roles(quasi=("age", "job"), sensitive=("job",), person="id")
    return Records(table, rng.integers(0, 2, rows), np.array(["no", "yes"]), np.arange(rows) + 1000, roles)


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.word)
def test_every_leaf_says_what_it_is_and_reads_from_a_plan(kind):
    defence = kind(**NEEDS.get(kind.word, {}))
    assert isinstance(defence, DataDefence)
    assert kind.word and kind.source and kind.caveat
    assert getattr(d, kind.word) is kind
    assert read_defence(str(defence)) == defence
    assert hash(defence) == hash(kind(**NEEDS.get(kind.word, {})))


@pytest.mark.parametrize("kind", UNDRAWN, ids=lambda kind: kind.word)
def test_what_changes_records_alone_does_not_look_at_others(kind, monkeypatch):
    monkeypatch.setenv("RETICENT_KEY", "k" * 32)
    columns = ("note",) if kind is not data.Suppress else ("age", "job", "note")
    whole, some = records(), np.array([3, 50, 7])
    first = kind(columns=columns).protect(whole, 0).take(some)
    second = kind(columns=columns).protect(whole.take(some), 1)
    pd.testing.assert_frame_equal(first.features, second.features)
    assert not first.features.equals(whole.take(some).features)


def test_anonymise_leaves_nobody_alone_and_types_as_they_were():
    whole = records()
    made = d.anonymise(k=6, l=2).protect(whole, 0)
    assert made.features.dtypes.to_dict() == whole.features.dtypes.to_dict()
    assert made.features["age"].value_counts().min() >= 6
    np.testing.assert_array_equal(made.labels, whole.labels)
    pd.testing.assert_frame_equal(made.features, d.anonymise(k=6, l=2).protect(whole, 0).features)
    fewer = d.anonymise(k=6, quasi="age", suppress=0.3).protect(whole, 0)
    assert 84 <= len(fewer) <= 120


def test_a_plan_holds_hierarchies():
    text = "anonymise(k=10, quasi=('job',), hierarchies={'job': {'air': ['pilot'], '*': ['cook', 'nurse']}})"
    assert read_defence(text) == read_defence(str(read_defence(text)))
    assert set(read_defence(text).protect(records(), 0).features["job"]) == {"cook", "nurse", "pilot"}
    with pytest.raises(DataError, match="lacks the value 'pilot'"):
        d.anonymise(quasi=("job",), hierarchies={"job": {"*": ["cook", "nurse"]}}).protect(records(), 0)


def test_a_hierarchy_says_how_far_sensitive_values_are_apart():
    tree = {"job": {"ground": ["cook", "nurse"], "*": ["pilot"]}}
    ask = {"k": 6, "t": 0.15, "quasi": "age", "sensitive": "job"}
    ages = [d.anonymise(**ask, hierarchies=h).protect(records(), 0).features["age"] for h in ({}, tree)]
    assert ages[1].nunique() > ages[0].nunique()
    flat = {"label": {"*": ["no", "yes"]}}
    both = [d.anonymise(k=6, t=0.1, quasi=("age", "job"), hierarchies=h) for h in ({}, flat)]
    first, second = (made.protect(records(), 0).features for made in both)
    pd.testing.assert_frame_equal(first, second)
    with pytest.raises(PlanError, match="nor sensitive with a t"):
        d.anonymise(k=6, quasi="age", sensitive="job", hierarchies=tree).protect(records(), 0)


def test_a_model_trains_on_what_is_left():
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), ("passthrough", ["age"])
    )
    recipe = SklearnRecipe(make_pipeline(columns, LogisticRegression(max_iter=2000)))
    trained = harden(d.anonymise(k=10) | d.suppress("note"), recipe)
    assert isinstance(trained, Prepared)
    masks = np.random.default_rng(0).random((2, 120)) < 0.5
    for target in trained.fit_many(records(), masks, [0, 1]):
        assert target.predict(records().features).labels.shape == (120,)


def test_suppressed_columns_hold_one_value_that_nobody_chose():
    table = records().features.assign(on=pd.Timestamp("2001-01-01"), well=True, part=0.5)
    made = (
        d.suppress(tuple(table.columns)).protect(Records(table, records().labels, np.arange(2)), 0).features
    )
    assert made.dtypes.to_dict() == table.dtypes.to_dict()
    assert made.iloc[0].tolist() == [0, "cook", "suppressed", pd.Timestamp(0), False, 0.0]
    assert (made.nunique() == 1).all()


def test_pseudonyms_keep_people_apart_and_need_a_key(monkeypatch, tmp_path):
    whole = records()
    (tmp_path / "key").write_text("k" * 32)
    made = d.pseudonymise(key_file=str(tmp_path / "key")).protect(whole, 0)
    assert len(set(made.people)) == 120 and not set(made.people) & set(map(str, whole.people))
    pd.testing.assert_frame_equal(made.features, whole.features)
    monkeypatch.delenv("RETICENT_KEY", raising=False)
    with pytest.raises(PlanError, match="RETICENT_KEY is not set"):
        d.pseudonymise("note").protect(whole, 0)


def test_rules_find_what_has_a_form():
    made = d.redact().protect(records(), 0).features["note"]
    assert set(made) == {"write to <E-MAIL>, seen <DATE>"}


def test_presidio_finds_what_its_patterns_know():
    pytest.importorskip("presidio_analyzer")
    made = d.redact("note", by="presidio").protect(records(3), 0).features["note"]
    assert made.str.contains("<EMAIL-ADDRESS>").all() and not made.str.contains("@").any()


def test_presidio_that_is_not_there_is_named(monkeypatch):
    presidio.cache_clear()
    monkeypatch.setitem(sys.modules, "presidio_analyzer", None)
    with pytest.raises(MissingExtra, match=r"pip install 'reticent\[identifiers\]'"):
        d.redact("note", by="presidio").protect(records(3), 0)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (lambda r: d.anonymise(quasi=("z",)).protect(r, 0), DataError, "no column 'z'"),
        (lambda r: d.anonymise(k=121).protect(r, 0), PlanError, "k=121 and 120 records"),
        (lambda r: d.anonymise(quasi=("note",)).protect(r, 0), DataError, "is an identifier"),
        (lambda r: d.anonymise(k=1), PlanError, "k=1"),
        (lambda r: d.anonymise(t=2), PlanError, "between 0 and 1"),
        (lambda r: d.anonymise(suppress=1), PlanError, "suppress=1"),
        (lambda r: d.anonymise(quasi=("a",), sensitive=("a",)), PlanError, "name it once"),
        (lambda r: d.redact(by="magic"), PlanError, "'rules' or 'presidio'"),
        (lambda r: d.suppress("z").protect(r, 0), DataError, "no column 'z'"),
        (
            lambda r: d.suppress("z").protect(Records(np.zeros((2, 2)), r.labels[:2], r.classes), 0),
            DataError,
            "are an array",
        ),
    ],
)
def test_a_mistake_is_a_sentence(make, error, sentence):
    with pytest.raises(error, match=sentence):
        make(records())


def test_no_quasi_identifiers_anywhere_is_a_mistake():
    bare = Records(records().features, records().labels, np.arange(2))
    with pytest.raises(PlanError, match="no quasi-identifiers were named"):
        d.anonymise().protect(bare, 0)
