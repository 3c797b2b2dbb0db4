"""Logistic regression by objective perturbation: the proof's own density, the optimum, an audit."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad
from scipy.special import expit
from scipy.stats import norm
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from reticent.errors import DataError, PlanError
from reticent.measure.epsilon import epsilon_lower_bound
from reticent.measure.gaussian import gaussian_mu
from reticent.private_models import PrivateLogisticRegression
from reticent.private_models.linear import SOLVER_SHARE, TOLERANCE, perturbed, spend
from reticent.private_models.softmax import Objective, probabilities


def people(rows=300, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 3))
    scores = x @ rng.normal(scale=3, size=(3, classes)) + rng.gumbel(size=(rows, classes))
    return x, scores.argmax(axis=1)


def made(epsilon=1.0, classes=2, **options):
    named = tuple(range(classes)) if isinstance(classes, int) else classes
    given = {"bounds": (-1, 1), "classes": named, "random_state": 0} | options
    return PrivateLogisticRegression(epsilon, **given)


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_without_noise_it_is_scikit_learns(classes):
    """The intercept is held down like every weight: there, a column of ones does the same."""
    x, y = people(classes=classes)
    ours = made(1e6, classes, regularisation=1.5).fit(x, y)
    ones = np.column_stack([x, np.ones(len(x))])
    plain = LogisticRegression(C=1 / 1.5, fit_intercept=False, tol=1e-10, max_iter=5_000).fit(ones, y)
    np.testing.assert_allclose(ours.predict_proba(x), plain.predict_proba(ones), atol=1e-3)
    assert (ours.predict(x) == plain.predict(ones)).mean() > 0.99


@pytest.mark.parametrize("classes", [2, 3])
def test_gradient_and_hessian_are_those_of_the_loss(classes):
    x, y = people(40, classes)
    rng = np.random.default_rng(1)
    rows = 1 if classes == 2 else classes
    objective = Objective(x, y, rng.normal(size=(rows, 3)), 0.7)

    def value(w):
        w = w.reshape(rows, 3)
        loss = -np.log(probabilities(x @ w.T)[np.arange(len(x)), y]).sum()
        return loss + 0.35 * (w**2).sum() + (objective.linear * w).sum()

    at = rng.normal(size=rows * 3)
    assert (
        check_grad(value, lambda w: objective.gradient(w.reshape(rows, 3))[0].ravel(), at, epsilon=1e-6)
        < 1e-4
    )
    gradient, p = objective.gradient(at.reshape(rows, 3))
    step = 1e-6 * rng.normal(size=rows * 3)
    moved = objective.gradient((at + step).reshape(rows, 3))[0] - gradient
    np.testing.assert_allclose(objective.hessian(p) @ step, moved.ravel(), rtol=1e-4, atol=1e-9)


@given(st.integers(0, 10_000), st.integers(2, 4), st.floats(1e-2, 1e3), st.floats(0, 1e3))
def test_the_solver_reaches_the_lowest_point_from_anywhere(seed, classes, ridge, noise):
    x, y = people(30, classes, seed)
    rows = 1 if classes == 2 else classes
    linear = noise * np.random.default_rng(seed).normal(size=(rows, 3))
    objective = Objective(x, y, linear, ridge)
    assert np.linalg.norm(objective.gradient(objective.solve(TOLERANCE))[0]) <= TOLERANCE


def test_the_budget_adds_up_to_epsilon_and_delta():
    """Derived again here: R = 2, h = ¼ for two classes; K = 4 has rank 3 and trace (1 − ¼) R²."""
    two = spend(1.0, 1e-5, 2, 2.0, 10.0)
    assert two.epsilon + two.solver_epsilon + log(1 + 4 * 0.25 / 10) == pytest.approx(1.0)
    assert two.delta + two.solver_delta == pytest.approx(1e-5)
    assert two.sensitivity == 2.0
    four = spend(1.0, 1e-5, 4, 2.0, 50.0)
    assert four.epsilon + four.solver_epsilon + 3 * log(1 + 0.75 * 4 / (3 * 50)) == pytest.approx(1.0)
    assert 3 * four.delta + four.solver_delta == pytest.approx(1e-5)
    assert four.sensitivity == pytest.approx(np.sqrt(8))
    chosen = spend(1.0, 0.0, 2, 2.0, None)
    assert log(1 + 1 / chosen.ridge) == pytest.approx(0.2)


@given(st.integers(2, 6), st.floats(0.05, 20), st.integers(0, 1_000))
def test_no_record_multiplies_the_determinant_by_more_than_is_paid_for(classes, ridge, seed):
    """The bound of the module's second point, against determinants themselves."""
    rng = np.random.default_rng(seed)
    x, y = people(6, classes, seed)
    x *= rng.choice([0.01, 1, 5])
    z = rng.normal(size=(1, 3))
    z *= 2.0 / np.linalg.norm(z)
    rows = 1 if classes == 2 else classes
    w = rng.normal(scale=2, size=(rows, 3))
    without, extra = (
        Objective(x, y, w, ridge),
        Objective(np.concatenate([x, z]), np.append(y, 0), w, ridge),
    )
    logs = [np.linalg.slogdet(o.hessian(o.gradient(w)[1]))[1] for o in (without, extra)]
    rank, trace = classes - 1, (0.25 if classes == 2 else 1 - 1 / classes) * 4
    assert -1e-9 <= logs[1] - logs[0] <= rank * log(1 + trace / (rank * ridge)) + 1e-9


