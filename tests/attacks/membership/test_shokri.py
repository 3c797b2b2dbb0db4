"""The shadow-trained classifier: what it sees, what it finds, and what it can't."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reticent.attacks.membership import Confidence, Shokri
from reticent.errors import PlanError
from reticent.shadows.signals import Answers, Signals
from reticent.testing import leaking_world


def test_it_sees_sorted_scores_the_margin_and_the_class() -> None:
    logs = np.log(np.array([[0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]))
    found = Shokri(top=2)._features(logs, np.array([0, 2]))
    margins = [np.log(0.2 / 0.8), np.log(0.8 / 0.2)]
    expected = [[np.log(0.5), np.log(0.3), margins[0], 0], [np.log(0.8), np.log(0.1), margins[1], 2]]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert Shokri()._features(logs, np.array([0, 2])).shape == (2, 5)  # no more scores than classes


def test_the_order_of_the_other_classes_does_not_matter(small_world: Any) -> None:
    target, shadows = small_world.target, small_world.shadows
    usual = Shokri().score(target, shadows, small_world.nobody)
    values = target.values.copy()
    for r, label in enumerate(target.labels):
        others = [c for c in range(values.shape[-1]) if c != label]
        values[0, r][:, others] = values[0, r][:, others[::-1]]
    again = Shokri().score(Answers(values, target.labels), shadows, small_world.nobody)
    np.testing.assert_allclose(again, usual)


def test_each_record_is_judged_by_its_own_answer_alone(small_world: Any) -> None:
    target, shadows = small_world.target, small_world.shadows
    usual = Shokri().score(target, shadows, small_world.nobody)
    part = target.part(np.array([4, 2]))
    judged = Shokri().score(
        Answers(np.concatenate([part.values, part.values], axis=1), np.tile(part.labels, 2)),
        shadows,
        small_world.nobody,
    )
    np.testing.assert_allclose(judged, np.tile(usual[[4, 2]], 2))


def test_it_learns_that_confident_mistakes_are_no_members() -> None:
    worlds = [leaking_world(seed) for seed in range(6)]
    ours, sure = (np.mean([w.auc(a) for w in worlds]) for a in (Shokri(), Confidence()))
    assert ours > sure + 0.05


def test_scores_are_log_odds(world: Callable[..., Any]) -> None:
    """Of the records called members with chance p, about a share of p are."""
    found = world(0, records=4000, models=8, difficulty=0.5, gap=2.0)
    chance = 1 / (1 + np.exp(-Shokri().score(found.target, found.shadows, found.nobody)))
    for low in (0.1, 0.3, 0.5, 0.7):
        inside = (chance > low) & (chance < low + 0.2)
        assert found.truth[inside].mean() == pytest.approx(chance[inside].mean(), abs=0.08)


def test_finds_nothing_in_a_target_that_saw_none_of_the_records(
    mean_auc: Callable[..., tuple[float, float]],
) -> None:
    mean, error = mean_auc(Shokri(), range(12), target_gap=0.0, records=150, models=4)
    assert abs(mean - 0.5) < 3 * error


def test_finds_nothing_where_shadow_models_remember_nothing(
    mean_auc: Callable[..., tuple[float, float]],
) -> None:
    mean, error = mean_auc(Shokri(), range(12), gap=0.0, records=150, models=4)
    assert abs(mean - 0.5) < 3 * error


def test_the_target_may_be_asked_about_more_variants_and_the_first_counts(small_world: Any) -> None:
    target, shadows = small_world.target, small_world.shadows
    first = (
        Answers(target.values[:, :, :1], target.labels),
        Signals(shadows.values[:, :, :1], shadows.labels, shadows.members),
    )
    np.testing.assert_array_equal(
        Shokri().score(*first, small_world.nobody), Shokri().score(target, shadows, small_world.nobody)
    )


@pytest.mark.parametrize("top", [0, -1])
def test_seeing_no_score_is_refused(top: int) -> None:
    with pytest.raises(PlanError, match="top = "):
        Shokri(top=top)
