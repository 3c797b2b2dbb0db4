"""Noise on vectors: its distributions against their formulas."""

from __future__ import annotations

import numpy as np
from scipy import stats

from reticent.measure.gaussian import gaussian_mu
from reticent.private_models.noise import spherical


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
    assert np.abs(spherical((100,), 1.0, 1e6, 0.0, np.random.default_rng(3))).max() < 1e-2