def density_ratio(budget, wide, delta_noise, others=1):
    """|ln p/p′| of one weight on a fine grid, with and without a record of norm R = 1; and both densities."""
    w = np.linspace(-wide, wide, 400_001)
    s = expit(w)
    slope = expit(w)
    told = []
    for extra in (0, 1):  # so many records of each class, and perhaps one more of the second
        n0, n1 = others, others + extra
        b = -budget.ridge * w - n0 * slope + n1 * (1 - slope)
        jacobian = np.log(budget.ridge + (n0 + n1) * s * (1 - s))
        if delta_noise:
            sigma = budget.sensitivity / gaussian_mu(budget.epsilon, budget.delta)
            told.append(norm.logpdf(b, scale=sigma) + jacobian)
        else:
            rate = budget.epsilon / budget.sensitivity
            told.append(np.log(rate / 2) - rate * np.abs(b) + jacobian)
    return w, told[0], told[1]


@pytest.mark.parametrize("epsilon", [0.2, 1.0, 4.0])
def test_the_density_itself_keeps_a_pure_guarantee(epsilon):
    """One weight's density can be written down: its logarithms differ by epsilon at most."""
    budget = spend(epsilon, 0.0, 2, 1.0, None)
    for others in (0, 1, 5):
        _, without, extra = density_ratio(budget, 60 / budget.ridge / min(epsilon, 1), False, others)
        worst = np.abs(without - extra).max()
        assert 0.5 * epsilon < worst <= epsilon * (1 - SOLVER_SHARE) + 1e-9


@pytest.mark.parametrize("epsilon", [0.2, 1.0, 4.0])
def test_the_density_itself_keeps_a_guarantee_with_delta(epsilon):
    budget = spend(epsilon, 1e-3, 2, 1.0, None)
    w, without, extra = density_ratio(budget, 80 / budget.ridge / min(epsilon, 1), True)
    step = w[1] - w[0]
    assert np.exp(without).sum() * step == pytest.approx(1, abs=1e-3)
    for one, other in ((without, extra), (extra, without)):
        excess = np.maximum(np.exp(one) - np.exp(epsilon + other), 0).sum() * step
        assert excess <= 1e-3


def test_planted_faults_break_the_guarantee_in_the_density():
    """Half the noise, or a ridge too small for what was paid."""
    budget = spend(1.0, 0.0, 2, 1.0, None)
    for fault in (
        replace(budget, sensitivity=budget.sensitivity / 2),
        replace(budget, ridge=budget.ridge / 30),
    ):
        _, without, extra = density_ratio(fault, 60 / fault.ridge, False, others=0)
        assert np.abs(without - extra).max() > 1.0


def audited(budget, delta, trials=1_500, seed=0):
    """An auditor's lower bound from fits with and without one record, of one weight."""
    rng = np.random.default_rng(seed)
    z, y = np.array([[1.0], [1.0]]), np.array([0, 1])
    more, told = (np.concatenate([z, [[1.0]]]), np.append(y, 1)), []
    for features, labels in ((z, y), more):
        told.append([perturbed(features, labels, 1, budget, "objective", rng)[0, 0] for _ in range(trials)])
    members = np.repeat([False, True], trials)
    return epsilon_lower_bound(np.concatenate(told), members, delta=delta, level=0.999).value


@pytest.mark.parametrize("delta", [0.0, 1e-3])
def test_an_audit_finds_no_more_than_was_promised_and_catches_what_lies(delta):
    budget = spend(1.0, delta, 2, 1.0, None)
    assert audited(budget, delta) <= 1.0
    lying = replace(budget, sensitivity=budget.sensitivity / 8)
    assert audited(lying, delta) > 1.0


def test_output_perturbation_promises_the_same_and_sees_the_ridge_alone():
    x, y = people(400)
    far = [
        np.linalg.norm(made(2.0, way=way, regularisation=20, random_state=s).fit(x, y).coef_ - still)
        for way in ("objective", "output")
        for still in [made(1e6, regularisation=20).fit(x, y).coef_]
        for s in range(8)
    ]
    assert np.mean(far[:8]) < np.mean(far[8:])


