from __future__ import annotations

import numpy as np
import pytest

from reticent.measure._checked import checked, checked_level


def test_integers_and_lists_are_welcome() -> None:
    scores, members = checked([3, 1, 2], [1, 0, 1])
    assert scores.dtype == np.float64
    assert members.tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("scores", "members", "says"),
    [
        ([1.0, 2.0], [True, False, True], r"\(2,\).*\(3,\)"),
        ([[1.0, 2.0]], [[True, False]], "shape"),
        ([1.0, np.nan], [True, False], "1 of 2 scores are NaN"),
        ([1.0, 2.0], [True, True], "2 members and 0 non-members"),
        ([1.0, 2.0], [0, 0], "0 members and 2 non-members"),
        ([1.0, 2.0], [0, 7], "booleans"),
        ([], [], "0 members and 0 non-members"),
    ],
)
def test_impossible_arrays_are_refused_with_a_sentence(scores: list, members: list, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        checked(scores, members)


@pytest.mark.parametrize("level", [0.0, 0.4, 1.0, 95.0, np.nan])
def test_a_level_that_is_no_level_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        checked_level(level)
