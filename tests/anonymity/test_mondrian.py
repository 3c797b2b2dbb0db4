"""Mondrian: whatever the table, classes keep the rule, and they are those of the slow plain reference."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.anonymity.columns import Ordered, columns_of
from reticent.anonymity.hierarchy import ROOT
from reticent.anonymity.mondrian import mondrian
from reticent.anonymity.privacy import (
    Closeness,
    Diversity,
    EntropyDiversity,
    RecursiveDiversity,
    Rule,
    secret_of,
)
from reticent.errors import PlanError

sys.path.insert(0, str(Path(__file__).parent))
from tables import ILLS, JOBS, QUASI, people

SLOW = Path(__file__).parents[2] / "bench" / "plain_mondrian.py"
MODELS = (Diversity(2), EntropyDiversity(1.5), RecursiveDiversity(2, 2.0), Closeness(0.4))


def plain():
    spec = importlib.util.spec_from_file_location("plain_mondrian", SLOW)
    module = importlib.util.module_from_spec(spec)
    sys.modules["plain_mondrian"] = module
    spec.loader.exec_module(module)
    return module


def partition(classes) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(classes == c).tolist()) for c in np.unique(classes)}


@settings(max_examples=30, deadline=None)
@given(people(missing=False), st.integers(2, 8))
def test_classes_are_those_of_the_slow_reference(table, k):
    slow, columns = plain(), columns_of(table, QUASI, {"job": JOBS})
    if len(table) < k:
        return
    kinds = [
        slow.Number(c.values.tolist())
        if isinstance(c, Ordered)
        else slow.Tree([(ROOT, *reversed(path)) for path in c.tree.paths])
        for c in columns
    ]
    rows = [tuple(row) for row in np.column_stack([c.codes for c in columns]).tolist()]
    expected = {frozenset(members) for members in slow.mondrian(rows, kinds, k)}
    assert partition(mondrian(columns, Rule(k))) == expected


@settings(max_examples=30, deadline=None)
@given(
    people(),
    st.integers(2, 6),
    st.booleans(),
    st.sampled_from(MODELS),
    st.sampled_from([("ill", None), ("ill", ILLS), ("pay", None)]),
)
def test_every_class_fulfils_every_model(table, k, strict, model, secret):
    columns = columns_of(table, QUASI, {"job": JOBS})
    try:
        rule = Rule(k, (model,), (secret_of(secret[0], table[secret[0]], secret[1]),))
        classes = mondrian(columns, rule, strict=strict)
    except PlanError:
        return  # not even the whole table does
    order = np.argsort(classes, kind="stable")
    assert classes.min() == 0
    assert np.bincount(classes).min() >= k
    assert rule.holds(order, classes[order], int(classes.max()) + 1).all()


@settings(max_examples=20, deadline=None)
@given(people(), st.integers(2, 6), st.integers(0, 2**32 - 1))
def test_the_order_of_rows_changes_nothing(table, k, seed):
    if len(table) < k:
        return
    order = np.random.default_rng(seed).permutation(len(table))
    made = mondrian(columns_of(table, QUASI, {"job": JOBS}), Rule(k))
    again = mondrian(columns_of(table.iloc[order], QUASI, {"job": JOBS}), Rule(k))
    assert partition(again) == {frozenset(np.argsort(order)[list(c)].tolist()) for c in partition(made)}


@settings(max_examples=20, deadline=None)
@given(people(), st.integers(2, 6))
def test_strict_keeps_equal_rows_together(table, k):
    if len(table) < k:
        return
    columns = columns_of(table, QUASI, {"job": JOBS})
    classes = mondrian(columns, Rule(k))
    codes = np.column_stack([c.codes for c in columns])
    _, same = np.unique(codes, axis=0, return_inverse=True)
    assert len(np.unique(np.column_stack([same.reshape(-1), classes]), axis=0)) == same.max() + 1


def test_relaxed_halves_a_class_of_ties():
    import pandas as pd

    table = pd.DataFrame({"age": [30] * 10 + [31] * 2})
    columns = columns_of(table, ["age"], {})
    assert len(np.unique(mondrian(columns, Rule(5)))) == 1
    assert np.bincount(mondrian(columns, Rule(5), strict=False)).tolist() == [6, 6]


def test_one_rare_value_keeps_no_class_whole():
    import pandas as pd

    table = pd.DataFrame({"race": ["white"] * 20 + ["black"] * 10 + ["other"]})
    classes = mondrian(columns_of(table, ["race"], {}), Rule(5))
    assert sorted(np.bincount(classes).tolist()) == [11, 20]


def test_a_table_that_does_not_fulfil_the_rule_is_refused():
    import pandas as pd

    with pytest.raises(PlanError, match="fewer than k=5"):
        mondrian(columns_of(pd.DataFrame({"age": [1, 2, 3]}), ["age"], {}), Rule(5))
