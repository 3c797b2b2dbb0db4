"""Success beyond the control's: its closed form, its ends, and how often its interval holds."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from reticent.measure.estimate import Withheld, clopper_pearson
from reticent.measure.excess import excess


def outcomes(successes, trials):
    return np.arange(trials) < successes


def test_it_is_the_share_of_what_was_left_to_reach():
    told = excess(outcomes(70, 100), outcomes(40, 100))
    assert told.value == pytest.approx((0.7 - 0.4) / (1 - 0.4))
    assert told.low < told.value < told.high < 1
    assert (told.level, told.n) == (0.95, 200)


def test_it_is_below_nought_where_the_control_is_guessed_more_often():
    told = excess(outcomes(40, 100), outcomes(70, 100))
    assert told.value == pytest.approx(-1)
    assert told.high < 0


def test_with_no_success_on_controls_it_is_about_the_success_itself():
    many = 100_000
    told, alone = excess(outcomes(500, 1000), outcomes(0, many)), clopper_pearson(500, 1000)
    np.testing.assert_allclose([told.value, told.low, told.high], [0.5, alone.low, alone.high], atol=1e-3)


def test_where_all_is_given_away_the_interval_ends_at_one():
    told = excess(outcomes(1000, 1000), outcomes(200, 1000))
    assert (told.value, told.high) == (1, 1)
    assert 0.994 < told.low < 0.997


def test_where_nothing_succeeds_at_all_it_is_nought():
    told = excess(outcomes(0, 500), outcomes(0, 500))
    assert told.value == 0
    assert -0.02 < told.low < 0 < told.high < 0.02


def test_few_failures_of_the_control_leave_it_wide_and_in_order():
    for ours, control in product(range(0, 101, 4), (95, 98, 99)):
        told = excess(outcomes(ours, 100), outcomes(control, 100))
        assert told.low <= told.value <= told.high <= 1
    assert excess(outcomes(99, 100), outcomes(99, 100)).low < -5


def test_more_level_is_a_wider_interval_around_the_narrower():
    narrow, wide = (excess(outcomes(60, 100), outcomes(40, 100), level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    "rates", [(0.01, 0.01), (0.2, 0.2), (0.75, 0.75), (0.3, 0.1), (0.95, 0.6), (0.99, 0.9)]
)
@pytest.mark.parametrize("trials", [(60, 60), (500, 500), (2000, 100)])
def test_its_interval_holds_as_often_as_it_says(rates, trials):
    """Nulls (equal rates) and known risks, 2,000 worlds each, looked up by their counts."""
    rng, truth = np.random.default_rng(0), (rates[0] - rates[1]) / (1 - rates[1])
    held, of = 0, {}
    worlds = np.stack([rng.binomial(n, r, 2000) for n, r in zip(trials, rates, strict=True)], axis=1)
    for counts in map(tuple, worlds.tolist()):
        if counts not in of:
            of[counts] = excess(*(outcomes(k, n) for k, n in zip(counts, trials, strict=True)))
        told = of[counts]
        held += isinstance(told, Withheld) or told.low <= truth <= told.high
    assert held / len(worlds) > 0.94


def test_what_can_not_be_told_is_withheld():
    assert "at least 30" in excess(outcomes(5, 29), outcomes(5, 100)).reason
    assert "at least 30" in excess(outcomes(5, 100), outcomes(5, 29)).reason
    assert "nobody is left" in excess(outcomes(50, 100), outcomes(100, 100)).reason
