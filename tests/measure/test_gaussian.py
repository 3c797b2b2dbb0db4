"""What Gaussian noise costs: as accountants say, and as sums over integers say."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant

from reticent.measure import gaussian
from reticent.measure.gaussian import (
    discrete_gaussian_delta,
    discrete_gaussian_sigma,
    gaussian_delta,
    gaussian_mu,
)


@pytest.mark.parametrize("epsilon", [0.1, 1.0, 8.0])
@pytest.mark.parametrize("delta", [1e-6, 1e-3])
def test_gaussian_noise_is_the_least_that_an_accountant_allows(epsilon, delta):
    mu = gaussian_mu(epsilon, delta)
    assert gaussian_delta(epsilon, mu) <= delta < gaussian_delta(epsilon, mu * 1.001)
    accountant = PLDAccountant(value_discretization_interval=1e-4)
    accountant.compose(dp_event.GaussianDpEvent(1 / mu))
    assert accountant.get_epsilon(delta) == pytest.approx(epsilon, rel=5e-3, abs=2e-4)


def test_far_less_than_the_classical_formula():
    """The textbook's σ is √(2 ln(1.25/δ))/ε, for ε below one."""
    assert 1 / gaussian_mu(0.9, 1e-5) < np.sqrt(2 * np.log(1.25e5)) / 0.9


def test_a_huge_epsilon_overflows_nowhere():
    assert gaussian_mu(1e6, 1e-5) > 1_000


def summed(epsilon, variance, moved):
    """The least delta, by the sum over all that may come out of what is likelier than e^ε allows."""
    law = np.exp(-(np.arange(-60, 61.0) ** 2) / (2 * variance))
    law /= law.sum()
    here, there = np.ones(1), np.ones(1)
    for step in moved:
        here = np.multiply.outer(here, np.pad(law, (0, 12))).ravel()
        there = np.multiply.outer(there, np.pad(law, (step, 12 - step))).ravel()
    return np.maximum(there - math.exp(epsilon) * here, 0).sum()


@pytest.mark.parametrize("variance", [0.5, 4.0, 30.25])
@pytest.mark.parametrize("epsilon", [0.05, 1.0, 4.0])
@pytest.mark.parametrize("steps", [1, 5, 12])
def test_integers_cost_what_the_sum_says(variance, epsilon, steps):
    exact = summed(epsilon, variance, [steps])
    assert discrete_gaussian_delta(epsilon, variance, steps) == pytest.approx(exact, rel=1e-9, abs=1e-13)


def test_of_several_columns_too_and_whoever_moves_them_less_pays_less():
    said = discrete_gaussian_delta(1.0, 16.0, 4, columns=2)
    assert said == pytest.approx(summed(1.0, 16.0, [4, 4]), rel=1e-9)
    for moved in itertools.product(range(5), repeat=2):
        assert summed(1.0, 16.0, moved) <= said * (1 + 1e-9)
    # and signs make no difference
    three = discrete_gaussian_delta(0.7, 20.25, 3, columns=3)
    assert three == pytest.approx(summed(0.7, 20.25, [3, 3, 3]), rel=1e-8)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.05, 1e-9), (1.0, 1e-5), (5.0, 1e-2), (0.3, 0.2)])
def test_of_wide_noise_the_integral_is_the_sum(monkeypatch, epsilon, delta):
    variance = 1.01 * gaussian.WIDE
    steps = round(math.sqrt(variance) * gaussian_mu(epsilon, delta))
    by_integral = discrete_gaussian_delta(epsilon, variance, steps)
    monkeypatch.setattr(gaussian, "WIDE", math.inf)
    assert by_integral == pytest.approx(discrete_gaussian_delta(epsilon, variance, steps), rel=1e-6)


@pytest.mark.parametrize(("epsilon", "delta"), [(0.2, 1e-6), (1.0, 1e-5), (8.0, 1e-3)])
@pytest.mark.parametrize(("steps", "columns"), [(1, 1), (256, 1), (256, 9)])
def test_the_least_noise_is_private_and_less_is_not(epsilon, delta, steps, columns):
    sigma = discrete_gaussian_sigma(epsilon, delta, steps, columns)
    assert discrete_gaussian_delta(epsilon, sigma**2, steps, columns) <= delta
    assert discrete_gaussian_delta(epsilon, (0.995 * sigma) ** 2, steps, columns) > delta
    if steps > 1:  # so fine a grid is as good as real numbers
        assert sigma == pytest.approx(math.sqrt(columns) * steps / gaussian_mu(epsilon, delta), rel=2e-3)
