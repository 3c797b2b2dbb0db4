"""Loss threshold: minus the cross-entropy, and what Yeom et al. prove of it."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from reticent.access import FLOOR, Metered, Outputs
from reticent.attacks.membership import Loss
from reticent.data import Records
from reticent.question import Scores
from reticent.scene import Scene
from reticent.shadows.signals import Answers
from reticent.testing import leaking_world


def test_it_is_minus_the_cross_entropy() -> None:
    world = leaking_world(0)
    scores = Loss().guess(world.scene(Loss()))
    answered = world.target.predict(world.records.features).log_scores
    assert answered is not None
    expected = [row[y] for row, y in zip(answered, world.records.labels, strict=True)]
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


def test_an_impossible_class_has_a_finite_loss() -> None:
    """Forests answer exact zeros."""
    out = Outputs.from_scores(np.array([[1.0, 0.0], [0.5, 0.5]]))
    assert out.log_scores is not None
    labels = np.array([1, 0])
    records = Records(np.zeros((2, 1)), labels, np.arange(2))
    answers = {Scores(): Answers(out.log_scores[None, :, None], labels)}
    target = Metered(leaking_world(0).target)
    scores = Loss().guess(Scene(target, records, np.zeros(2, dtype=bool), answers))
    assert scores == pytest.approx([log(FLOOR), log(0.5)])
