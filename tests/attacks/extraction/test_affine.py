"""What an affine copy weighs, and what it answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reticent.access import Access
from reticent.attacks.extraction.affine import AffineCopy, Design
from reticent.attacks.extraction.coding import Coding


def test_a_design_holds_numbers_that_vary_and_every_value_but_the_first():
    table = pd.DataFrame({"n": [1.0, 3.0, np.nan], "c": ["x", "y", "z"], "same": [4.0, 4.0, 4.0]})
    design = Design(Coding.of(table))
    assert design.width == 3
    rows = design.rows(design.coding.values(table))
    np.testing.assert_array_equal(rows, [[1, 1, 0, 0], [1, 3, 1, 0], [1, 2, 0, 1]])


def test_a_copy_answers_the_softmax_of_its_weights():
    x = np.random.default_rng(0).normal(size=(20, 2))
    weights = np.array([[0.0, 1.0], [0.0, 2.0], [0.0, -1.0]])
    copy = AffineCopy(Design(Coding.of(x)), weights, np.array(["no", "yes"]))
    told = copy.predict(x)
    expected = 1 / (1 + np.exp(-(1 + 2 * x[:, 0] - x[:, 1])))
    np.testing.assert_allclose(np.exp(told.log_scores[:, 1]), expected)
    labels = AffineCopy(copy.design, weights, copy.classes, Access.LABELS).predict(x)
    assert labels.log_scores is None
    np.testing.assert_array_equal(labels.labels, expected > 0.5)
    assert copy.fingerprint() != AffineCopy(copy.design, 2 * weights, copy.classes).fingerprint()
