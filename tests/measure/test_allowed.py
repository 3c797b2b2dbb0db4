"""What (ε, δ) pairs allow: the line is theirs, and counts on it are seldom accused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from reticent.measure.allowed import Allowed
from reticent.measure.estimate import clopper_pearson_bounds

EPSILONS = np.linspace(0, 4, 40)


def gaussian(mu: float) -> Allowed:
    """What one Gaussian mechanism allows: Dong, Roth & Su, arXiv:1905.02383, corollary 2.13."""
    return Allowed(
        EPSILONS,
        norm.cdf(-EPSILONS / mu + mu / 2) - np.exp(EPSILONS) * norm.cdf(-EPSILONS / mu - mu / 2),
    )


@pytest.mark.parametrize("mu", [0.3, 1.0, 2.0])
def test_the_line_of_a_gaussian_is_its_trade_off(mu):
    fpr = np.linspace(0.01, 0.99, 50)
    best = gaussian(mu).best(fpr)
    true = norm.cdf(norm.ppf(fpr) + mu)
    assert (best >= true - 1e-9).all()  # finitely many pairs allow a little more
    assert best == pytest.approx(true, abs=0.01)


@given(st.floats(0, 5), st.floats(0, 0.3), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_one_pair_allows_what_its_two_lines_do(epsilon, delta, fpr):
    best = Allowed(np.array([epsilon]), np.array([delta])).best(np.array([fpr]))[0]
    lines = np.exp(epsilon) * fpr + delta, 1 - (1 - fpr - delta) * np.exp(-epsilon)
    assert best == pytest.approx(min(1.0, *lines), abs=1e-9)
    assert best >= fpr - 1e-12


@pytest.mark.parametrize("allowed", [gaussian(1.0), Allowed(np.array([1.0]), np.array([0.0]))])
@pytest.mark.parametrize(("out", "inside"), [(9, 13), (20, 16)])
def test_trials_on_the_line_are_accused_no_more_often_than_is_said(allowed, out, inside):
    """Over all counts, summed exactly: no rate on the line is accused more often than the error."""
    chances = np.array(
        [[allowed.chance(fp, fn, out, inside) for fn in range(inside + 1)] for fp in range(out + 1)]
    )
    fpr = np.linspace(0, 1, 41)
    wrong, missed = binom.pmf(np.arange(out + 1), out, fpr[:, None]), 1 - allowed.best(fpr)
    lost = binom.pmf(np.arange(inside + 1), inside, missed[:, None])
    for error in (0.01, 0.02, 0.1):
        accused = np.einsum("ra,rb,ab->r", wrong, lost, chances <= error)
        assert (accused <= error + 1e-9).all()
    assert chances[0, 0] == chances.min() and chances.max() == pytest.approx(1)


def test_fewer_errors_never_speak_less_against_it():
    allowed = gaussian(0.7)
    of = lambda fp, fn: allowed.chance(fp, fn, 40, 40)  # noqa: E731
    assert of(2, 5) <= of(2, 9) <= of(2, 20) and of(2, 5) <= of(6, 5) <= of(20, 5)


def test_both_rates_at_once_need_fewer_trials_than_a_bound_on_each():
    allowed, counts = gaussian(0.7), (28, 28, 100, 100)
    _, rates = clopper_pearson_bounds([28, 28], 100, 0.01)
    assert 1 - rates[1] < allowed.best(rates[:1])[0]  # two bounds of 0.01 each show nothing
    assert allowed.chance(*counts) <= 0.02
