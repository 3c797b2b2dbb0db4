"""Canaries: put last, drawn by the seed, another label than their own, twins side by side."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.canary import Canary, with_canaries
from reticent.data import Records
from reticent.errors import DataError


def people(rows=40, classes=3):
    rng = np.random.default_rng(0)
    x = np.arange(rows, dtype=np.float64)[:, None]
    return Records(x, rng.integers(0, classes, rows), np.arange(classes))


@pytest.mark.parametrize("canary", list(Canary))
def test_nobody_is_lost_and_the_canaries_come_last(canary):
    data = people()
    made = with_canaries(data, 10, canary, seed=1)
    assert len(made) == 30 + 10 * canary.copies
    assert set(made.features[:, 0]) == set(data.features[:, 0])
    own = data.labels[made.features[:, 0].astype(int)]
    np.testing.assert_array_equal(made.labels[:30], own[:30])
    if canary is Canary.NATURAL:
        np.testing.assert_array_equal(made.labels, own)
    else:
        assert (made.labels[30:] != own[30:]).all()


def test_twins_stand_beside_each_other():
    made = with_canaries(people(), 10, Canary.TWINS, seed=1)
    np.testing.assert_array_equal(made.features[30::2], made.features[31::2])
    np.testing.assert_array_equal(made.labels[30::2], made.labels[31::2])
    assert len(set(made.features[30::2, 0])) == 10


def test_the_seed_alone_decides():
    same = [with_canaries(people(), 10, Canary.MISLABELLED, seed=4).fingerprint() for _ in range(2)]
    assert same[0] == same[1]
    assert same[0] != with_canaries(people(), 10, Canary.MISLABELLED, seed=5).fingerprint()


def test_every_other_label_is_as_likely():
    data = people(4000, 4)
    made = with_canaries(data, 2000, Canary.MISLABELLED, seed=0)
    shift = (made.labels[2000:] - data.labels[made.features[2000:, 0].astype(int)]) % 4
    counts = np.bincount(shift, minlength=4)
    assert counts[0] == 0
    assert counts[1:].min() > 600


@pytest.mark.parametrize("count", [0, 21])
def test_too_many_or_none_are_refused(count):
    with pytest.raises(DataError, match="canaries were asked for among 40 records; give at most half"):
        with_canaries(people(), count, Canary.NATURAL, seed=0)


def test_one_class_leaves_no_other_label():
    with pytest.raises(DataError, match="give natural canaries"):
        with_canaries(people(classes=1), 4, Canary.MISLABELLED, seed=0)
