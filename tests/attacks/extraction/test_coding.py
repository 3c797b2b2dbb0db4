"""Records as numbers and back."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from reticent.attacks.extraction.coding import UNSEEN, Coding
from reticent.errors import DataError


def test_what_is_coded_comes_back(people):
    table, _ = people(200, 0)
    coding = Coding.of(table)
    pd.testing.assert_frame_equal(coding.features(coding.values(table)), table)
    assert coding.category.tolist() == [False, False, True, True]
    assert coding.sizes == (0, 0, 4, 3)


def test_others_are_coded_as_the_thiefs_own_are(people):
    table, _ = people(200, 0)
    coding = Coding.of(table)
    row = table.iloc[[7]].assign(job="pilot")
    assert coding.values(row)[0, 2] == UNSEEN
    assert coding.values(row)[0, 3] == coding.values(table)[7, 3]
    shuffled = table.sample(frac=1, random_state=0)
    np.testing.assert_array_equal(coding.values(shuffled), coding.values(table)[shuffled.index])


def test_arrays_are_their_own_numbers():
    x = np.random.default_rng(0).normal(size=(9, 2, 3))
    coding = Coding.of(x)
    assert coding.values(x).shape == (9, 6)
    np.testing.assert_array_equal(coding.features(coding.values(x)), x)
    np.testing.assert_array_equal(coding.anywhere(coding.values(x) + 100), x + 100)


def test_a_table_of_numbers_goes_beyond_its_ranges():
    table = pd.DataFrame({"a": [0.0, 1.0], "b": [2.0, 5.0]})
    coding = Coding.of(table)
    made = coding.anywhere(np.array([[-7.0, 9.0]]))
    assert made.to_dict("list") == {"a": [-7.0], "b": [9.0]}
    assert coding.features(np.array([[-7.0, 9.0]])).to_dict("list") == {"a": [0.0], "b": [5.0]}


def test_missing_numbers_of_the_thiefs_own_are_average():
    coding = Coding.of(np.array([[1.0, 0.0], [np.nan, 1.0], [3.0, 0.0]]))
    assert coding.own()[1, 0] == 2.0


def test_drawn_records_lie_within_what_is_known(people):
    table, _ = people(200, 0)
    drawn = Coding.of(table).drawn(500, np.random.default_rng(0))
    assert drawn.shape == (500, 4)
    assert (drawn[:, 0] >= table["income"].min()).all()
    assert set(drawn[:, 2]) == {0, 1, 2, 3}
    assert (drawn[:, 1] == np.rint(drawn[:, 1])).all()


def test_records_that_do_not_differ_are_refused():
    with pytest.raises(DataError, match="no column of the thief's own records varies"):
        Coding.of(np.ones((5, 2)))
