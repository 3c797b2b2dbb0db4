"""The whole way of a table: proved, told, written whole; and every mistake is a sentence."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reticent as rt
from reticent.anonymity.check import prove
from reticent.anonymity.columns import Nominal, Ordered
from reticent.anonymity.privacy import Closeness, models
from reticent.errors import DataError, PlanError

sys.path.insert(0, str(Path(__file__).parent / "anonymity"))
from tables import ILLS, JOBS, QUASI, people


def hospital(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "name": [f"Person {i}" for i in range(rows)],
            "age": rng.integers(20, 90, rows),
            "zip": rng.choice(["0215", "0216", "1001"], rows),
            "sex": rng.choice(["f", "m"], rows),
            "diagnosis": rng.choice(["flu", "asthma", "gout", "none"], rows),
        }
    )


ASK = {"quasi": ("age", "zip", "sex"), "sensitive": ("diagnosis",), "drop": ("name",)}


@settings(max_examples=30, deadline=None)
@given(
    people(least=8),
    st.integers(2, 4),
    st.booleans(),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([{"l": 2}, {"t": 0.2}, {"l": 2, "t": 0.5}]),
    st.booleans(),
)
def test_every_release_is_what_it_promises(table, k, strict, suppress, asked, tree):
    trees = {"job": JOBS, "ill": ILLS} if tree and "t" in asked else {"job": JOBS}
    if "l" not in asked:
        table["ill"] = table["ill"].where(table["age"] != table["age"].max())  # missing, in few classes
    try:
        made = rt.anonymise(
            table,
            quasi=QUASI,
            sensitive=["ill"],
            k=k,
            hierarchies=trees,
            strict=strict,
            suppress=suppress,
            **asked,
        )
    except (PlanError, DataError):  # too few values of the secret, or none
        assert table["ill"].nunique() < 2
        return
    proof = prove(
        made.table,
        QUASI,
        k,
        sensitive=["ill"],
        models=models(asked.get("l"), asked.get("t"), "distinct", 3.0),
        hierarchies=trees,
    )
    assert proof.holds and proof == made.proof
    assert len(table) - len(made.table) == made.utility.suppressed <= suppress * len(table)
    assert 0 <= made.utility.penalty <= 1
    assert made.risk.prosecutor <= 1 / k
    assert len(np.unique(made.classes)) == proof.classes
    assert ("by the hierarchy of ill" in made.asked) == ("ill" in trees)


@pytest.mark.parametrize(
    ("kind", "method", "wrong", "sentence"),
    [
        (Ordered, "text", lambda self, low, high: ["[0, 1]"] * len(low), "cells of 'age' don't cover"),
        (Nominal, "text", lambda self, low, high: ["nowhere"] * len(low), "no names of its hierarchy"),
        (Closeness, "holds", lambda self, counts, *_: np.ones(len(counts), bool), "classes break t = 0.05"),
    ],
)
def test_nothing_is_handed_out_that_the_check_does_not_find_sound(monkeypatch, kind, method, wrong, sentence):
    monkeypatch.setattr(kind, method, wrong)
    trees = {"zip": {"boston": ["0215", "0216"], "*": ["1001"]}}
    with pytest.raises(AssertionError, match=sentence):
        rt.anonymise(hospital(), k=5, t=0.05, hierarchies=trees, **ASK)


def test_a_hierarchy_of_the_secret_lets_classes_be_smaller():
    """Where values that are alike may stand for each other, a class need not hold them all."""
    table = hospital(400)
    tree = {"diagnosis": {"breath": ["flu", "asthma"], "*": ["gout"], "well": ["none"]}}
    plain, wise = (rt.anonymise(table, k=5, t=0.15, hierarchies=h, **ASK) for h in ({}, tree))
    assert wise.proof.classes > plain.proof.classes


@pytest.mark.parametrize("as_values", [False, True])
def test_codes_with_missing_ones_among_them_are_those_of_the_hierarchy(as_values):
    """A column of numbers that lacks one holds 1.0 where the hierarchy says 1."""
    table = hospital().assign(work=np.arange(200) % 4 + 1.0, gap=np.arange(200) % 5)
    table["work"] = table["work"].where(table["gap"] > 0)
    tree = {"work": {"low": ["1", "2"], "high": ["3", "4", "5"]}}
    for ask in ({"quasi": ("age", "work")}, {"sensitive": ("work",), "t": 0.2}):
        made = rt.anonymise(
            table, hierarchies=tree, k=5, as_values=as_values, population=table, **{**ASK, **ask}
        )
        said = set(made.table["work"].dropna().map(str))
        assert said <= {*"12345", "low", "high", "*"} and said & set("1234")


def test_what_is_no_quasi_identifier_stays_and_what_is_dropped_goes():
    table = hospital()
    made = rt.anonymise(table, k=5, **ASK)
    assert list(made.table.columns) == ["age", "zip", "sex", "diagnosis"]
    pd.testing.assert_series_equal(made.table["diagnosis"], table["diagnosis"])
    assert made.before.unique > 0 and made.risk.unique == 0
    values = rt.anonymise(table, k=5, as_values=True, seed=3, **ASK).table
    assert values.dtypes.to_dict() == table.drop(columns="name").dtypes.to_dict()
    pd.testing.assert_frame_equal(values, rt.anonymise(table, k=5, as_values=True, seed=3, **ASK).table)


@pytest.mark.parametrize("name", ["safe.csv", "safe.parquet"])
def test_a_table_is_written_whole_for_its_owner_alone(tmp_path, name):
    made = rt.anonymise(hospital(), k=5, **ASK)
    path = made.save(tmp_path / name)
    read = pd.read_csv(path, dtype=str) if name.endswith("csv") else pd.read_parquet(path)
    assert prove(read, ASK["quasi"], 5).holds
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"quasi": ()}, PlanError, "no quasi-identifiers"),
        ({"quasi": "age"}, PlanError, "give a tuple of columns"),
        ({"quasi": ("age", "diagnosis")}, PlanError, "both a quasi-identifier and sensitive"),
        ({"quasi": ("age", "name"), "drop": ()}, DataError, "'name' has another value in each row"),
        ({"drop": ()}, DataError, "'name' has another value in each row, so it names people"),
        ({"drop": ("name", "age")}, PlanError, "left out or replaced"),
        ({"drop": ("nome",)}, DataError, "no column 'nome'"),
        ({"drop": (), "sensitive": ("name",)}, DataError, "'name' has another value in each row"),
        ({"quasi": ("age", "seen")}, DataError, "'seen' holds lists or tables"),
        ({"sensitive": ("seen",), "l": 2}, DataError, "'seen' holds lists or tables"),
        ({"seed": -1}, PlanError, "seed=-1"),
        ({"k": 201}, PlanError, "k=201 was given and the table has 200 rows"),
        ({"k": 1}, PlanError, "k=1 was given"),
        ({"l": 5}, PlanError, "'diagnosis' has 4 values"),
        ({"t": 1.5}, PlanError, "between 0 and 1"),
        ({"l": 2, "sensitive": ()}, PlanError, "no sensitive column"),
        ({"suppress": 1.0}, PlanError, "suppress=1.0"),
        ({"hierarchies": {"zip": {"02": ["0215"]}}}, DataError, "lacks the value"),
        ({"hierarchies": {"name": {"x": ["y"]}}}, PlanError, "of 'name', which is no quasi-identifier"),
        ({"hierarchies": {"diagnosis": ["flu"]}}, PlanError, "nor sensitive with a t"),
        ({"hierarchies": {"diagnosis": ["flu"]}, "t": 0.2}, DataError, "'diagnosis' lacks the value"),
    ],
)
def test_a_mistake_is_a_sentence(change, error, sentence):
    with pytest.raises(error, match=sentence) as caught:
        rt.anonymise(hospital().assign(seen=[[1, 2]] * 200), **{"k": 5, **ASK, **change})
    assert "\n" not in str(caught.value)


def test_no_table_and_no_kind_of_file_are_refused(tmp_path):
    with pytest.raises(DataError, match="give a table with named columns"):
        rt.anonymise(np.zeros((3, 3)), quasi=("a",))
    with pytest.raises(DataError, match="neither Parquet"):
        rt.anonymise(hospital(), k=5, **ASK).save(tmp_path / "safe.xlsx")
