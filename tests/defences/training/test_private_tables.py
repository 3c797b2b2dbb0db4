"""Private models as words: what they take the place of, what may stand before them, and what they promise."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.svm import LinearSVC

from reticent import defences as d
from reticent.data import Records
from reticent.defences.defence import in_training
from reticent.defences.reading import read_defence
from reticent.domain import Domain, stated
from reticent.errors import ModelError, PlanError
from reticent.hardened import harden_model, open_hardened
from reticent.private_models import PrivateLogisticRegression
from reticent.recipe import Private
from reticent.targets.sklearn import SklearnRecipe

TOLD = {"age": (0, 100), "town": ("a", "b")}
WORDS = {
    "private_logistic": LogisticRegression(),
    "private_bayes": GaussianNB(),
    "private_forest": RandomForestClassifier(),
}


def people(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    table = pd.DataFrame(
        {"age": rng.normal(35 + 30 * y, 8), "town": np.where(rng.random(rows) < 0.5, "a", "b")}
    )
    return Records(table, y, np.array(["no", "yes"]))


DATA = people()


def hardened(word="private_logistic", estimator=None, **options):
    recipe = SklearnRecipe(estimator if estimator is not None else WORDS[word])
    return getattr(d, word)(**({"epsilon": 3.0, "bounds": TOLD} | options)).harden(recipe)


@pytest.mark.parametrize("word", WORDS)
def test_models_learn_promise_and_differ_by_their_seed(word):
    recipe = hardened(word)
    one, same, other = (recipe.fit(DATA, seed) for seed in (1, 1, 2))
    told = one.predict(DATA.features)
    assert (told.labels == DATA.labels).mean() > 0.8
    np.testing.assert_array_equal(told.log_scores, same.predict(DATA.features).log_scores)
    assert not np.array_equal(told.log_scores, other.predict(DATA.features).log_scores)
    assert isinstance(recipe, Private)
    assert (recipe.guarantee(400).epsilon, recipe.guarantee(400).delta) == (3.0, 0.0)
    assert "noise" in recipe.guarantee(400).by


@pytest.mark.parametrize("word", WORDS)
def test_the_model_forgets_its_seed(word):
    """Who knows the seed knows the noise."""
    model = hardened(word).fit(DATA, 123_456_789).model
    assert model.random_state is None
    assert b"123456789" not in pickle.dumps(model.__dict__, protocol=0)


@pytest.mark.parametrize("word", WORDS)
def test_written_and_opened_again_it_answers_the_same(word, tmp_path):
    made = harden_model(
        SklearnRecipe(WORDS[word]),
        DATA,
        getattr(d, word)(epsilon=3.0, bounds=TOLD),
        reference=people(50, 1),
        test=people(50, 2),
    )
    opened = open_hardened(made.save(tmp_path / "model"))
    np.testing.assert_allclose(
        opened.predict(DATA.features).log_scores, made.target.predict(DATA.features).log_scores
    )
    assert "ε 3, for adding or removing one record" in made.card("m")


@pytest.mark.parametrize("word", WORDS)
def test_a_plan_reads_as_it_prints(word):
    defence = getattr(d, word)(epsilon=1.0, bounds=TOLD)
    assert read_defence(str(defence)) == defence
    assert read_defence(f"{word}(epsilon=1.0, bounds={{'age': (0, 100), 'town': ('a', 'b')}})") == defence
    hash(defence)


def test_classes_are_those_of_the_data_whoever_was_drawn():
    few = DATA.take(np.flatnonzero(DATA.labels == 0)[:30])
    target = hardened().fit(few, 0)
    assert target.classes.tolist() == ["no", "yes"]
    assert target.predict(few.features).log_scores.shape == (30, 2)


def test_arrays_and_many_models_work_too():
    x = np.asarray(DATA.features[["age"]])
    data = replace(DATA, features=x)
    recipe = hardened(bounds=(0, 100))
    masks = np.random.default_rng(0).random((3, len(x))) < 0.5
    for mask, target in zip(masks, recipe.fit_many(data, masks, [0, 1, 2]), strict=True):
        assert (target.predict(x[mask]).labels == data.labels[mask]).mean() > 0.7


ENCODER = {"categories": [["a", "b"]], "handle_unknown": "ignore"}


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (StandardScaler(), "StandardScaler"),
        (OneHotEncoder(), "OneHotEncoder"),
        (OneHotEncoder(categories=[["a", "b"]]), "OneHotEncoder"),  # fails on others: that tells of them
        (OneHotEncoder(min_frequency=2, **ENCODER), "OneHotEncoder"),
        (OrdinalEncoder(), "OrdinalEncoder"),
        (ColumnTransformer([("s", StandardScaler(), [0])]), "StandardScaler"),
        (ColumnTransformer([("n", Normalizer(), [0])], remainder=StandardScaler()), "StandardScaler"),
        (FeatureUnion([("n", Normalizer()), ("s", make_pipeline(StandardScaler()))]), "StandardScaler"),
        (make_pipeline(Normalizer(), StandardScaler()), "StandardScaler"),
    ],
)
def test_steps_that_learn_from_the_records_are_refused_with_the_way_out(step, said):
    with pytest.raises(ModelError, match=rf"learns from the records \({said}\).*before='leave out'"):
        hardened(estimator=make_pipeline(Normalizer(), step, LogisticRegression()))
    target = hardened(estimator=make_pipeline(step, LogisticRegression()), before="leave out").fit(DATA, 0)
    assert isinstance(target.model, PrivateLogisticRegression)


def test_steps_that_learn_nothing_stay():
    steps = ColumnTransformer(
        [("town", OneHotEncoder(sparse_output=False, **ENCODER), ["town"])],
        remainder=FunctionTransformer(np.tanh),
    )
    recipe = hardened(estimator=make_pipeline(steps, LogisticRegression()), bounds=(-1, 1))
    target = recipe.fit(DATA, 0)
    assert [name for name, _ in target.model.steps] == ["columntransformer", "private"]
    assert (target.predict(DATA.features).labels == DATA.labels).mean() > 0.4
    assert target.model[-1].random_state is None


@pytest.mark.parametrize(
    ("word", "estimator", "said"),
    [
        ("private_logistic", RandomForestClassifier(), "this recipe trains a RandomForestClassifier"),
        ("private_bayes", LogisticRegression(), "this recipe trains a LogisticRegression"),
        ("private_forest", HistGradientBoostingClassifier(), "trains a HistGradientBoostingClassifier"),
    ],
)
def test_other_kinds_are_told(word, estimator, said):
    with pytest.raises(ModelError, match=said):
        hardened(word, estimator)


def test_a_linear_machine_without_scores_has_some_afterwards():
    assert hardened(estimator=LinearSVC()).fit(DATA, 0).predict(DATA.features).log_scores is not None


def test_torch_modules_are_sent_elsewhere(torch_recipe):
    with pytest.raises(ModelError, match="see dp_sgd"):
        d.private_logistic(epsilon=1.0, bounds=TOLD).harden(torch_recipe)


def test_every_option_changes_the_fingerprint():
    prints = [
        hardened().fingerprint(),
        hardened(epsilon=2.0).fingerprint(),
        hardened(bounds={**TOLD, "age": (0, 90)}).fingerprint(),
        hardened(delta=1e-6).fingerprint(),
        hardened(norm=1.0).fingerprint(),
        hardened(regularisation=9.0).fingerprint(),
        hardened("private_bayes").fingerprint(),
        hardened("private_forest").fingerprint(),
        hardened("private_forest", trees=3).fingerprint(),
        hardened("private_forest", depth=3).fingerprint(),
        hardened(estimator=make_pipeline(Normalizer(), LogisticRegression())).fingerprint(),
    ]
    assert len(set(prints)) == len(prints)
    assert hardened().fingerprint() == hardened().fingerprint()


def test_the_guarantee_outlives_defences_of_the_answers():
    defence = d.private_bayes(epsilon=2.0, bounds=TOLD) | d.round_scores(1)
    assert d.harden(defence, SklearnRecipe(GaussianNB()), people(50, 1)).guarantee(100).epsilon == 2.0
    assert in_training(defence, SklearnRecipe(GaussianNB())).guarantee(100).epsilon == 2.0


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "epsilon=None; give one above 0"),
        ({"epsilon": -1}, "epsilon=-1; give"),
        ({"epsilon": 1.0}, "was given no bounds"),
        ({"epsilon": 1.0, "bounds": (1, 0)}, "the lower one first"),
        ({"epsilon": 1.0, "bounds": "ages"}, "do not read; give"),
        ({"epsilon": 1.0, "bounds": TOLD, "before": "keep"}, "before='keep'; give"),
    ],
)
def test_what_promises_nothing_is_refused_at_once(word, wrong, said):
    with pytest.raises(PlanError, match=said):
        getattr(d, word)(**wrong)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("form", [tuple, lambda told: Domain.of(stated(told, "it"))])
def test_one_domain_is_stated_for_every_word_that_takes_one(word, form):
    domain = form((("age", 0, 100, 8), ("town", ("a", "b"))))
    private = hardened(word, bounds=domain)
    same = hardened(word).fit(DATA, 0).predict(DATA.features).log_scores
    np.testing.assert_array_equal(private.fit(DATA, 0).predict(DATA.features).log_scores, same)
    assert private.fingerprint() != hardened(word, bounds={**TOLD, "age": (0, 90)}).fingerprint()
    defence = getattr(d, word)(epsilon=1.0, bounds=domain)
    assert read_defence(str(defence)) == defence
    for other in (d.synthesise(3.0, 1e-4, domain), d.randomise(3.0, domain)):
        assert set(other.protect(DATA, 0).features["town"]) <= {"a", "b"}


def test_options_of_their_own_out_of_range_are_told():
    for wrong in ({"delta": 1.0}, {"norm": 0.0}, {"regularisation": -1.0}):
        with pytest.raises(PlanError, match=r"private_logistic was given .*; give"):
            d.private_logistic(epsilon=1.0, bounds=TOLD, **wrong)
    for shape in ({"trees": 0}, {"depth": 40}):
        with pytest.raises(PlanError, match=r"private_forest was given .*; give"):
            d.private_forest(epsilon=1.0, bounds=TOLD, **shape)
