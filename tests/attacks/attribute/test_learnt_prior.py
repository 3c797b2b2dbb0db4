"""The learnt prior is imputation where the model is silent, and the model where imputation is."""

from __future__ import annotations

import numpy as np

from reticent.attacks.attribute import LearntPrior
from reticent.attacks.attribute.imputation import impute


def test_it_multiplies_both(secrets):
    records, model = secrets.world(5, copied=0.9)
    scene = secrets.scene(LearntPrior(), records, model)
    told = next(iter(scene.answers.values())).log_confidence()[0]
    prior = impute(scene.records, scene.known, 2, with_label=False, seed=0)
    np.testing.assert_allclose(LearntPrior().guess(scene), told + prior)


def test_it_beats_imputation_on_members_alone(secrets):
    gains = []
    for seed in range(4):
        records, model = secrets.world(seed, copied=0.6)
        scene = secrets.scene(LearntPrior(), records, model)
        truth = scene.secret.positions(records)
        both, alone = (
            LearntPrior().guess(scene),
            impute(scene.records, scene.known, 2, with_label=False, seed=0),
        )
        gain = (both.argmax(1) == truth).astype(float) - (alone.argmax(1) == truth)
        gains.append((gain[: secrets.members].mean(), gain[secrets.members : -secrets.known].mean()))
    inside, outside = np.mean(gains, axis=0)
    assert inside > 0.05
    assert inside - outside > 0.05
