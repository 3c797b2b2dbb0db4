"""Entropy of the answer, plain and modified: the formulas are tested in `test_metrics.py`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from reticent.attacks.membership import Entropy, ModifiedEntropy
from reticent.testing import leaking_world


def test_both_are_minus_what_the_formulas_say() -> None:
    world = leaking_world(0)
    answered = world.target.predict(world.records.features).log_scores
    assert answered is not None
    p, labels = np.exp(answered), world.records.labels
    plain = -(p * answered).sum(axis=1)
    np.testing.assert_allclose(Entropy().guess(world.scene(Entropy())), -plain, rtol=1e-5)
    modified = np.zeros(len(labels))
    for r, y in enumerate(labels):
        modified[r] = -(1 - p[r, y]) * np.log(p[r, y])
        modified[r] -= sum(p[r, c] * np.log(1 - p[r, c]) for c in range(3) if c != y)
    np.testing.assert_allclose(
        ModifiedEntropy().guess(world.scene(ModifiedEntropy())), -modified, rtol=1e-4, atol=1e-7
    )


def test_plain_entropy_does_not_look_at_the_labels_and_the_modified_does() -> None:
    world = leaking_world(0)
    other = replace(world, records=replace(world.records, labels=np.roll(world.records.labels, 1)))
    for attack, same in ((Entropy(), True), (ModifiedEntropy(), False)):
        scores = [attack.guess(w.scene(attack)) for w in (world, other)]
        assert np.array_equal(*scores) == same


def test_the_label_helps_where_models_err() -> None:
    found = [[leaking_world(s).auc(a) for s in range(8)] for a in (Entropy(), ModifiedEntropy())]
    assert np.mean(found[1]) > np.mean(found[0]) + 0.03
