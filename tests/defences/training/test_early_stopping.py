"""Early stopping: by the reference, by a share of the own records, and as estimators have it."""

from __future__ import annotations

import pytest
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier
from sklearn.neural_network import MLPClassifier

from reticent.defences import early_stopping
from reticent.errors import ModelError, PlanError
from reticent.targets.sklearn import SklearnRecipe


def test_a_torch_module_watches_the_reference(torch_recipe, reference):
    hardened = early_stopping(3, 0.2).harden(torch_recipe, reference)
    assert hardened.reference is reference
    assert (hardened.training.stopping.patience, hardened.training.stopping.share) == (3, 0.2)
    assert early_stopping().harden(torch_recipe).reference is None


@pytest.mark.parametrize("estimator", [MLPClassifier(max_iter=200), HistGradientBoostingClassifier()])
def test_estimators_that_can_stop_do(estimator, data):
    model = early_stopping(3, 0.2).harden(SklearnRecipe(estimator)).fit(data, 0).model
    options = model.get_params()
    assert (options["early_stopping"], options["n_iter_no_change"]) == (True, 3)
    assert options["validation_fraction"] == 0.2
    assert model.n_iter_ < options["max_iter"]


def test_gradient_boosting_stops_without_saying_so(data):
    model = early_stopping(3).harden(SklearnRecipe(GradientBoostingClassifier())).fit(data, 0).model
    assert model.n_estimators_ < 100


def test_what_does_not_go_in_rounds_is_told(logistic):
    with pytest.raises(ModelError, match="a LogisticRegression has none of these; leave it out"):
        early_stopping().harden(logistic)


@pytest.mark.parametrize("wrong", [{"patience": 0}, {"share": 0.0}, {"share": 1.0}])
def test_numbers_out_of_range_are_told(wrong):
    with pytest.raises(PlanError, match="early_stopping was given"):
        early_stopping(**wrong)
