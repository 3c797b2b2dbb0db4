"""Thresholds by class: against brute force, and against what was published."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent import datasets
from reticent.access import FLOOR
from reticent.attacks.membership import PerClass
from reticent.attacks.membership.per_class import best_threshold
from reticent.attacks.metrics import Metric
from reticent.datasets import Predictions
from reticent.errors import PlanError
from reticent.measure.roc import Roc
from reticent.shadows.signals import Answers, Signals


def brute_force(values: list[float], members: list[bool]) -> float:
    """Every value is tried."""
    best, found = -1.0, 0.0
    for threshold in sorted(set(values)):
        called = [v >= threshold for v in values]
        right_in = sum(c for c, m in zip(called, members, strict=True) if m) / sum(members)
        right_out = sum(not c for c, m in zip(called, members, strict=True) if not m) / members.count(False)
        if right_in + right_out >= best - 1e-12:
            best, found = max(best, right_in + right_out), threshold
    return found


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=40))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_the_threshold_is_the_best_and_the_highest_of_several(drawn: list[tuple[int, bool]]) -> None:
    values, members = [float(v) for v, _ in drawn], [m for _, m in drawn]
    found = best_threshold(np.array(values), np.array(members))
    if all(members) or not any(members):
        assert found == np.median(values)
    else:
        assert found == brute_force(values, members)


def test_the_highest_of_several_thresholds_is_taken() -> None:
    # From 1 on: 2 of 2 and 1 of 2 right; from 3 on: 1 of 2 and 2 of 2
    assert best_threshold(np.array([0.0, 1, 2, 3]), np.array([False, True, False, True])) == 3


@pytest.mark.parametrize("metric", Metric)
def test_agrees_with_a_plain_loop(metric: Metric, small_world: Any) -> None:
    target, shadows = small_world.target, small_world.shadows
    ours = metric.of(target.values[0, :, 0], target.labels)
    expected = []
    for r, label in enumerate(target.labels):
        values, members = [], []
        for m in range(shadows.models):
            theirs = metric.of(shadows.values[m, :, 0], shadows.labels)
            values += [float(theirs[k]) for k in np.flatnonzero(shadows.labels == label)]
            members += [bool(shadows.members[m, k]) for k in np.flatnonzero(shadows.labels == label)]
        expected.append(ours[r] - brute_force(values, members))
    found = PerClass(metric=metric).score(target, shadows, small_world.nobody)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_a_class_that_the_shadow_models_never_met_keeps_its_plain_metric(small_world: Any) -> None:
    target, shadows = small_world.target, small_world.shadows
    met = np.flatnonzero(shadows.labels != 2)
    found = PerClass().against(target, shadows.part(met))
    plain = Metric.MODIFIED_ENTROPY.of(target.values[0, :, 0], target.labels)
    np.testing.assert_array_equal(found[target.labels == 2], plain[target.labels == 2])
    assert not np.any(found[target.labels == 3] == plain[target.labels == 3])


def test_classes_of_unequal_difficulty_are_told_apart(world: Callable[..., Any]) -> None:
    """Where one class is easy and one hard, one threshold for all calls the easy class members."""
    gains = []
    for seed in range(6):
        found = world(seed, records=800, models=8, difficulty=0.0, gap=1.5)
        labels = found.target.labels
        shift = 3.0 * (2 * labels - 1)[:, None]  # class 1 easy, class 0 hard
        found = world(seed, records=800, models=8, difficulty=0.0, gap=1.5, offset=shift)
        np.testing.assert_array_equal(found.target.labels, labels)
        plain = Metric.CONFIDENCE.of(found.target.values[0, :, 0], labels)
        by_class = PerClass(metric=Metric.CONFIDENCE).score(found.target, found.shadows, found.nobody)
        accuracy = np.mean((by_class >= 0) == found.truth)
        single = max(np.mean((plain >= t) == found.truth) for t in np.quantile(plain, np.linspace(0, 1, 101)))
        gains.append(accuracy - single)
    assert np.mean(gains) > 0.05


def test_finds_nothing_in_a_target_that_saw_none_of_the_records(
    mean_auc: Callable[..., tuple[float, float]],
) -> None:
    mean, error = mean_auc(PerClass(), range(30), gap=1.0, target_gap=0.0, records=200, models=4)
    assert abs(mean - 0.5) < 3 * error


def test_metrics_are_given_by_name_and_others_refused() -> None:
    assert PerClass(metric="entropy") == PerClass(metric=Metric.ENTROPY)  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="metric = 'loss' was given; choose one of correctness, confidence"):
        PerClass(metric="loss")  # type: ignore[arg-type]


PUBLISHED = {
    False: {"correctness": 0.687, "confidence": 0.763, "entropy": 0.616, "modified entropy": 0.781},
    True: {"correctness": 0.687, "confidence": 0.691, "entropy": 0.521, "modified entropy": 0.688},
}
"""Song & Mittal 2021, Location-30, without and with MemGuard: share of records called rightly."""


def _answers(of: Predictions, defended: bool) -> np.ndarray:
    scores = of.defended_probabilities if defended else of.probabilities
    return np.log(np.maximum(scores.astype(np.float64), FLOOR**4))[None, :, None]


@pytest.mark.data
@pytest.mark.parametrize("defended", [False, True], ids=["undefended", "memguard"])
@pytest.mark.parametrize("metric", PUBLISHED[False])
def test_published_accuracies_are_met_to_the_third_decimal(
    metric: str, defended: bool, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETICENT_DATA", str(data_folder))
    target, shadow = datasets.location30_published()
    scores = PerClass(metric=Metric(metric)).against(
        Answers(_answers(target, defended), target.labels.astype(np.int64)),
        Signals(_answers(shadow, defended), shadow.labels.astype(np.int64), shadow.members[None]),
    )
    assert np.mean((scores >= 0) == target.members) == pytest.approx(PUBLISHED[defended][metric], abs=5e-4)


def test_one_class_is_ordered_as_the_plain_metric(world: Callable[..., Any]) -> None:
    found = world(0, records=300, models=4)
    ones = np.flatnonzero(found.target.labels == 1)
    target, shadows = found.target.part(ones), found.shadows.part(ones)
    by_class = PerClass().score(target, shadows, found.nobody[ones])
    plain = Metric.MODIFIED_ENTROPY.of(target.values[0, :, 0], target.labels)
    assert Roc.of(by_class, found.truth[ones]).auc() == Roc.of(plain, found.truth[ones]).auc()
