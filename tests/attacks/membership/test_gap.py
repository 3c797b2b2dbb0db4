"""Right or wrong: its advantage is the model's generalisation gap."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access
from reticent.attacks.membership import Gap
from reticent.testing import CANDIDATES, leaking_world


@pytest.mark.parametrize("seed", range(3))
def test_its_advantage_is_the_gap_between_training_and_test_accuracy(seed: int) -> None:
    """Yeom et al. 2018, theorem 3: exact for the records at hand; the AUC is ½ + gap / 2."""
    world = leaking_world(seed)
    right = world.target.predict(world.records.features).labels == world.records.labels
    right, members = right[:CANDIDATES], world.members[:CANDIDATES]
    gap = right[members].mean() - right[~members].mean()
    assert world.auc(Gap()) == pytest.approx(0.5 + gap / 2)


def test_two_scores_from_labels_alone_one_query_a_record() -> None:
    world = leaking_world(0)
    scene = world.scene(Gap(), granted=Access.LABELS)
    assert set(np.unique(Gap().guess(scene))) == {0.0, 1.0}
    assert scene.target.queries == len(world.records)
