"""Boundary: the distance from labels alone, 0 where the label is wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access, FloatArray, IntArray, Metered, Outputs
from reticent.attacks.membership.boundary import Boundary, BoundaryDistance
from reticent.data import Records
from reticent.errors import PlanError

CLASSES = np.array([0, 1])


class Names:
    """Names a class by a rule, and gives nothing but labels."""

    access = Access.LABELS
    classes = CLASSES

    def __init__(self, rule: Any) -> None:
        self.rule = rule

    def predict(self, x: Any) -> Outputs:
        return Outputs.from_labels(np.asarray(self.rule(x)).astype(np.int64))

    def fingerprint(self) -> str:
        return "names"


def distances(x: Any, labels: IntArray, rule: Any, queries: int = 200) -> FloatArray:
    target = Metered(Names(rule))
    question = BoundaryDistance(queries_per_record=queries)
    answers = question.ask(target, Records(x, labels, CLASSES))
    assert answers.shape == (len(labels), 1, 1)
    assert target.queries == question.queries(len(labels)) == queries * len(labels)
    return answers[:, 0, 0]


def test_numbers_are_measured_in_spreads_and_wrong_labels_are_nought() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 4)) * [1, 10, 100, 1000]
    weights = rng.normal(size=4) / [1, 10, 100, 1000]
    right = x @ weights > 0
    labels = np.where(rng.random(200) < 0.2, ~right, right).astype(np.int64)
    found = distances(x, labels, lambda points: points @ weights > 0)
    true = np.abs(x @ weights) / np.linalg.norm(weights * x.std(axis=0))
    wrong = labels != right
    np.testing.assert_array_equal(found[wrong], 0)
    assert np.all(found[~wrong] > 0)
    assert np.median(found[~wrong] / true[~wrong]) == pytest.approx(1, abs=0.03)


def test_tables_with_categories_are_measured_in_changes() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({f"c{i}": rng.choice(["no", "yes"], 150) for i in range(12)})
    table["n"] = rng.normal(size=150)
    count = (table.filter(like="c") == "yes").sum(axis=1).to_numpy()
    labels = (count > 6).astype(np.int64)
    found = distances(table, labels, lambda t: (t.filter(like="c") == "yes").sum(axis=1) > 6)
    np.testing.assert_array_equal(found, np.where(count > 6, count - 6, 7 - count))


def test_where_the_model_knows_no_other_answer_the_record_lies_furthest_out() -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    labels = np.arange(60) % 2
    found = distances(x, labels, lambda points: np.ones(len(points)), queries=40)
    np.testing.assert_array_equal(found, np.where(labels == 1, 4.0, 0.0))


def test_records_that_are_all_the_same_have_a_distance_too() -> None:
    x, labels = np.ones((30, 2)), np.arange(30) % 2
    found = distances(x, labels, lambda points: np.ones(len(points)), queries=100)
    np.testing.assert_array_equal(found, np.where(labels == 1, 3.0, 0.0))


def test_too_few_queries_are_refused_by_name() -> None:
    with pytest.raises(PlanError, match="queries_per_record = 10"):
        Boundary(queries_per_record=10)


def test_directions_come_from_the_seed_alone() -> None:
    x = np.random.default_rng(0).normal(size=(50, 4))
    data = Records(x, (x[:, 0] > 0).astype(np.int64), CLASSES)
    first, again, other = (
        BoundaryDistance(seed=seed).ask(Metered(Names(lambda points: points[:, 0] > 0)), data)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_it_runs_unnamed_only_where_labels_are_all_there_is() -> None:
    assert Boundary.costly
    assert Boundary.needs == Access.LABELS
