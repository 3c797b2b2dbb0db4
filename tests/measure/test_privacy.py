"""What promises nothing is refused, in one sentence each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from reticent.errors import PlanError
from reticent.measure.privacy import check_noise, check_privacy, empty_promise


@pytest.mark.parametrize("epsilon", [0, -1, math.inf, math.nan, None, True, "1"])
def test_what_is_no_epsilon_is_refused(epsilon):
    with pytest.raises(PlanError, match=r"it was given epsilon=.*; give one above 0, such as 1"):
        check_privacy(epsilon, 1e-5, "it")


@pytest.mark.parametrize("delta", [0, 1, -1e-5, math.nan, None, "0.1", False])
def test_what_is_no_delta_is_refused(delta):
    with pytest.raises(PlanError, match=r"it was given delta=.*; give a share below one over the records"):
        check_privacy(1.0, delta, "it")


def test_a_delta_of_nought_is_one_where_a_guarantee_may_be_pure():
    check_privacy(1.0, 0, "it", pure=True)
    check_privacy(np.int64(1), np.float32(1e-5), "it")
    with pytest.raises(PlanError, match="give 0, or a share below one over the records"):
        check_privacy(1.0, 1.0, "it", pure=True)


def test_a_delta_that_so_many_records_make_empty_is_told():
    assert (
        empty_promise(1e-3, 999) is None and empty_promise(0.0, 10) is None and empty_promise(0.1, 0) is None
    )
    assert "is not below one over 1,000 records" in str(empty_promise(1e-3, 1000))


@pytest.mark.parametrize(
    ("epsilon", "delta", "noise", "said"),
    [
        (None, 1e-5, None, "give one of the two"),
        (1.0, 1e-5, 1.0, "give one of the two"),
        (0.0, 1e-5, None, "epsilon=0.0; give one above 0"),
        (-1.0, 1e-5, None, "epsilon=-1.0; give one above 0"),
        (np.inf, 1e-5, None, "epsilon=inf"),
        (np.nan, 1e-5, None, "epsilon=nan"),
        (None, 1e-5, 0.0, "noise=0.0"),
        (1.0, 0.0, None, "delta=0.0"),
        (1.0, 1.0, None, "delta=1.0"),
    ],
)
def test_what_is_no_budget_is_refused(epsilon, delta, noise, said):
    with pytest.raises(PlanError, match=f"dp_sgd was given .*{said}"):
        check_noise(epsilon, delta, noise, "dp_sgd")
