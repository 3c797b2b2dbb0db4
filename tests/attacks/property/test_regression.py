"""The share is read off where log-odds go with it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reticent.attacks.property import ShareRegression
from reticent.errors import PlanError
from reticent.worlds import PropertyScene


def scene(scene_of: Callable[..., PropertyScene], slope: float) -> tuple[PropertyScene, np.ndarray]:
    rng, shares = np.random.default_rng(1), (0.1, 0.4, 0.7)
    own, theirs = np.arange(60) % 3, np.arange(30) % 3

    def answers(world: np.ndarray) -> np.ndarray:
        margins = slope * np.asarray(shares)[world][:, None] + 0.3 * rng.normal(size=(len(world), 40))
        return np.stack([-np.logaddexp(0, -margins), -np.logaddexp(0, margins)], axis=2).astype(np.float32)

    made = scene_of(answers(own), answers(theirs), own, np.arange(40) % 2 == 0, shares=shares)
    return made, np.asarray(shares)[theirs]


def test_shares_are_estimated(scene_of: Callable[..., PropertyScene]) -> None:
    made, truth = scene(scene_of, 2)
    assert np.abs(ShareRegression().guess(made) - truth).mean() < 0.05


def test_without_a_signal_the_middle_is_named(scene_of: Callable[..., PropertyScene]) -> None:
    made, _ = scene(scene_of, 0)
    assert np.abs(ShareRegression().guess(made) - 0.4).mean() < 0.1


def test_estimates_stay_within_the_shares_learnt_from(scene_of: Callable[..., PropertyScene]) -> None:
    guesses = ShareRegression().guess(scene(scene_of, 30)[0])
    assert guesses.min() >= 0.1 and guesses.max() <= 0.7


def test_the_number_of_probes_matters(scene_of: Callable[..., PropertyScene]) -> None:
    made, _ = scene(scene_of, 2)
    assert (ShareRegression(probes=10).guess(made) != ShareRegression().guess(made)).any()
    with pytest.raises(PlanError, match="probes = 0"):
        ShareRegression(probes=0)
