"""Limits on trees: leaves that hold enough people, in each library's own words."""

from __future__ import annotations

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from reticent.defences import tree_limits
from reticent.errors import ModelError, PlanError
from reticent.targets.sklearn import SklearnRecipe


def test_no_leaf_holds_fewer(data):
    model = tree_limits(leaf=15).harden(SklearnRecipe(DecisionTreeClassifier())).fit(data, 0).model
    assert np.unique(model.apply(data.features), return_counts=True)[1].min() >= 15


def test_no_tree_is_deeper(data):
    recipe = SklearnRecipe(RandomForestClassifier(5))
    model = tree_limits(depth=2, leaf=None).harden(recipe).fit(data, 0).model
    assert max(tree.get_depth() for tree in model.estimators_) == 2


@pytest.mark.parametrize(
    ("estimator", "option"),
    [(XGBClassifier(n_estimators=2), "min_child_weight"), (LGBMClassifier(), "min_child_samples")],
)
def test_boosting_has_words_of_its_own(estimator, option, data):
    model = tree_limits(depth=3, leaf=7).harden(SklearnRecipe(estimator)).fit(data, 0).model
    assert (model.get_params()[option], model.get_params()["max_depth"]) == (7, 3)


def test_what_grows_no_trees_is_told(logistic, torch_recipe):
    with pytest.raises(ModelError, match="a LogisticRegression has none of these"):
        tree_limits().harden(logistic)
    with pytest.raises(ModelError, match="a TorchRecipe trains none; leave it out"):
        tree_limits().harden(torch_recipe)


@pytest.mark.parametrize("wrong", [{"leaf": None}, {"leaf": 0}, {"depth": 0}])
def test_no_limit_and_wrong_limits_are_told(wrong):
    with pytest.raises(PlanError, match="tree_limits was given"):
        tree_limits(**wrong)
