from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from scipy.special import betainc
from scipy.stats import binom

from reticent.measure.estimate import (
    Estimate,
    Withheld,
    bootstrap_models_and_records,
    clopper_pearson,
    clopper_pearson_bounds,
    median,
    order_statistic_bounds,
)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.71301, 0.6882, 0.7374), "0.713 [0.688, 0.737]"),
        (Estimate(0.00131, 0.00104, 0.00152), "0.00131 [0.00104, 0.00152]"),
        (Estimate(0.5, 0.025, 0.975), "0.50 [0.03, 0.97]"),
        (Estimate(1234.0, 1100.0, 1377.0), "1234 [1100, 1377]"),
        (Estimate(1.0, 1.0, 1.0), "1.000 [1.000, 1.000]"),
    ],
)
def test_it_prints_as_many_digits_as_the_interval_supports(estimate: Estimate, text: str) -> None:
    assert str(estimate) == text


def test_a_withheld_figure_says_why() -> None:
    assert str(Withheld("too few")) == "withheld: too few"


def exact_tail(k: int, n: int, p: float) -> float:
    """P[Bin(n, p) ≤ k] in exact fractions."""
    q = Fraction(p)
    return float(sum(comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(k + 1)))


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 9), (4, 9), (9, 9), (3, 40)])
def test_clopper_pearson_meets_its_definition(k: int, n: int) -> None:
    e = clopper_pearson(k, n, level=0.9)
    assert e.low <= e.value <= e.high
    assert e.low == 0 if k == 0 else abs(1 - exact_tail(k - 1, n, e.low) - 0.05) < 1e-9
    assert e.high == 1 if k == n else abs(exact_tail(k, n, e.high) - 0.05) < 1e-9


@pytest.mark.parametrize("n", [5, 37, 400])
def test_clopper_pearson_covers_every_probability(n: int) -> None:
    k = np.arange(n + 1)
    low, high = clopper_pearson_bounds(k, n, 0.025)
    for p in np.linspace(0.001, 0.999, 97):
        law = binom.pmf(k, n, p)
        assert law[low > p].sum() <= 0.025 + 1e-12
        assert law[high < p].sum() <= 0.025 + 1e-12


@pytest.mark.parametrize(("k", "n"), [(-1, 3), (4, 3), (0, 0)])
def test_impossible_counts_are_refused(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        clopper_pearson(k, n)


def test_order_statistic_bounds_hold_for_the_population_above_a_sampled_score() -> None:
    rng = np.random.default_rng(0)
    n, worlds = 50, 4000
    above = 1 - np.sort(rng.random((worlds, n)), axis=1)[:, ::-1]  # the population's share above each rank
    for rank in (1, 5, 25, 50):
        low, high = order_statistic_bounds(rank, n, 0.05)
        assert np.mean(above[:, rank - 1] < low) == pytest.approx(0.05, abs=0.012)
        assert np.mean(above[:, rank - 1] > high) == pytest.approx(0.05, abs=0.012)


def test_order_statistic_bounds_are_binomial_tails() -> None:
    for n, k, x in ((10, 3, 0.2), (200, 17, 0.1)):
        assert betainc(k, n - k + 1, x) == pytest.approx(binom.sf(k - 1, n, x))


def two_way_world(rng: np.random.Generator, models: int, records: int) -> np.ndarray:
    """Scores of mean 0 that models and records each shift: (models, records)."""
    return rng.normal(size=(models, 1)) + rng.normal(size=records) + rng.normal(size=(models, records))


def mean(scores: np.ndarray, members: np.ndarray) -> float:
    return float(scores.mean())


@pytest.mark.parametrize(("models", "records"), [(4, 100), (12, 12), (30, 200)])
def test_two_way_bootstrap_covers_where_models_and_records_both_vary(models: int, records: int) -> None:
    rng = np.random.default_rng(models)
    truth = np.ones((models, records), dtype=bool)
    worlds = [two_way_world(rng, models, records) for _ in range(200)]
    found = [bootstrap_models_and_records(mean, w, truth, rounds=150, seed=i) for i, w in enumerate(worlds)]
    assert np.mean([e.low <= 0 <= e.high for e in found]) >= 0.92


def test_resampling_records_alone_would_not_cover() -> None:
    """The planted fault: what the two-way bootstrap is for."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        world = two_way_world(rng, 8, 200).mean(axis=0)
        draws = world[rng.integers(200, size=(150, 200))].mean(axis=1)
        covered += np.quantile(draws, 0.025) <= 0 <= np.quantile(draws, 0.975)
    assert covered <= 120


def test_bootstrap_is_reproducible_and_seeded() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(6, 40)), rng.random((6, 40)) < 0.5

    def gap(s: np.ndarray, t: np.ndarray) -> float:
        return float(s[t].mean() - s[~t].mean())

    first, again, other = (bootstrap_models_and_records(gap, scores, truth, seed=s) for s in (1, 1, 2))
    assert first == again
    assert first != other
    assert first.low <= first.value <= first.high
    bounded = bootstrap_models_and_records(gap, scores, truth, seed=1, bounds=(first.value, 1))
    assert (bounded.low, bounded.high) == (first.value, first.high)


def test_bootstrap_refuses_one_model_and_an_undefined_statistic() -> None:
    scores = np.zeros((1, 10))
    with pytest.raises(ValueError, match="at least two"):
        bootstrap_models_and_records(mean, scores, scores > 0)
    scores = np.zeros((3, 10))
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_models_and_records(lambda s, t: float("nan"), scores, scores > 0)


@pytest.mark.parametrize("size", [6, 15, 40])
def test_the_interval_of_a_median_holds_it_as_often_as_it_says(size):
    rng = np.random.default_rng(size)
    held = []
    for _ in range(2000):
        found = median(rng.exponential(size=size))
        held.append(found.low <= np.log(2) <= found.high)
    assert np.mean(held) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_median_of_few_is_withheld(size):
    assert isinstance(median(np.ones(size)), Withheld)
