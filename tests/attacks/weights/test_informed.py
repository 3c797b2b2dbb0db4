"""The informed adversary: the missing record, exactly, at the optimum; and a sentence where there is none."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from reticent.attacks.weights import InformedAdversary
from reticent.errors import DataError, ModelError
from reticent.open_model import OpenModel

RNG = np.random.default_rng(0)
X = RNG.random((40, 6))
Y = ((X - 0.5) @ RNG.normal(size=6) + RNG.normal(scale=0.3, size=40) > 0).astype(int)
KINDS = np.array(["cat", "dog", "fox"])[RNG.integers(3, size=40)]


def fitted(y=Y, **options):
    chosen = {"solver": "newton-cholesky", "tol": 1e-12, "C": 0.7, **options}
    return LogisticRegression(**chosen).fit(X, y)


def asked(model, missing=7, y=Y, known=None):
    rest = np.delete(X, missing, axis=0) if known is None else known
    seen = OpenModel(model=model, shape=(2, 3), low=0.0, high=1.0, known=rest, labels=np.delete(y, missing))
    return InformedAdversary().reconstruct(seen, 0)


@pytest.mark.parametrize("y", [Y, KINDS], ids=["two classes", "three classes"])
@pytest.mark.parametrize("missing", [0, 7, 39])
def test_the_missing_record_and_its_label_are_found(y, missing):
    made = asked(fitted(y), missing, y)
    assert made.records.shape == (1, 2, 3)
    assert np.abs(made.records.ravel() - X[missing]).max() < 1e-9
    assert made.labels.tolist() == [y[missing]]
    assert made.mismatch < 1e-8


def test_it_is_the_ratio_of_what_the_gradients_leave_over():
    model = fitted()
    rest, labels = np.delete(X, 7, axis=0), np.delete(Y, 7)
    total = np.zeros(7)
    for record, label in zip(rest, labels, strict=True):
        chance = 1 / (1 + np.exp(-(model.coef_[0] @ record + model.intercept_[0])))
        total += (chance - label) * np.append(record, 1)
    total[:6] += model.coef_[0] / 0.7
    assert asked(model).records.ravel() == pytest.approx(total[:6] / total[6], abs=1e-9)


def test_a_model_that_never_saw_the_record_gives_none_of_it():
    unseen = LogisticRegression(solver="newton-cholesky", tol=1e-12, C=0.7)
    unseen.fit(np.delete(X, 7, axis=0), np.delete(Y, 7))
    made = asked(unseen)
    assert np.abs(made.records.ravel() - X[7]).max() > 0.05


def test_noise_on_the_weights_spoils_it_and_the_mismatch_says_so():
    model = fitted()
    model.coef_ = model.coef_ + RNG.normal(scale=0.1, size=model.coef_.shape)
    made = asked(model)
    assert np.abs(made.records.ravel() - X[7]).max() > 0.1
    assert made.mismatch > 1e-3


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"fit_intercept": False}, "without an intercept"),
        ({"solver": "liblinear", "tol": 1e-4}, "liblinear"),
        ({"solver": "saga", "l1_ratio": 1.0, "max_iter": 5000, "tol": 1e-3}, "other than L2"),
        ({"class_weight": "balanced"}, "weighs its classes"),
    ],
)
def test_a_model_without_the_closed_form_is_refused(options, says):
    with pytest.raises(ModelError, match=says):
        asked(fitted(**options))


def test_a_model_that_stopped_early_is_refused():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fitted(solver="lbfgs", max_iter=2)
    with pytest.raises(ModelError, match="max_iter=2"):
        asked(model)


def test_another_kind_of_model_or_one_not_fitted_is_refused():
    for model in (object(), LogisticRegression()):
        with pytest.raises(ModelError, match="needs a fitted LogisticRegression"):
            asked(model)


def test_weights_that_are_not_finite_are_refused():
    model = fitted()
    model.coef_ = np.full_like(model.coef_, np.nan)
    with pytest.raises(ModelError, match="not finite"):
        asked(model)


def test_known_records_of_another_size_or_label_are_refused():
    with pytest.raises(DataError, match="values were given to a model of 6"):
        asked(fitted(), known=np.zeros((39, 5)))
    with pytest.raises(DataError, match="labels that the model does not"):
        asked(fitted(), y=Y + 5)
