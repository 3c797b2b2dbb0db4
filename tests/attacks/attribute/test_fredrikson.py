"""MAP is prior times confusion matrix: the plain formula, record by record."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.attribute import MaximumPosterior
from reticent.attacks.attribute.each_value import EachValueLabel


def test_it_is_the_plain_formula(secrets):
    records, model = secrets.world(3)
    scene = secrets.scene(MaximumPosterior(), records, model)
    named = scene.answers[EachValueLabel(scene.secret)].values[0, :, :, 0].astype(int)
    aside = [i for i in range(len(records)) if scene.known[i] >= 0]
    scores = MaximumPosterior().guess(scene)
    for record in (0, 7, 130):
        y = records.labels[record]
        of_label = [i for i in aside if records.labels[i] == y]
        for value in (0, 1):
            prior = (sum(scene.known[i] == value for i in aside) + 0.5) / (len(aside) + 1)
            said = sum(named[i, scene.known[i]] == named[record, value] for i in of_label)
            expected = np.log(prior) + np.log((said + 0.5) / (len(of_label) + 1.5))
            assert scores[record, value] == pytest.approx(expected)
