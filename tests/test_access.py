"""The ladder of access: what a target answers, what is taken away, what is counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from reticent.access import FLOOR, Access, Metered, Outputs, join
from reticent.errors import ModelError, QueryLimit
from reticent.store import Cells


class Counting:
    """A target that says of each record its two numbers' softmax, and remembers what it was asked."""

    access = Access.LOGITS
    classes = np.array([0, 1])

    def __init__(self, name="a"):
        self.name = name
        self.asked = []

    def predict(self, x):
        self.asked.append(len(x))
        return Outputs.from_logits(np.asarray(x, dtype=np.float64))

    def fingerprint(self):
        return self.name


class Open(Counting):
    access = Access.WEIGHTS

    def gradient_norms(self, x, y):
        return np.zeros((len(x), 1))


X = np.random.default_rng(0).normal(size=(25, 2))


def test_scores_rounded_to_one_place_need_not_sum_to_one():
    scores = np.round(np.random.default_rng(0).dirichlet(np.full(10, 0.5), size=200), 1)
    assert np.abs(scores.sum(axis=1) - 1).max() > 0.15
    assert len(Outputs.from_scores(scores).labels) == 200
    with pytest.raises(ModelError, match="not probabilities"):
        Outputs.from_scores(np.array([[0.2, 0.2, 0.2]]))


@pytest.mark.parametrize(
    "scores",
    [
        [[0.5, 0.6]],
        [[-0.1, 1.1]],
        [[np.nan, 1.0]],
        [[np.inf, -np.inf]],
        [[2.0, -3.0]],
        [[0.0, 0.0]],
        [0.2, 0.8],
        [[[0.2, 0.8]]],
    ],
)
def test_scores_that_are_no_probabilities_are_refused(scores):
    with pytest.raises(ModelError):
        Outputs.from_scores(np.array(scores))


def test_scores_become_logs_with_a_floor():
    outputs = Outputs.from_scores(np.array([[0.25, 0.75], [1.0, 0.0]]))
    assert outputs.labels.tolist() == [1, 0]
    assert outputs.log_scores == pytest.approx(np.log([[0.25, 0.75], [1.0, FLOOR]]))
    assert outputs.logits is None


@given(
    hnp.arrays(
        np.float64, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.floats(-1e4, 1e4)
    )
)
@settings(derandomize=True, max_examples=100, deadline=None)
def test_logits_of_any_size_give_probabilities(logits):
    for kind in (np.float64, np.float32):
        outputs = Outputs.from_logits(logits.astype(kind))
        assert np.isfinite(outputs.log_scores).all()
        assert np.exp(outputs.log_scores).sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert outputs.log_scores.max() <= 0
        assert (outputs.labels == logits.astype(kind).argmax(axis=1)).all()


def test_logits_at_the_ends_keep_their_distance():
    outputs = Outputs.from_logits(np.array([[1e4, -1e4], [-1e4, 1e4]]))
    assert outputs.log_scores.tolist() == [[0, -2e4], [-2e4, 0]]


@pytest.mark.parametrize("logits", [[1.0, 2.0], [[np.nan, 0.0]], [[np.inf, 0.0]]])
def test_logits_that_are_not_finite_rows_are_refused(logits):
    with pytest.raises(ModelError):
        Outputs.from_logits(np.array(logits))


def test_a_cap_takes_away_all_above_it():
    full = Outputs.from_logits(X)
    assert full.capped(Access.LABELS).log_scores is None
    assert full.capped(Access.LABELS).logits is None
    assert full.capped(Access.SCORES).log_scores is full.log_scores
    assert full.capped(Access.SCORES).logits is None
    for access in (Access.LOGITS, Access.WEIGHTS):
        assert full.capped(access).logits is full.logits


def test_joining_keeps_order_and_only_what_all_parts_have():
    parts = [Outputs.from_logits(X[:3]), Outputs.from_logits(X[3:])]
    assert (join(parts).log_scores == Outputs.from_logits(X).log_scores).all()
    mixed = join([Outputs.from_logits(X[:3]), Outputs.from_labels(np.zeros(2))])
    assert mixed.log_scores is None
    assert len(mixed.labels) == 5
    assert len(join([]).labels) == 0


@pytest.mark.parametrize("cap", list(Access))
def test_a_metered_target_grants_the_lower_of_its_own_and_the_cap(cap):
    metered = Metered(Counting(), cap)
    assert metered.access == min(cap, Access.LOGITS)
    outputs = metered.predict(X)
    assert (outputs.log_scores is None) == (cap < Access.SCORES)
    assert (outputs.logits is None) == (cap < Access.LOGITS)


def test_batches_give_the_same_answers_and_all_records_are_counted():
    target = Counting()
    metered = Metered(target, batch=10)
    outputs = metered.predict(X)
    assert target.asked == [10, 10, 5]
    assert metered.queries == 25
    assert (outputs.log_scores == Outputs.from_logits(X).log_scores).all()
    metered.predict(pd.DataFrame(X, index=np.arange(100, 125)))
    assert metered.queries == 50
    assert target.asked[3:] == [10, 10, 5]


def test_beyond_the_limit_nothing_of_the_batch_is_asked():
    target = Counting()
    metered = Metered(target, batch=10, limit=19)
    with pytest.raises(QueryLimit, match=r"10 more queries .* 9 of 19"):
        metered.predict(X)
    assert target.asked == [10]
    assert metered.queries == 10
    metered.predict(X[:9])  # what is left may still be spent, to the last
    assert metered.queries == 19
    with pytest.raises(QueryLimit):
        metered.predict(X[:1])


def test_a_memory_is_asked_first_and_another_model_is_asked_again(tmp_path):
    memory, target = Cells(tmp_path / "cells"), Counting()
    first = Metered(target, batch=10, memory=memory).predict(X)
    assert target.asked == [10, 10, 5]
    again = Metered(target, batch=10, memory=memory, limit=0)
    second = again.predict(X)
    assert target.asked == [10, 10, 5]
    assert again.queries == 0
    for name in ("labels", "log_scores", "logits"):
        assert (getattr(first, name) == getattr(second, name)).all()
    other = Counting("b")
    Metered(other, batch=10, memory=memory).predict(X)
    assert other.asked == [10, 10, 5]
    Metered(target, batch=10, memory=memory).predict(X + 1)
    assert len(target.asked) == 6


def test_a_memory_keeps_all_and_each_asker_sees_its_own_rung(tmp_path):
    memory, target = Cells(tmp_path / "cells"), Counting()
    assert Metered(target, Access.LABELS, memory=memory).predict(X).log_scores is None
    assert Metered(target, Access.LOGITS, memory=memory).predict(X).logits is not None
    assert target.asked == [25]


def test_weights_need_the_rung_and_a_target_that_has_them():
    target = Open()
    assert Metered(target).white_box is target
    for metered in (Metered(target, Access.LOGITS), Metered(Counting())):
        with pytest.raises(PermissionError):
            _ = metered.white_box


def test_rungs_are_named_and_ordered():
    assert [str(a) for a in Access] == ["labels", "scores", "logits", "weights"]
    assert list(Access) == sorted(Access)
