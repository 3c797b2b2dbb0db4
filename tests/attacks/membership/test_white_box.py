"""White-box features: what is read from scores and gradients."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.membership.white_box import TOP, white_box_features


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_features_agree_with_a_slow_reference(classes: int) -> None:
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(classes), 12)
    labels = rng.integers(0, classes, 12)
    norms = rng.exponential(size=(12, 3))
    norms[0] = 0
    found = white_box_features(np.log(scores), norms, labels)
    for record, label in enumerate(labels):
        own, others = scores[record, label], np.delete(scores[record], label)
        entropy = -(scores[record] @ np.log(scores[record]))
        expected = [-np.log(own), np.log(own) - np.log(others.sum()), entropy]
        expected += np.log(np.sort(others)[::-1][:TOP]).tolist()
        expected += np.log(norms[record] + 1e-12).tolist()
        np.testing.assert_allclose(found[record], expected)
    assert np.isfinite(found).all()