@given(st.integers(0, 1_000))
def test_the_order_of_records_does_not_matter(seed):
    x, y = people(50)
    order = np.random.default_rng(seed).permutation(50)
    one, other = made().fit(x, y), made().fit(x[order], y[order])
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-7)


def test_the_same_seed_the_same_bits_and_none_another_each_time():
    x, y = people()
    assert np.array_equal(made().fit(x, y).coef_, made().fit(x, y).coef_)
    assert not np.allclose(made(random_state=None).fit(x, y).coef_, made(random_state=None).fit(x, y).coef_)


def test_what_lies_beyond_its_bounds_counts_as_the_bound():
    x, y = people()
    wild = x.copy()
    wild[0], wild[1] = 1e9, np.nan
    tame = x.copy()
    tame[0], tame[1] = 1.0, 0.0
    np.testing.assert_array_equal(made().fit(wild, y).coef_, made().fit(tame, y).coef_)


def test_longer_records_are_shortened_to_the_norm():
    x, y = people()
    model = made(bounds=None, norm=0.5)
    z = model._encode(np.vstack([x, [[np.inf, 0, 0]]]))
    assert np.linalg.norm(z[:, :3], axis=1).max() <= 0.5 + 1e-12
    assert (z[:, 3] == 1).all()
    assert made(bounds=None, norm=0.5).fit(x, y).score(x, y) > 0.5
    assert made(norm=9.0)._norm(x) == pytest.approx(2.0)  # three columns and the constant


def test_scikit_learns_ways_work():
    x, y = people()
    model = made(8.0)
    assert clone(model).get_params() == model.get_params()
    assert cross_val_score(model, x, y, cv=3).mean() > 0.7
    assert model.fit(x, y).decision_function(x).shape == (300,)
    assert set(made(8.0, classes=("yes", "no")).fit(x, np.where(y, "yes", "no")).predict(x)) == {"yes", "no"}


def test_a_class_that_no_record_has_is_learnt_of_all_the_same():
    x, y = people()
    model = made(1.0, classes=4).fit(x, y)
    assert model.predict_proba(x).shape == (300, 4)
    assert made(1.0).fit(x, np.zeros(300, int)).predict_proba(x).shape == (300, 2)


def test_a_delta_that_promises_nothing_is_told():
    x, y = people()
    with pytest.warns(UserWarning, match="delta=0.1 is not below one over 300 records"):
        made(1.0, delta=0.1).fit(x, y)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"epsilon": None}, "epsilon=None; give one above 0"),
        ({"epsilon": 0}, "epsilon=0; give"),
        ({"epsilon": float("nan")}, "epsilon=nan; give"),
        ({"epsilon": True}, "epsilon=True; give"),
        ({"delta": 1.0}, "delta=1.0; give"),
        ({"delta": -1e-9}, "delta=-1e-09; give"),
        ({"bounds": None}, "no bounds were given"),
        ({"classes": None}, "no classes were given"),
        ({"classes": (0,)}, "give two or more"),
        ({"classes": (0, 1, 1)}, "each once"),
        ({"norm": 0.0}, "norm=0.0 was given"),
        ({"regularisation": 0.0}, "regularisation=0.0 was given, and the proof needs some"),
        ({"regularisation": 1e-3}, r"takes .* of epsilon 1 by itself.*give at least 1\.\d+, or leave it out"),
        ({"way": "both"}, "way='both' was given"),
    ],
)
def test_what_promises_nothing_is_refused(wrong, said):
    x, y = people()
    epsilon = wrong.pop("epsilon", 1.0)
    with pytest.raises(PlanError, match=said):
        made(epsilon, **wrong).fit(x, y)


def test_the_least_regularisation_that_is_told_is_enough():
    least = 0.25 * 4 / (exp(0.49) - 1)
    spend(1.0, 0.0, 2, 2.0, least * 1.001)
    with pytest.raises(PlanError, match="takes"):
        spend(1.0, 0.0, 2, 2.0, least * 0.98)


def test_labels_and_shapes_that_do_not_fit_are_told():
    x, y = people()
    with pytest.raises(DataError, match="some labels are none of the 2 classes"):
        made().fit(x, np.where(y == 1, 7, 0))
    with pytest.raises(DataError, match="some labels are none"):
        made().fit(x, np.where(y == 1, "a", "b"))
    with pytest.raises(DataError, match="and 299 labels were given"):
        made().fit(x, y[1:])
    with pytest.raises(DataError, match="3 bounds were given for 2 columns"):
        made(bounds=[(-1, 1)] * 3).fit(x, y).predict(x[:, :2])


def test_more_weights_than_can_be_solved_to_the_end_are_told():
    x = np.zeros((5, 1_500))
    with pytest.raises(PlanError, match="use dp_sgd"):
        made(1.0, classes=4).fit(x, [0, 1, 2, 3, 0])
