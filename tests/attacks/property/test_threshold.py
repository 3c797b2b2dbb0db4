"""The threshold lies where it parts the attacker's own models best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reticent.attacks.property import ThresholdTest
from reticent.attacks.property.threshold import _cut
from reticent.worlds import PropertyScene


@pytest.mark.parametrize("seed", range(5))
def test_no_threshold_parts_better(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, second = rng.normal(size=21), rng.random(21) < 0.5
    share, threshold, sign = _cut(values, second)
    assert share == ((sign * (values - threshold) > 0) == second).mean()
    tried = [((s * (values - t) > 0) == second).mean() for t in np.linspace(-3, 3, 3_001) for s in (1, -1)]
    inside = [x for x in tried if x > 0]
    edges = max(second.mean(), 1 - second.mean())  # beyond all values: nothing is parted
    assert share >= max(x for x in inside if x != edges) - 1e-12


def test_a_victim_on_the_second_worlds_side_scores_above_nought(
    scene_of: Callable[..., PropertyScene],
) -> None:
    has = np.arange(10) < 5
    right = np.zeros((6, 10, 1), dtype=np.float32)
    for model, many in enumerate((1, 2, 1, 4, 5, 4)):
        right[model, :many] = 1
    scene = scene_of(right, right[[0, 4]], np.array([0, 0, 0, 1, 1, 1]), has)
    assert (ThresholdTest().guess(scene) > 0).tolist() == [False, True]
    flipped = scene_of(1 - right, 1 - right[[0, 4]], np.array([0, 0, 0, 1, 1, 1]), has)
    assert (ThresholdTest().guess(flipped) > 0).tolist() == [False, True]
