"""Yeom's attack is log prior less loss over the typical loss."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.attribute import ByMembership
from reticent.attacks.attribute.each_value import EachValue
from reticent.errors import PlanError


def test_it_is_the_plain_formula(secrets):
    records, model = secrets.world(4)
    scene = secrets.scene(ByMembership(), records, model)
    log_scores = scene.answers[EachValue(scene.secret)].values[0].astype(float)
    losses = -np.take_along_axis(log_scores, records.labels[:, None, None], axis=2)[..., 0]
    usual = losses[scene.known < 0].min(axis=1).mean()
    for attack, scale in ((ByMembership(), usual), (ByMembership(training_loss=0.5), 0.5)):
        expected = scene.log_prior() - losses / scale
        np.testing.assert_allclose(attack.guess(scene), expected, rtol=1e-5)


def test_a_loss_below_nought_is_refused():
    with pytest.raises(PlanError, match="training_loss"):
        ByMembership(training_loss=-1)
