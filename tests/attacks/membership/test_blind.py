"""The control that sees no model: it finds how records were collected, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from reticent.attacks.membership.blind import _folds, _joined, blind_scores
from reticent.data import Records
from reticent.measure.roc import Roc

SEEDS = 40


def drawn(seed: int, *, records: int = 120, copies: bool = False, table: bool = False) -> Records:
    rng = np.random.default_rng(seed)
    features: Any = np.round(rng.normal(size=(records, 3)), 2)
    labels = rng.integers(0, 2, records)
    if copies:  # every record three times or so
        kept = rng.integers(0, records // 3, records)
        features, labels = features[kept], labels[kept]
    if table:
        features = pd.DataFrame(features).astype({0: str})
    return Records(features, labels, np.arange(2))


@pytest.mark.parametrize("copies", [False, True], ids=["all different", "with copies"])
def test_sides_that_were_drawn_alike_are_not_told_apart(copies: bool) -> None:
    """On average the AUC is ½, and its lower 95 % bound lies clearly above ½ in almost no world."""
    found = []
    for seed in range(SEEDS):
        records = drawn(seed, copies=copies)
        members = np.random.default_rng(1000 + seed).permutation(len(records)) < len(records) // 2
        found.append(Roc.of(blind_scores(records, members, seed), members).auc())
    areas = np.array([f.value for f in found])
    assert abs(areas.mean() - 0.5) < 3 * areas.std(ddof=1) / np.sqrt(SEEDS)
    assert np.mean([f.low > 0.52 for f in found]) <= 0.05


def test_a_drift_is_found() -> None:
    areas = []
    for seed in range(10):
        records = drawn(seed, records=300)
        members = np.arange(300) < 150
        x = np.array(records.features)
        x[members, 1] += 1.0
        areas.append(
            Roc.of(blind_scores(Records(x, records.labels, records.classes), members, 0), members).auc()
        )
    assert np.mean([a.value for a in areas]) > 0.67  # at best Φ(1 / √2) = 0.76
    assert all(a.low > 0.52 for a in areas)


def test_a_drift_of_the_labels_is_found_as_well() -> None:
    records = drawn(0, records=400)
    members = records.labels == 1
    assert Roc.of(blind_scores(records, members, 0), members).auc().value > 0.95


@pytest.mark.parametrize("table", [False, True])
def test_the_same_seed_gives_the_same_scores_within_bounds(table: bool) -> None:
    records = drawn(0, table=table)
    members = np.arange(120) % 2 == 0
    scores = blind_scores(records, members, 3)
    np.testing.assert_array_equal(scores, blind_scores(records, members, 3))
    assert not np.array_equal(scores, blind_scores(records, members, 4))
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert scores.shape == (120,)


def test_equal_records_are_judged_by_a_classifier_that_saw_none_of_them() -> None:
    """Each pair of equal records lies on one side; who saw the one would know the other for certain."""
    areas = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.repeat(np.round(rng.normal(size=(60, 3)), 3), 3, axis=0)
        members = np.repeat(rng.permutation(60) < 30, 3)
        records = Records(x, np.zeros(180, dtype=np.int64), np.arange(1))
        areas.append(Roc.of(blind_scores(records, members, seed), members).auc().value)
    assert abs(np.mean(areas) - 0.5) < 3 * np.std(areas, ddof=1) / np.sqrt(20)


def test_folds_keep_equal_records_together_and_are_alike() -> None:
    rng = np.random.default_rng(0)
    keys, members = rng.integers(0, 400, 1000), rng.random(1000) < 0.3
    fold = _folds(keys, members, 5, rng)
    assert all(len(np.unique(fold[keys == key])) == 1 for key in np.unique(keys))
    sizes = np.bincount(fold)
    assert sizes.min() > 0.95 * sizes.mean()
    assert np.abs(np.bincount(fold, weights=members) / sizes - members.mean()).max() < 0.05


@pytest.mark.parametrize("inside", [0, 1, 2, 4, 39, 40])
def test_too_few_to_learn_from_tell_nothing(inside: int) -> None:
    records = drawn(0, records=40)
    scores = blind_scores(records, np.arange(40) < inside, 0)
    assert np.all((scores >= 0) & (scores <= 1))
    assert np.all(scores == 0.5) == (inside not in (2, 4))


@pytest.mark.parametrize("different", [1, 2, 3])
def test_a_few_records_many_times_over_tell_nothing_but_themselves(different: int) -> None:
    x = np.repeat(np.arange(different, dtype=float), 24 // different)[:, None]
    records = Records(x, np.zeros(24, dtype=np.int64), np.arange(1))
    scores = blind_scores(records, np.arange(24) % 2 == 0, 0)
    np.testing.assert_array_equal(scores, 0.5)  # each is as often inside as outside


def test_a_person_is_judged_by_a_classifier_that_never_met_them() -> None:
    """Each person is on one side, and their records are alike: who saw one would know the others."""
    areas = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = np.repeat(rng.normal(size=(60, 3)), 3, axis=0) + rng.normal(scale=0.01, size=(180, 3))
        members = np.repeat(rng.permutation(60) < 30, 3)
        records = Records(x, np.zeros(180, dtype=np.int64), np.arange(1), people=np.repeat(np.arange(60), 3))
        areas.append(Roc.of(blind_scores(records, members, seed), members).auc().value)
    assert abs(np.mean(areas) - 0.5) < 3 * np.std(areas, ddof=1) / np.sqrt(20)


def test_records_are_bound_in_chains() -> None:
    keys, people = np.array([1, 1, 2, 3, 4]), np.array(["a", "b", "b", "c", "d"])
    joined = _joined(keys, people)
    assert joined[0] == joined[1] == joined[2]
    assert len(set(joined.tolist())) == 3
