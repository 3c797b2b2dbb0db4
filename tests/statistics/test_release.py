"""Published statistics: near the truth, intervals that hold over many draws, and a budget that is charged."""

from __future__ import annotations

import math
import sys

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from reticent.errors import DataError, MissingExtra, PlanError
from reticent.statistics import Budget, count, histogram, mean, quantiles, total, variance
from reticent.statistics.release import _drawn, _running_half

RANGE = {"low": 0, "high": 100}


def values(rows=400):
    return np.random.default_rng(0).gamma(2, 15, rows)


def figures(x, epsilon):
    """(each statistic with its interval, its truth)."""
    clipped, budget = np.clip(x, 0, 100), Budget(100.0)
    return [
        (count(budget, x, epsilon=epsilon), len(x)),
        (total(budget, x, **RANGE, epsilon=epsilon), clipped.sum()),
        (mean(budget, x, **RANGE, epsilon=epsilon), clipped.mean()),
        (variance(budget, x, **RANGE, epsilon=epsilon), clipped.var()),
        *zip(
            quantiles(budget, x, at=(0.1, 0.5), **RANGE, epsilon=epsilon),
            np.quantile(clipped, (0.1, 0.5), method="inverted_cdf"),
            strict=True,
        ),
        (histogram(budget, x > 30, categories=(False, True), epsilon=epsilon)[1], (x > 30).sum()),
    ]


@pytest.fixture(autouse=True)
def opendp():
    pytest.importorskip("opendp")


def test_intervals_hold_over_many_draws_of_the_noise():
    worlds, x = 120, values()
    held = np.array([[f.low <= t <= f.high for f, t in figures(x, 0.3)] for _ in range(worlds)])
    for share in held.sum(axis=0):
        assert binomtest(int(share), worlds, 0.95, alternative="less").pvalue > 1e-4


def test_with_plenty_of_epsilon_the_truth_is_told():
    for figure, truth in figures(values(5000), 15.0):
        assert figure.value == pytest.approx(truth, rel=0.05)
        assert figure.low <= truth <= figure.high


def test_the_budget_is_charged_once_for_each_and_never_overspent():
    budget, x = Budget(0.5), values()
    mean(budget, x, **RANGE, epsilon=0.2)
    quantiles(budget, x, at=(0.5, 0.9), **RANGE, epsilon=0.2)
    assert budget.spent == pytest.approx(0.4)
    with pytest.raises(PlanError, match=r"the variance was to cost epsilon=0.2, and 0.1 of 0.5 is left"):
        variance(budget, x, **RANGE, epsilon=0.2)
    assert [entry.what for entry in budget.entries] == ["mean", "quantiles from 128 bins"]


@pytest.mark.parametrize(("sensitivity", "epsilon"), [(1, 0.1), (1, 1.0), (7, 0.3), (2**23, 0.05)])
def test_noise_is_discrete_laplace_and_half_an_interval_holds_19_in_20(sensitivity, epsilon):
    noise, half = _drawn(np.zeros(8000, np.int64), sensitivity, epsilon)
    scale = sensitivity / epsilon
    assert np.abs(noise).mean() == pytest.approx(1 / math.sinh(1 / scale), rel=0.06)
    assert binomtest(int((np.abs(noise) <= half).sum()), 8000, 0.95, alternative="less").pvalue > 1e-4
    # and no wider than it must be
    assert (np.abs(noise) <= half - 1).mean() < 0.95 + 5 * math.sqrt(0.05 * 0.95 / 8000)


def test_running_sums_stay_within_their_bound():
    bins, epsilon = 64, 0.5
    half = _running_half(bins, epsilon)
    drawn, _ = _drawn(np.zeros(2000 * bins, np.int64), 1, epsilon)
    worst = np.abs(drawn.reshape(2000, bins).cumsum(axis=1)).max(axis=1)
    assert (worst <= half).mean() > 0.95
    assert half < 8 * worst.mean()


def test_values_beyond_the_bounds_are_clipped_and_bounds_hold():
    x = np.array([1e9] * 300)
    assert mean(Budget(50.0), x, **RANGE, epsilon=20.0).value == pytest.approx(100, rel=1e-2)
    figure = mean(Budget(1.0), values(3), **RANGE, epsilon=0.01)
    assert figure.low >= 0 and figure.high <= 100


def test_categories_that_are_not_asked_about_are_not_counted():
    told = histogram(Budget(90.0), ["a", "b", "a", "z"], categories=("a", "b", "c"), epsilon=60.0)
    assert [t.value for t in told] == [2, 1, 0]


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda b: total(b, [1.0], low=3, high=2, epsilon=0.1), PlanError, "the lower first"),
        (lambda b: mean(b, [1.0, np.nan], low=0, high=2, epsilon=0.1), DataError, "1 values are missing"),
        (lambda b: total(b, ["x"], low=0, high=2, epsilon=0.1), DataError, "no numbers"),
        (lambda b: quantiles(b, [1.0], at=(1.5,), low=0, high=2, epsilon=0.1), PlanError, "between 0 and 1"),
        (lambda b: histogram(b, ["a"], categories=(), epsilon=0.1), PlanError, "give each once"),
        (lambda b: count(b, [1], epsilon=0), PlanError, "give one above 0"),
        (lambda b: total(b, pd.Series(["x"]), low=0, high=1, epsilon=2.0), DataError, "no numbers"),
    ],
)
def test_mistakes_are_sentences(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call(Budget(1.0))


def test_without_opendp_the_command_that_installs_it_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "opendp.prelude", None)
    with pytest.raises(MissingExtra, match=r"pip install 'reticent\[statistics\]'"):
        count(Budget(1.0), [1], epsilon=0.1)
