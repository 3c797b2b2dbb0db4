"""A thief's means: what may still be asked."""

from __future__ import annotations

import numpy as np

from reticent.access import Access, Metered
from reticent.data import Records
from reticent.extraction import ExtractionScene
from reticent.targets.function import FunctionTarget


def scene(limit: int | None) -> ExtractionScene:
    target = FunctionTarget(lambda x: np.full((len(x), 2), 0.5), np.arange(2), Access.SCORES)
    own = Records(np.zeros((3, 2)), np.array([0, 1, 0]), np.arange(2))
    return ExtractionScene(target=Metered(target, limit=limit), own=own, pool=own.features, seed=4)


def test_the_budget_is_what_is_left():
    some = scene(5)
    assert some.budget == 5
    some.target.predict(np.zeros((2, 2)))
    assert some.budget == 3
    assert scene(None).budget is None


def test_the_same_draws_every_time():
    some = scene(None)
    assert some.rng().random() == some.rng().random() == np.random.default_rng(4).random()
