"""Distances of marginals: closed forms on small tables."""

from __future__ import annotations

import pandas as pd
import pytest

import reticent as rt
from reticent.synthesis.likeness import distance, independence

DOMAIN = rt.Domain.of({"a": rt.Categories((0, 1)), "b": rt.Categories((0, 1))})


def test_distances_are_the_share_of_rows_that_would_have_to_move():
    one = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 1, 1]})
    other = pd.DataFrame({"a": [0, 0, 1, 1], "b": [1, 1, 0, 0]})
    same, far = distance(one, one, DOMAIN), distance(one, other, DOMAIN)
    assert (same.columns, same.pairs, same.worst_pair) == (0, 0, 0)
    assert (far.columns, far.pairs, far.worst_pair, far.worst) == (0, 1, 1, ("a", "b"))
    assert independence(one, DOMAIN).pairs == pytest.approx(0.5)
    assert independence(one, DOMAIN).columns == 0
    alone = rt.Domain.of({"a": rt.Categories((0, 1))})
    assert distance(one[["a"]], other[["a"]], alone).worst is None
