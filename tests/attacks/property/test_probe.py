"""The probe classifier reads a difference in log-odds, and only as many probes as it is told to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reticent.attacks.property import ProbeClassifier
from reticent.errors import PlanError
from reticent.worlds import PropertyScene


def odds(margins: np.ndarray) -> np.ndarray:
    """(models, records, 2) log-probabilities."""
    return np.stack([-np.logaddexp(0, -margins), -np.logaddexp(0, margins)], axis=2).astype(np.float32)


def scene(scene_of: Callable[..., PropertyScene], *, shift: float) -> tuple[PropertyScene, np.ndarray]:
    rng = np.random.default_rng(0)
    own, theirs = np.arange(40) % 2, np.arange(30) % 2

    def answers(world: np.ndarray) -> np.ndarray:
        return odds(rng.normal(size=(len(world), 50)) + shift * world[:, None])

    return scene_of(answers(own), answers(theirs), own, np.arange(50) % 2 == 0), theirs


def test_a_shift_of_the_log_odds_is_read(scene_of: Callable[..., PropertyScene]) -> None:
    made, truth = scene(scene_of, shift=1)
    np.testing.assert_array_equal(ProbeClassifier().guess(made) > 0, truth == 1)


def test_the_number_of_probes_matters(scene_of: Callable[..., PropertyScene]) -> None:
    made, _ = scene(scene_of, shift=1)
    assert (ProbeClassifier(probes=10).guess(made) != ProbeClassifier().guess(made)).any()
    with pytest.raises(PlanError, match="probes = 0"):
        ProbeClassifier(probes=0)
