"""Poison: copies of each record under one wrong label."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.poison import TruthSerum
from reticent.data import Records
from reticent.errors import DataError


def victims(classes: int = 3) -> Records:
    rng = np.random.default_rng(0)
    return Records(rng.normal(size=(20, 2)), rng.integers(classes, size=20), np.arange(classes))


def test_every_person_has_copies_under_one_wrong_label():
    some = victims()
    made = TruthSerum(copies=5).poison(some, 0)
    assert len(made) == 100
    for person in range(20):
        copies = slice(5 * person, 5 * person + 5)
        np.testing.assert_array_equal(made.features[copies], np.repeat(some.features[[person]], 5, axis=0))
        assert len(set(made.labels[copies].tolist())) == 1
        assert made.labels[5 * person] != some.labels[person]
    assert set(made.labels.tolist()) == {0, 1, 2}


def test_the_seed_draws_the_labels():
    one, same, other = (TruthSerum().poison(victims(), seed).labels for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_one_class_has_no_wrong_label():
    with pytest.raises(DataError, match="poison needs a wrong one"):
        TruthSerum().poison(victims(1), 0)
