"""Attack-P: the quantile of the loss among known non-members."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from reticent.access import Metered
from reticent.attacks.membership.population import Population
from reticent.errors import PlanError
from reticent.question import Scores
from reticent.scene import Scene
from reticent.shadows.signals import Answers


def known(world: Any, every: int = 2) -> np.ndarray:
    return ~world.truth & (np.arange(len(world.truth)) % every == 0)


def test_agrees_with_a_plain_loop(small_world: Any) -> None:
    own, aside = small_world.target.log_confidence()[0], known(small_world)
    expected = [
        np.mean([(own[aside] < own[r]).mean(axis=0) + (own[aside] == own[r]).mean(axis=0) / 2])
        for r in range(len(own))
    ]
    np.testing.assert_allclose(Population().score(small_world.target, aside), expected, atol=1e-12)


def test_one_threshold_for_all_is_as_good_as_difficulty_allows(world: Callable[..., Any]) -> None:
    """N(0, 1 + τ²) against N(d, 1 + τ²): AUC Φ(d/√(2(1 + τ²)))."""
    aucs = []
    for seed in range(8):
        found = world(seed, gap=2.0, difficulty=1.0, records=4000, models=2)
        scores, judged = Population().score(found.target, known(found, 4)), ~known(found, 4)
        members, others = scores[judged & found.truth], scores[judged & ~found.truth]
        aucs.append(
            (members[:, None] > others[None, ::8]).mean() + (members[:, None] == others[None, ::8]).mean() / 2
        )
    error = np.std(aucs, ddof=1) / np.sqrt(len(aucs))
    assert abs(np.mean(aucs) - norm.cdf(2 / 2)) < 4 * error


def test_non_members_scores_are_uniform(world: Callable[..., Any]) -> None:
    found = world(0, records=4000, models=2)
    scores = Population().score(found.target, known(found))[~found.truth & ~known(found)]
    for quantile in (0.1, 0.5, 0.9):
        assert abs(np.mean(scores < quantile) - quantile) < 0.06


def test_equal_losses_count_one_half() -> None:
    same = Answers(np.full((1, 10, 1, 2), np.log(0.5), dtype=np.float32), np.zeros(10, dtype=np.int64))
    np.testing.assert_array_equal(Population().score(same, np.arange(10) < 4), 0.5)


def test_guesses_from_a_scene_and_needs_no_shadow_models(world: Callable[..., Any]) -> None:
    found = world(0, records=50, models=2)
    target: Any = object.__new__(Metered)
    records: Any = None
    scene = Scene(target, records, known(found), answers={Scores(): found.target})
    np.testing.assert_array_equal(Population().guess(scene), Population().score(found.target, known(found)))


def test_records_must_be_known(small_world: Any) -> None:
    with pytest.raises(PlanError, match="no known non-members"):
        Population().score(small_world.target, small_world.nobody)
