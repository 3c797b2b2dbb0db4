"""A target that answers a fixed linear rule, and records to ask it about."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.access import Access, Outputs
from reticent.data import Records
from reticent.defences.defence import Calibration

CLASSES, COLUMNS = 5, 6


class Linear:
    """Answers softmax(x W): logits, scores or labels, as it is told."""

    def __init__(self, access=Access.LOGITS, scale=2.0):
        self.access, self.classes, self.asked = access, np.arange(CLASSES), 0
        self.weights = scale * np.random.default_rng(5).normal(size=(COLUMNS, CLASSES))

    def predict(self, x):
        self.asked += len(x)
        return Outputs.from_logits(np.asarray(x, dtype=np.float64) @ self.weights).capped(self.access)

    def fingerprint(self):
        return "linear"


def people(rows=300, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    x = scale * rng.normal(size=(rows, COLUMNS))
    return Records(x, Linear().predict(x).labels, np.arange(CLASSES))


@pytest.fixture
def target():
    return Linear()


@pytest.fixture(scope="session")
def calibration():
    """Members that the target is surer of than of others, as overfitted models are."""
    return Calibration(people(400, 1, scale=2.0), people(400, 2, scale=0.7))
