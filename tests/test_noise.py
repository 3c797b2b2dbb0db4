"""Noise on integers: its laws are the closed forms, and the same seed draws the same."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from reticent.errors import PlanError
from reticent.noise import (
    Dice,
    DiscreteGaussian,
    bernoulli_exp,
    bernoulli_exp_one,
    discrete_laplace,
    laplace_noised,
    laplace_scale,
)


def gaussian_pmf(variance, values):
    wide = np.arange(-60 * math.isqrt(int(variance) + 1) - 60, 60 * math.isqrt(int(variance) + 1) + 61)
    return np.exp(-(values**2) / (2 * variance)) / np.exp(-(wide**2) / (2 * variance)).sum()


def laplace_pmf(scale, values):
    z = math.exp(-1 / scale)
    return (1 - z) / (1 + z) * z ** np.abs(values)


def fits(drawn, pmf):
    """The p-value of a chi-square test, tails together where fewer than ten are expected."""
    values = np.arange(drawn.min(), drawn.max() + 1)
    expected = len(drawn) * pmf(values.astype(float))
    kept = expected >= 10
    seen = np.array([(drawn == v).sum() for v in values[kept]])
    seen = np.append(seen, len(drawn) - seen.sum())
    wanted = np.append(expected[kept], len(drawn) - expected[kept].sum())
    if wanted[-1] < 10:
        seen, wanted = seen[:-1], wanted[:-1] * seen[:-1].sum() / wanted[:-1].sum()
    return chisquare(seen, wanted * seen.sum() / wanted.sum()).pvalue


@pytest.mark.parametrize("sigma", [0.4, 1.0, 2.7, 12.5])
def test_the_gaussian_s_law_is_its_closed_form(sigma):
    noise = DiscreteGaussian(sigma)
    drawn = noise.draw(60_000, Dice(5))
    assert fits(drawn, lambda v: gaussian_pmf(float(noise.variance), v)) > 1e-4
    # one that is wider by a tenth is told apart: the test can fail
    assert fits(drawn, lambda v: gaussian_pmf(1.21 * sigma**2, v)) < 1e-4


@pytest.mark.parametrize("scale", [1, 3, 20])
def test_the_laplace_s_law_is_its_closed_form(scale):
    assert fits(discrete_laplace(scale, 60_000, Dice(6)), lambda v: laplace_pmf(scale, v)) > 1e-4
    # one that is wider by a tenth is told apart: the test can fail
    assert fits(discrete_laplace(20, 60_000, Dice(6)), lambda v: laplace_pmf(22, v)) < 1e-4


@pytest.mark.parametrize("sigma", [100.0, 4096.0, 5000.3, 2.0**24])
def test_wide_noise_stays_within_64_bits(sigma):
    drawn = DiscreteGaussian(sigma).draw(20_000, Dice(7)).astype(float)
    assert abs(drawn.std() / sigma - 1) < 0.03
    assert abs(drawn.mean()) < 5 * sigma / math.sqrt(20_000)


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-2, 4096))
def test_the_variance_is_rounded_up_and_by_little(sigma):
    noise = DiscreteGaussian(sigma)
    assert DiscreteGaussian(5000.3).variance == 5001**2
    assert Fraction(sigma) ** 2 <= noise.variance <= Fraction(sigma) ** 2 * (1 + Fraction(1, 100))
    if sigma >= 1:
        assert noise.variance <= Fraction(sigma) ** 2 * (1 + Fraction(1, 500_000))
    assert noise.rho <= 1 / (2 * sigma**2) * (1 + 1e-12)


@pytest.mark.parametrize("top", [0, 1, 7, 13, 40])
def test_exp_by_coins_is_exp(top):
    trials = 40_000
    share = bernoulli_exp(np.full(trials, top), 8, Dice(top)).mean()
    one = np.mean([bernoulli_exp_one(Fraction(top, 8), Dice((top, i))) for i in range(3000)])
    exact = math.exp(-top / 8)
    assert abs(share - exact) <= 4.5 * math.sqrt(exact * (1 - exact) / trials)
    assert abs(one - exact) <= 4.5 * math.sqrt(exact * (1 - exact) / 3000)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2**62), st.integers(0, 2**32))
def test_integers_stay_below_their_bound(bound, seed):
    drawn = Dice(seed).below(bound, 50)
    assert drawn.min() >= 0 and drawn.max() < bound
    assert np.array_equal(drawn, Dice(seed).below(bound, 50))


def test_integers_are_uniform_for_bounds_that_divide_no_power_of_two():
    drawn = Dice(1).below(np.full(70_000, 7))
    assert chisquare(np.bincount(drawn, minlength=7)).pvalue > 1e-4


def test_without_a_seed_the_system_s_source_is_asked():
    one, other = (DiscreteGaussian(50.0).draw(200, Dice()) for _ in range(2))
    assert not np.array_equal(one, other)
    assert Dice().uniform(1000).min() >= 0 and Dice().uniform(1000).max() < 1


def test_the_same_seed_draws_the_same():
    for draw in (lambda d: DiscreteGaussian(3.0).draw(500, d), lambda d: d.shuffled(np.arange(500))):
        assert np.array_equal(draw(Dice(3)), draw(Dice(3)))
        assert not np.array_equal(draw(Dice(3)), draw(Dice(4)))


@settings(max_examples=30, deadline=None)
@given(st.floats(1e-3, 50), st.integers(1, 5000))
def test_laplace_noise_is_never_less_than_epsilon_asks(epsilon, sensitivity):
    try:
        scale = laplace_scale(epsilon, sensitivity)
    except PlanError:
        return
    assert (
        sensitivity / Fraction(epsilon) <= scale <= sensitivity / Fraction(epsilon) * (1 + Fraction(2, 10**6))
    )


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(0.5, 1), (2.0, 1), (1.0, 7), (3.0, 10)])
def test_counts_get_the_noise_that_epsilon_asks(epsilon, sensitivity):
    truth = np.arange(60_000).reshape(2, -1)
    noise = laplace_noised(truth, sensitivity, epsilon, Dice(8)) - truth
    assert fits(noise.ravel(), lambda v: laplace_pmf(sensitivity / epsilon, v)) > 1e-4
    assert fits(noise.ravel(), lambda v: laplace_pmf(1.15 * sensitivity / epsilon, v)) < 1e-4


def test_a_huge_epsilon_is_no_noise_and_a_tiny_one_is_refused():
    assert np.array_equal(laplace_noised(np.arange(100), 1, 1e9, Dice(0)), np.arange(100))
    assert np.array_equal(laplace_noised(np.arange(100), 1, 1e300, Dice(0)), np.arange(100))
    wide = discrete_laplace(laplace_scale(1e-9, 1 << 20), 20_000, Dice(1)).astype(float)
    assert np.abs(wide).mean() == pytest.approx((1 << 20) / 1e-9, rel=0.03)
    with pytest.raises(PlanError, match="drowns everything"):
        laplace_noised(np.arange(3), 1 << 20, 1e-12, Dice(0))


def test_a_generator_is_drawn_on():
    one, other = (Dice(np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.below(9, 50), other.below(9, 50))
    assert not np.array_equal(one.below(9, 50), Dice(np.random.default_rng(4)).below(9, 50))


@pytest.mark.parametrize("sigma", [0.0, -1.0, 2.0**25, math.inf, math.nan])
def test_noise_that_can_not_be_drawn_is_refused(sigma):
    with pytest.raises(PlanError, match="give a larger epsilon or fewer columns"):
        DiscreteGaussian(sigma)
