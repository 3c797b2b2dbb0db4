"""Noise: its distributions against their formulas, its scale against other people's accounting."""

from __future__ import annotations

import numpy as np
import pytest
from dp_accounting import dp_event
from dp_accounting.pld import PLDAccountant
from scipy import stats

from reticent.private_models.noise import gaussian_delta, gaussian_mu, geometric, spherical


@pytest.mark.parametrize(("epsilon", "sensitivity"), [(0.5, 1), (2.0, 1), (1.0, 7)])
def test_geometric_noise_has_its_distribution(epsilon, sensitivity):
    drawn = geometric(np.zeros(100_000, np.int64), sensitivity, epsilon, np.random.default_rng(0))
    a = np.exp(-epsilon / sensitivity)
    k = np.arange(-8, 9)
    expected = (1 - a) / (1 + a) * a ** np.abs(k)
    seen = np.array([(drawn == i).sum() for i in k])
    rest = len(drawn) - seen.sum()
    told = np.append(expected, 1 - expected.sum()) * len(drawn)
    assert stats.chisquare(np.append(seen, rest), told).pvalue > 1e-4
    assert drawn.dtype.kind == "i"


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


def test_spherical_noise_has_the_lengths_of_its_density_and_no_direction():
    rng, dims = np.random.default_rng(1), 4
    drawn = np.array([spherical((dims,), 2.0, 0.5, 0.0, rng) for _ in range(4_000)])
    length = np.linalg.norm(drawn, axis=1)
    # density ∝ exp(−‖b‖/4) in four dimensions: lengths are Gamma(4, 4)
    assert stats.kstest(length, stats.gamma(dims, scale=4.0).cdf).pvalue > 1e-4
    assert np.abs(np.mean(drawn / length[:, None], axis=0)).max() < 0.05


def test_gaussian_vectors_have_their_deviation():
    drawn = spherical((50_000,), 3.0, 1.0, 1e-5, np.random.default_rng(2))
    assert stats.kstest(drawn, stats.norm(scale=3.0 / gaussian_mu(1.0, 1e-5)).cdf).pvalue > 1e-4


def test_noise_of_a_huge_epsilon_is_nothing_and_overflows_nowhere():
    rng = np.random.default_rng(3)
    assert np.abs(geometric(np.zeros(1_000, np.int64), 1, 1e6, rng)).max() == 0
    assert np.abs(spherical((100,), 1.0, 1e6, 0.0, rng)).max() < 1e-2
    assert gaussian_mu(1e6, 1e-5) > 1_000
