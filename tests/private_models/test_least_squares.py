"""Linear regression from noisy moments: least squares without the noise, noise by its formula, an audit."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression

from reticent.errors import DataError, PlanError
from reticent.measure.epsilon import epsilon_lower_bound
from reticent.measure.gaussian import gaussian_mu
from reticent.private_models import PrivateLinearRegression
from reticent.private_models.least_squares import moments_solved


def people(rows=2_000, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 3))
    return x, 10 + 4 * x @ [1, -2, 0.5] + rng.normal(size=rows)


def made(epsilon=1.0, **options):
    given = {"delta": 1e-5, "bounds": (-1, 1), "outcome": (-10, 30), "random_state": 0} | options
    return PrivateLinearRegression(epsilon, **given)


def test_without_noise_it_is_least_squares():
    x, y = people()
    ours, plain = made(1e8).fit(x, y), LinearRegression().fit(x, y)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-2)
    assert ours.intercept_ == pytest.approx(plain.intercept_, abs=1e-2)


def test_it_learns_at_a_usual_epsilon_and_its_error_falls_with_more():
    x, y = people(20_000)
    errors = [
        np.mean([np.linalg.norm(made(e, random_state=s).fit(x, y).coef_ - [4, -8, 2]) for s in range(5)])
        for e in (0.3, 30)
    ]
    assert errors[1] < errors[0] / 3
    assert made(1.0).fit(x, y).score(x, y) > 0.8


@pytest.mark.parametrize(("lie", "caught"), [(1, False), (12, True)])
def test_an_audit_finds_no_more_than_was_promised_and_catches_what_lies(lie, caught):
    """Without any record and with one that is furthest out, the weight of one column."""
    rng, mu, told = np.random.default_rng(0), gaussian_mu(1.0, 1e-3), []
    nobody, somebody = (np.zeros((1, 1)), np.zeros(1)), (np.ones((1, 1)), np.ones(1))
    for z, y in (nobody, somebody):
        told.append([moments_solved(z, y, 1.0, mu * lie, rng)[0] for _ in range(4_000)])
    members = np.repeat([False, True], 4_000)
    found = epsilon_lower_bound(np.concatenate(told), members, delta=1e-3, level=0.999).value
    assert (found > 1.0) == caught


def test_outcomes_beyond_their_range_count_as_its_end():
    x, y = people()
    far = y.copy()
    far[0] = 1e12
    near = y.copy()
    near[0] = 30
    np.testing.assert_array_equal(made().fit(x, far).coef_, made().fit(x, near).coef_)


def test_scikit_learns_ways_work():
    model = made()
    assert clone(model).get_params() == model.get_params()
    assert model.guarantee().delta == 1e-5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epsilon": 0.0}, "epsilon=0.0; give"),
        ({"delta": None}, "delta=None; give"),
        ({"delta": 0}, "delta=0; give"),
        ({"outcome": None}, "outcome=None was given"),
        ({"outcome": (3, 1)}, r"outcome=\(3, 1\) was given"),
        ({"bounds": None}, "no bounds"),
    ],
)
def test_what_promises_nothing_is_refused(wrong, said):
    with pytest.raises(PlanError, match=said):
        made(**wrong).fit(*people(50))


def test_outcomes_of_another_length_are_told():
    x, y = people(50)
    with pytest.raises(DataError, match="50 records and 49 outcomes"):
        made().fit(x, y[1:])
