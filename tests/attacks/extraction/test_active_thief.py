"""Records chosen by what they say: better copies for as many answers, and never more answers than allowed."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access
from reticent.attacks.extraction import ActiveThief
from reticent.attacks.extraction.active_thief import furthest
from reticent.attacks.extraction.student import Student
from reticent.targets.function import FunctionTarget


def rings(x: np.ndarray) -> np.ndarray:
    """Three classes, one within the other, the innermost a small one."""
    away = np.square(x).sum(axis=1)
    return np.searchsorted([0.4, 2.0], away)


MODEL = FunctionTarget(rings, np.arange(3), Access.LABELS)


def own(count: int = 3000) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, 2))


def agreement(copy) -> float:
    fresh = np.random.default_rng(9).normal(size=(4000, 2))
    return float((copy.predict(fresh).labels == rings(fresh)).mean())


def test_the_copy_gets_better_and_the_budget_is_spent_to_the_last(scene):
    asked = scene(MODEL, own(), limit=777)
    copies = list(ActiveThief(start=50).copies(asked))
    assert asked.target.queries == 777
    assert len(copies) == 5
    assert agreement(copies[0]) < agreement(copies[-1])
    assert agreement(copies[-1]) > 0.95


@pytest.mark.parametrize("choose", ["uncertainty", "k-center", "random"])
def test_every_choice_makes_a_copy(scene, choose):
    copies = list(ActiveThief(start=60, choose=choose).copies(scene(MODEL, own(), limit=480)))
    assert agreement(copies[-1]) > 0.9


def test_what_the_copy_is_least_sure_of_is_asked_about(scene):
    some = scene(MODEL, own())
    student = Student.of(some)
    values = own()
    copy = student.fit(values[:100], np.eye(3)[rings(values[:100])])
    told = np.exp(copy.logits(values))
    told /= told.sum(axis=1, keepdims=True)
    entropy = -(told * np.log(np.maximum(told, 1e-12))).sum(axis=1)
    chosen = ActiveThief()._chosen(student, copy, values, np.arange(100), np.arange(100, 3000), 50)
    others = np.delete(np.arange(2900), chosen)
    assert entropy[100 + chosen].min() >= entropy[100 + others].max() - 1e-5


def test_scores_are_learnt_from_where_they_are_given(scene):
    smooth = FunctionTarget(lambda x: 1 / (1 + np.exp(-x.sum(axis=1))), np.arange(2))
    copy = list(ActiveThief().copies(scene(smooth, own(), limit=400)))[-1]
    fresh = own()[:500] * 0.9
    assert np.abs(np.exp(copy.predict(fresh).log_scores[:, 1]) - smooth.function(fresh)).mean() < 0.05


def test_a_model_that_answers_at_random_is_not_copied(scene):
    rng = np.random.default_rng(0)
    coin = FunctionTarget(lambda x: rng.integers(2, size=len(x)), np.arange(2), Access.LABELS)
    copy = list(ActiveThief().copies(scene(coin, own(), limit=800)))[-1]
    fresh = np.random.default_rng(9).normal(size=(4000, 2))
    assert abs((copy.predict(fresh).labels == rng.integers(2, size=4000)).mean() - 0.5) < 0.04


def test_the_same_seed_gives_the_same_copies(scene):
    one, other = (
        [c.fingerprint() for c in ActiveThief(choose="k-center").copies(scene(MODEL, own(), limit=200))]
        for _ in range(2)
    )
    assert one == other


def test_the_furthest_are_those_that_a_slow_search_finds():
    rng = np.random.default_rng(0)
    points, centres = rng.random((60, 3)), rng.random((5, 3))
    chosen, covered = [], centres
    for _ in range(12):
        away = np.linalg.norm(points[:, None] - covered[None], axis=2).min(axis=1)
        chosen.append(int(away.argmax()))
        covered = np.vstack([covered, points[chosen[-1]]])
    np.testing.assert_array_equal(furthest(points, centres, 12), chosen)
