"""LOMIA: the records that one value alone puts right are told by it, and teach the others."""

from __future__ import annotations

import numpy as np

from reticent.attacks.attribute import Lomia
from reticent.attacks.attribute.each_value import EachValueLabel


def test_records_told_by_one_value_are_guessed_so(secrets):
    records, model = secrets.world(6)
    scene = secrets.scene(Lomia(), records, model)
    right = scene.answers[EachValueLabel(scene.secret)].values[0, :, :, 0] == records.labels[:, None]
    told = right.sum(axis=1) == 1
    guessed = Lomia().guess(scene).argmax(axis=1)
    assert told.any()
    assert np.array_equal(guessed[told], right[told].argmax(axis=1))


def test_the_others_are_guessed_from_the_column_that_goes_with_it(secrets):
    hits = []
    for seed in range(4):
        records, model = secrets.world(seed, copied=1.0)
        scene = secrets.scene(Lomia(), records, model)
        right = scene.answers[EachValueLabel(scene.secret)].values[0, :, :, 0] == records.labels[:, None]
        untold = right.sum(axis=1) != 1
        hits.append((Lomia().guess(scene).argmax(axis=1) == scene.secret.positions(records))[untold].mean())
    assert np.mean(hits) > 0.7
