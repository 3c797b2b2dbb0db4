"""The loss test compares accuracies on samples of either world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reticent.attacks.property import LossTest
from reticent.attacks.property.loss import accuracies
from reticent.question import Labels
from reticent.worlds import PropertyScene


def test_accuracy_is_that_of_a_sample_with_the_share(scene_of: Callable[..., PropertyScene]) -> None:
    has = np.array([True, False, False, True, False])
    right = np.array([[1, 0, 1, 1, 0], [0, 1, 1, 0, 1]], dtype=np.float32)[:, :, None]
    scene = scene_of(right, right, np.array([0, 1]), has, shares=(0.25, 0.5))
    expected = [[0.25 * 1 + 0.75 / 3, 0.5 * 1 + 0.5 / 3], [0.75, 0.5]]
    np.testing.assert_allclose(accuracies(scene, scene.victims[Labels()]), expected)
    assert (LossTest().guess(scene) > 0).tolist() == [True, False]
