"""What ρ means in epsilon: never less than Rényi accounting says, and as tight."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from reticent.measure.zcdp import zcdp_delta, zcdp_epsilon, zcdp_rho


@settings(max_examples=25, deadline=None)
@given(st.floats(1e-5, 20), st.floats(1e-12, 0.1))
def test_rho_and_epsilon_are_each_other_s_inverse(rho, delta):
    epsilon = zcdp_epsilon(rho, delta)
    # where delta alone is enough, nearly any epsilon is
    assert epsilon < 1e-6 or zcdp_rho(epsilon, delta) == pytest.approx(rho, rel=1e-4)
    assert epsilon <= rho + 2 * math.sqrt(rho * math.log(1 / delta))  # Bun & Steinke 2016, proposition 1.3


@pytest.mark.parametrize("rho", [1e-4, 1e-2, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("delta", [1e-3, 1e-5, 1e-9])
def test_dp_accounting_says_the_same(rho, delta):
    accounting = pytest.importorskip("dp_accounting")
    from dp_accounting import rdp

    orders = np.concatenate([np.linspace(1.01, 10, 400), np.geomspace(10, 3000, 1500)])
    accountant = rdp.RdpAccountant(orders)
    accountant.compose(accounting.dp_event.ZCDpEvent(rho))
    theirs = accountant.get_epsilon(delta)
    assert zcdp_epsilon(rho, delta) <= theirs + 1e-9  # they try some orders, we search all
    assert zcdp_epsilon(rho, delta) == pytest.approx(theirs, rel=2e-3)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.2, 30), st.floats(0.05, 10))
def test_it_is_never_less_than_a_gaussian_of_that_rho_has(sigma, epsilon):
    # The exact delta of Gaussian noise (Balle & Wang 2018, theorem 8)
    exact = norm.cdf(0.5 / sigma - epsilon * sigma) - math.exp(epsilon) * norm.cdf(
        -0.5 / sigma - epsilon * sigma
    )
    assert zcdp_delta(1 / (2 * sigma**2), epsilon) >= exact - 1e-12


def test_nothing_spent_is_nothing():
    assert zcdp_delta(0, 1.0) == 0
