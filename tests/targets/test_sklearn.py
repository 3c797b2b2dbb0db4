"""Scikit-learn-likes as targets, and how to train others like them."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, SGDClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

from reticent.access import FLOOR, Access, WhiteBox
from reticent.data import Records
from reticent.errors import ModelError
from reticent.targets.sklearn import SklearnRecipe, SklearnTarget

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(200, 2))


def table() -> pd.DataFrame:
    """Numbers with gaps, a category, text with gaps, an integer: what users have."""
    frame = pd.DataFrame(NUMBERS, columns=["age", "income"])
    frame.loc[::7, "age"] = np.nan
    frame["sex"] = pd.Categorical(np.where(NUMBERS[:, 0] > 0, "f", "m"), categories=["f", "m", "x"])
    frame["job"] = np.where(np.arange(200) % 5 == 0, None, np.where(NUMBERS[:, 1] > 0, "nurse", "cook"))
    frame["children"] = RNG.integers(0, 4, 200)
    return frame


TABLE = table()
TEXT = np.where(NUMBERS.sum(axis=1) > 0, "yes", "no")
CODES = (TEXT == "yes").astype(np.int64)


def pipeline(last):
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income", "children"]),
        (
            make_pipeline(
                SimpleImputer(strategy="most_frequent"),
                OneHotEncoder(handle_unknown="ignore"),
            ),
            ["job"],
        ),
        (OneHotEncoder(handle_unknown="ignore"), ["sex"]),
    )
    return make_pipeline(columns, last)


CATEGORIES = TABLE.assign(job=TABLE["job"].astype("category"))

CASES = {
    "forest in a pipeline": (pipeline(RandomForestClassifier(5)), TABLE, TEXT),
    "logistic in a pipeline": (pipeline(LogisticRegression()), TABLE, TEXT),
    "boosting on categories": (HistGradientBoostingClassifier(max_iter=5), CATEGORIES, TEXT),
    "xgboost on categories": (
        XGBClassifier(n_estimators=3, max_depth=2, enable_categorical=True, subsample=0.7),
        CATEGORIES,
        CODES,
    ),
    "lightgbm on categories": (
        LGBMClassifier(n_estimators=3, subsample=0.7, subsample_freq=1, verbose=-1),
        CATEGORIES,
        TEXT,
    ),
    "forest on an array": (RandomForestClassifier(5), NUMBERS, CODES),
    "search": (GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=2), NUMBERS, TEXT),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def records(x, y, classes=None) -> Records:
    classes = np.unique(y) if classes is None else classes
    return Records(x, np.searchsorted(classes, y), classes)


def test_a_target_answers_what_the_model_answers(case):
    model, x, y = case
    model.fit(x, y)
    target = SklearnTarget(model)
    assert target.access == Access.SCORES
    assert target.classes.tolist() == np.unique(y).tolist()
    outputs = target.predict(x)
    expected = np.maximum(model.predict_proba(x), FLOOR)
    np.testing.assert_allclose(np.exp(outputs.log_scores), expected, rtol=1e-5)
    assert (target.classes[outputs.labels] == model.predict(x)).mean() > 0.98  # ties may differ
    assert outputs.logits is None
    assert not isinstance(target, WhiteBox)


def test_a_recipe_trains_the_same_from_the_same_seed_and_another_from_another(case):
    model, x, y = case
    recipe, data = SklearnRecipe(model), records(x, y)
    first, again, other = (recipe.fit(data, seed) for seed in (1, 1, 2))
    assert first.fingerprint() == again.fingerprint() != other.fingerprint()
    np.testing.assert_array_equal(first.predict(x).log_scores, again.predict(x).log_scores)


def test_a_recipe_of_a_fitted_model_learns_from_its_own_records_alone():
    fitted = pipeline(RandomForestClassifier(20, random_state=3)).fit(TABLE, TEXT)
    data = records(TABLE, TEXT)
    mask = np.arange(200) < 100
    (one,) = SklearnRecipe(fitted).fit_many(data, mask[None], [5])
    alone = pipeline(RandomForestClassifier(20, random_state=5)).fit(TABLE[:100], TEXT[:100])
    expected = np.maximum(alone.predict_proba(TABLE), FLOOR)
    np.testing.assert_allclose(np.exp(one.predict(TABLE).log_scores), expected)
    assert fitted[-1].random_state == 3  # the user's own object is left alone


def test_every_nested_seed_is_set_and_nothing_runs_side_by_side():
    forest = GridSearchCV(RandomForestClassifier(n_jobs=-1, verbose=1), {"max_depth": [1]}, n_jobs=2)
    vote = VotingClassifier([("forest", forest), ("xgboost", XGBClassifier(n_jobs=8))], n_jobs=2)
    fitted = SklearnRecipe(pipeline(vote))._seeded(7, 100).get_params()
    assert {v for k, v in fitted.items() if k.endswith("random_state")} == {7}
    cores = {k: v for k, v in fitted.items() if k.endswith("n_jobs")}
    assert cores.pop("votingclassifier__xgboost__n_jobs") == 1
    assert set(cores.values()) == {None}  # which is one
    assert {v for k, v in fitted.items() if k.endswith("verbose")} == {False}


def test_lightgbm_prints_nothing(capfd):
    SklearnRecipe(make_pipeline(StandardScaler(), LGBMClassifier(n_estimators=2))).fit(
        records(NUMBERS, CODES), 0
    )
    assert capfd.readouterr() == ("", "")


THREE = np.repeat(["a", "b", "c"], [90, 90, 20])


@pytest.mark.parametrize(
    "model", [RandomForestClassifier(5), LogisticRegression(), XGBClassifier(n_estimators=3, max_depth=2)]
)
@pytest.mark.parametrize("missing", ["a", "b", "c"])
def test_a_class_that_a_shadow_model_never_saw_gets_the_smallest_probability(model, missing):
    data = records(NUMBERS, THREE)
    (target,) = SklearnRecipe(model).fit_many(data, (missing != THREE)[None], [0])
    outputs = target.predict(NUMBERS)
    lost = data.classes.tolist().index(missing)
    np.testing.assert_allclose(outputs.log_scores[:, lost], np.log(FLOOR))
    np.testing.assert_allclose(np.exp(outputs.log_scores).sum(axis=1), 1, atol=1e-5)
    assert lost not in outputs.labels
    seen = missing != THREE  # what is left over is told apart no worse than by chance
    assert (outputs.labels[seen] == data.labels[seen]).mean() > 0.5


def test_labels_only_targets_spread_their_labels_too():
    mask = THREE != "a"
    model = RidgeClassifier().fit(NUMBERS[mask], THREE[mask])
    target = SklearnTarget(model, classes=np.array(["a", "b", "c"]))
    outputs = target.predict(NUMBERS)
    assert outputs.log_scores is None
    np.testing.assert_array_equal(target.classes[outputs.labels], model.predict(NUMBERS))


@pytest.mark.parametrize(
    "model",
    [LinearSVC(), RidgeClassifier(), Perceptron(), SVC(), SGDClassifier()],
    ids=lambda m: type(m).__name__,
)
def test_a_distance_is_no_probability(model):
    assert hasattr(model.fit(NUMBERS, TEXT), "decision_function")
    target = SklearnTarget(model)
    assert target.access == Access.LABELS
    outputs = target.predict(NUMBERS)
    assert outputs.log_scores is None
    np.testing.assert_array_equal(target.classes[outputs.labels], model.predict(NUMBERS))


def test_a_table_reaches_a_model_that_was_fitted_on_an_array():
    frame = pd.DataFrame(NUMBERS, columns=["a", "b"])
    model = LogisticRegression().fit(NUMBERS, TEXT)
    outputs = SklearnTarget(model).predict(frame)  # warnings are errors here
    np.testing.assert_array_equal(outputs.log_scores, SklearnTarget(model).predict(NUMBERS).log_scores)


def test_columns_reach_the_model_as_they_are():
    class Spy:
        classes_ = np.array(["no", "yes"])

        def predict(self, x):
            raise AssertionError

        def predict_proba(self, x):
            self.seen = x
            return np.full((len(x), 2), 0.5)

    spy = Spy()
    SklearnTarget(spy).predict(TABLE)
    assert spy.seen is TABLE


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (RandomForestClassifier(), "not fitted"),
        (pipeline(LogisticRegression()), "not fitted"),
        (XGBClassifier(), "not fitted"),
        (RandomForestRegressor(2).fit(NUMBERS, CODES), "numbers, not classes"),
        (KMeans(2, n_init=1).fit(NUMBERS), "names no classes"),
        (
            MultiOutputClassifier(LogisticRegression()).fit(NUMBERS, np.c_[CODES, 1 - CODES]),
            "several labels at once",
        ),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, str) else v,
)
def test_what_is_no_fitted_classifier_is_refused_by_a_sentence(model, says):
    with pytest.raises(ModelError, match=says):
        SklearnTarget(model)


def test_classes_that_are_not_the_datas_are_refused():
    with pytest.raises(ModelError, match="same labels"):
        SklearnTarget(LogisticRegression().fit(NUMBERS, TEXT), classes=np.array(["maybe", "no"]))


def test_recipes_of_regressors_and_of_what_cannot_be_cloned_are_refused():
    with pytest.raises(ModelError, match="numbers, not classes"):
        SklearnRecipe(RandomForestRegressor())
    with pytest.raises(ModelError, match="can't be cloned"):
        SklearnRecipe(len)


def test_convergence_warnings_are_silenced_and_no_others():
    class Loud(LogisticRegression):
        def fit(self, x, y):
            warnings.warn("something else", UserWarning, stacklevel=2)
            return super().fit(x, y)

    data = records(NUMBERS * 1e3, TEXT)
    SklearnRecipe(LogisticRegression(max_iter=1)).fit(data, 0)  # would warn that it did not converge
    with pytest.raises(UserWarning, match="something else"):
        SklearnRecipe(Loud(max_iter=1)).fit(data, 0)


def test_a_recipe_is_told_apart_by_its_options_and_not_by_what_it_was_fitted_on():
    recipe = SklearnRecipe(LogisticRegression(C=1))
    assert recipe.fingerprint() == SklearnRecipe(LogisticRegression(C=1).fit(NUMBERS, TEXT)).fingerprint()
    assert recipe.fingerprint() != SklearnRecipe(LogisticRegression(C=2)).fingerprint()
    assert recipe.fingerprint() != SklearnRecipe(RidgeClassifier()).fingerprint()
    nested = SklearnRecipe(make_pipeline(StandardScaler(with_mean=False), LogisticRegression()))
    assert (
        nested.fingerprint()
        != SklearnRecipe(make_pipeline(StandardScaler(), LogisticRegression())).fingerprint()
    )


def test_a_finished_search_is_trained_again_with_what_it_found():
    search = GridSearchCV(LogisticRegression(), {"C": [1e-6, 1.0]}, cv=2).fit(NUMBERS, TEXT)
    assert SklearnRecipe(search).estimator.get_params()["C"] == 1.0


def coins(rows=200):
    return np.random.default_rng(3).random((2, rows)) < 0.5


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(), make_pipeline(StandardScaler(), LogisticRegression())]
)
def test_taught_the_labels_as_probabilities_it_is_the_model_taught_the_labels(estimator):
    data, recipe, masks = records(NUMBERS, CODES), SklearnRecipe(estimator), coins()
    soft = [np.eye(len(data.classes))[data.labels[mask]] for mask in masks]
    hard = recipe.fit_many(data, masks, [0, 1])
    for one, other in zip(hard, recipe.fit_soft(data, masks, [0, 1], soft), strict=True):
        scores = [t.predict(NUMBERS).log_scores for t in (one, other)]
        np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)


def test_taught_probabilities_it_answers_with_them():
    """A tree of one leaf answers with the mean of what it was taught."""
    data, masks = records(NUMBERS, CODES), coins()
    soft = [np.random.default_rng(0).dirichlet([1, 1], int(mask.sum())) for mask in masks]
    recipe = SklearnRecipe(DecisionTreeClassifier(max_depth=1, min_samples_leaf=0.5))
    for own, target in zip(soft, recipe.fit_soft(data, masks, [0, 1], soft), strict=True):
        found = np.exp(target.predict(NUMBERS[:3]).log_scores)
        assert np.abs(found - own.mean(axis=0)).max() < 0.2


def test_an_estimator_that_can_not_weigh_records_is_told():
    data, masks = records(NUMBERS, CODES), coins()
    soft = [np.full((int(mask.sum()), 2), 0.5) for mask in masks]
    with pytest.raises(ModelError, match="KNeighborsClassifier"):
        list(SklearnRecipe(KNeighborsClassifier()).fit_soft(data, masks, [0, 1], soft))


def test_an_adjustment_reaches_the_part_it_knows_and_no_other():
    class Smaller:
        """Sets C by how many records there are."""

        def options(self, part, records):
            return {"C": 1 / records} if isinstance(part, LogisticRegression) else {}

    estimator = make_pipeline(StandardScaler(), LogisticRegression(C=5.0))
    recipe = SklearnRecipe(estimator, (Smaller(),))
    fitted = recipe.fit(records(NUMBERS, CODES), 0).model
    assert fitted[-1].get_params()["C"] == 1 / 200
    assert estimator[-1].C == 5.0
    assert recipe.fingerprint() != SklearnRecipe(estimator).fingerprint()
