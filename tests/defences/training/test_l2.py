"""L2: the penalty in each kind of model's own terms."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from xgboost import XGBClassifier

from reticent.defences import l2
from reticent.errors import ModelError, PlanError
from reticent.targets.sklearn import SklearnRecipe


def test_a_torch_module_gets_weight_decay(torch_recipe):
    assert l2(0.01).harden(torch_recipe).training.weight_decay == 0.01


@pytest.mark.parametrize(
    ("estimator", "option", "expected"),
    [
        (LogisticRegression(), "C", 1 / (0.01 * 120)),
        (LinearSVC(), "C", 1 / (0.01 * 120)),
        (RidgeClassifier(), "alpha", 0.01 * 120),
        (SGDClassifier(), "alpha", 0.01),
        (MLPClassifier(max_iter=2), "alpha", 0.01),
        (HistGradientBoostingClassifier(max_iter=2), "l2_regularization", 0.01 * 120),
        (XGBClassifier(n_estimators=2), "reg_lambda", 0.01 * 120),
        (LGBMClassifier(n_estimators=2), "reg_lambda", 0.01 * 120),
    ],
)
def test_each_estimator_gets_what_means_the_same(estimator, option, expected, data):
    hardened = l2(0.01).harden(SklearnRecipe(estimator))
    assert hardened.fit(data, 0).model.get_params()[option] == pytest.approx(expected)


def test_parts_of_a_pipeline_are_found(data):
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    fitted = l2(1.0).harden(SklearnRecipe(pipe)).fit(data, 0).model
    strength = fitted.named_steps["logisticregression"].C
    assert strength == pytest.approx(1 / 120)


def test_the_penalty_of_logistic_regression_is_the_one_of_the_definition(data):
    """The gradient of the mean loss + λ/2 ‖w‖² is 0 where it is fitted, to the solver's tolerance."""
    recipe = SklearnRecipe(LogisticRegression(tol=1e-8, max_iter=10_000))
    model = l2(0.05).harden(recipe).fit(data, 0).model
    p = model.predict_proba(data.features)
    off = p - np.eye(3)[data.labels]
    gradient = off.T @ data.features / len(data) + 0.05 * model.coef_
    assert np.abs(gradient).max() < 1e-3


def test_more_of_it_leaves_smaller_weights(logistic, data):
    norms = [np.linalg.norm(l2(s).harden(logistic).fit(data, 0).model.coef_) for s in (1e-4, 1e-2, 1.0)]
    assert norms == sorted(norms, reverse=True)


def test_a_forest_has_nothing_to_penalise():
    with pytest.raises(ModelError, match=r"l2 sets C, alpha, .* a RandomForestClassifier has none of these"):
        l2().harden(SklearnRecipe(RandomForestClassifier()))


@pytest.mark.parametrize("strength", [-1.0, float("inf"), float("nan")])
def test_a_strength_out_of_range_is_told(strength):
    with pytest.raises(PlanError, match="l2 was given strength="):
        l2(strength)
