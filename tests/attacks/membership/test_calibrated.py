"""Calibrated difficulty: the formula, and that difficulty no longer matters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from reticent.attacks.membership.calibrated import Calibrated
from reticent.errors import PlanError


@pytest.mark.parametrize("of", ["loss", "margin"])
def test_agrees_with_a_plain_loop(of: Any, small_world: Any) -> None:
    own, theirs = (
        (s.log_confidence() if of == "loss" else s.margin()).astype(np.float64)
        for s in (small_world.target, small_world.shadows)
    )
    expected = [
        (own[0, r] - theirs[~small_world.shadows.members[:, r], r].mean(axis=0)).mean()
        for r in range(small_world.target.records)
    ]
    found = Calibrated(of=of).score(small_world.target, small_world.shadows, small_world.nobody)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_difficulty_no_longer_matters(mean_auc: Callable[..., tuple[float, float]]) -> None:
    """With the record's mean known, N(0, 1) against N(d, 1): AUC Φ(d/√2), however hard records are."""
    options = {"gap": 1.0, "models": 128, "records": 2000}
    for difficulty in (0.0, 4.0):
        mean, error = mean_auc(Calibrated(of="margin"), range(5), difficulty=difficulty, **options)
        assert norm.cdf(1 / np.sqrt(2)) - 0.015 < mean < norm.cdf(1 / np.sqrt(2)) + 3.5 * error


def test_the_option_changes_something_and_is_checked(small_world: Any) -> None:
    one, other = (
        Calibrated(of=of).score(small_world.target, small_world.shadows, small_world.nobody)
        for of in ("loss", "margin")
    )
    assert not np.allclose(one, other)
    with pytest.raises(PlanError, match="of = 'entropy' was given"):
        Calibrated(of="entropy")  # type: ignore[arg-type]
