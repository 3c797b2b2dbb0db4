"""Highest score: of any class, whatever the true one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reticent.attacks.membership import Confidence, Loss
from reticent.testing import leaking_world


def test_it_is_the_log_of_the_highest_score() -> None:
    world = leaking_world(0)
    answered = world.target.predict(world.records.features).log_scores
    assert answered is not None
    scores = Confidence().guess(world.scene(Confidence()))
    np.testing.assert_allclose(scores, [max(row) for row in answered], rtol=1e-6)


def test_it_does_not_look_at_the_labels() -> None:
    world = leaking_world(0)
    labels = np.roll(world.records.labels, 1)
    other = replace(world, records=replace(world.records, labels=labels))
    scores = [Confidence().guess(w.scene(Confidence())) for w in (world, other)]
    np.testing.assert_array_equal(*scores)
    assert not np.array_equal(*[Loss().guess(w.scene(Loss())) for w in (world, other)])


def test_it_is_the_loss_where_the_model_is_right() -> None:
    world = leaking_world(0)
    scene = world.scene(Confidence())
    right = world.target.predict(world.records.features).labels == world.records.labels
    sure, loss = Confidence().guess(scene), Loss().guess(scene)
    np.testing.assert_array_equal(sure[right], loss[right])
    assert np.all(sure[~right] >= loss[~right])
    assert np.mean(sure[~right] > loss[~right]) > 0.9  # but for answers that are tied
