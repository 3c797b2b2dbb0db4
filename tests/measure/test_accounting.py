"""What privacy costs: dp-accounting's own figures, closed forms, and noise that is enough and no more."""

from __future__ import annotations

import math

import pytest
from dp_accounting import dp_event, pld
from scipy.stats import norm

from reticent.errors import PlanError
from reticent.measure.accounting import (
    gaussian_epsilon,
    gaussian_noise,
    laplace_epsilon,
    sampled_gaussian_epsilon,
    sampled_gaussian_noise,
)


@pytest.mark.parametrize(
    ("noise", "rate", "steps", "close"),
    [(1.1, 0.01, 500, 1e-12), (2.0, 0.1, 100, 1e-12), (0.7, 0.02, 200, 1e-3), (0.3, 0.05, 40, 5e-3)],
)
def test_sampled_steps_cost_what_dp_accounting_says(noise, rate, steps, close):
    accountant = pld.PLDAccountant()
    sampled = dp_event.PoissonSampledDpEvent(rate, dp_event.GaussianDpEvent(noise))
    accountant.compose(dp_event.SelfComposedDpEvent(sampled, steps))
    expected = accountant.get_epsilon(1e-5)
    found = sampled_gaussian_epsilon(noise, rate, steps, 1e-5)
    assert found == pytest.approx(expected, rel=close)
    assert found >= expected - 1e-9  # where losses are told apart more coarsely the bound is from above


@pytest.mark.parametrize(("noise", "times"), [(1.0, 1), (4.0, 16), (8.0, 30)])
def test_gaussian_mechanisms_meet_the_closed_form(noise, times):
    """Balle & Wang 2018 (arXiv:1805.06530), theorem 8: `times` of them are one of noise / √times."""
    epsilon = gaussian_epsilon(noise, times, 1e-5)
    one = noise / math.sqrt(times)
    delta = norm.cdf(0.5 / one - epsilon * one) - math.exp(epsilon) * norm.cdf(-0.5 / one - epsilon * one)
    assert delta == pytest.approx(1e-5, rel=2e-2)


def test_one_laplace_answer_costs_one_over_its_scale():
    assert laplace_epsilon(2.0, 1, 1e-12) == pytest.approx(0.5, abs=1e-3)
    assert laplace_epsilon(2.0, 30, 1e-5) < 15


@pytest.mark.parametrize("epsilon", [0.5, 3.0, 20.0])
def test_the_noise_found_is_enough_and_hardly_more(epsilon):
    noise = sampled_gaussian_noise(epsilon, 0.05, 100, 1e-5)
    assert sampled_gaussian_epsilon(noise, 0.05, 100, 1e-5) <= epsilon
    assert sampled_gaussian_epsilon(noise - 0.005, 0.05, 100, 1e-5) > epsilon


def test_the_noise_of_whole_passes_is_enough():
    noise = gaussian_noise(2.0, 12, 1e-6)
    assert gaussian_epsilon(noise, 12, 1e-6) <= 2.0 < gaussian_epsilon(noise - 0.005, 12, 1e-6)


def test_an_epsilon_out_of_reach_is_told():
    with pytest.raises(PlanError, match=r"no noise gives epsilon=1e-06 .* give a larger epsilon"):
        gaussian_noise(1e-6, 10_000, 1e-9)


def test_more_steps_cost_more_and_more_noise_less():
    costs = [sampled_gaussian_epsilon(1.0, 0.05, steps, 1e-5) for steps in (1, 10, 100)]
    assert costs == sorted(costs)
    costs = [sampled_gaussian_epsilon(noise, 0.05, 10, 1e-5) for noise in (4.0, 1.0, 0.6)]
    assert costs == sorted(costs)
