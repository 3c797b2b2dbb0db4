"""Equations solved: the parameters themselves, from as many answers as there are, rounded or not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from reticent.access import Access, Metered
from reticent.attacks.extraction import EquationSolving
from reticent.attacks.extraction.equation_solving import CHECKED, interval, rounded, telling
from reticent.data import Records
from reticent.errors import ModelError, QueryLimit
from reticent.extraction import ExtractionScene
from reticent.targets.function import FunctionTarget


def softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)


def linear(weights: np.ndarray, places: int | None = None) -> FunctionTarget:
    """(1 + columns, classes) weights, as a model that may round."""

    def answer(x: np.ndarray) -> np.ndarray:
        scores = softmax(weights[0] + x @ weights[1:])
        return scores if places is None else np.round(scores, places)

    return FunctionTarget(answer, np.arange(weights.shape[1]))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.integers(1, 6), st.integers(2, 4), st.integers(0, 10_000))
def test_any_softmax_is_told_exactly_from_as_many_answers_as_a_class_has_parameters(width, classes, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(width + 1, classes))
    own = rng.normal(size=(30, width))
    target = Metered(linear(weights), limit=width + 1)
    scene = ExtractionScene(target, Records(own, np.zeros(30, int), np.arange(classes)), own)
    (copy,) = EquationSolving().copies(scene)
    assert target.queries == width + 1
    np.testing.assert_allclose(copy.weights, weights - weights[:, :1], atol=1e-9)


def test_a_pipeline_with_categories_is_told_too(scene, people):
    table, labels = people(600, 0)
    words = OneHotEncoder(handle_unknown="ignore")
    columns = make_column_transformer((words, ["job", "town"]), (StandardScaler(), ["income", "age"]))
    model = make_pipeline(columns, LogisticRegression()).fit(table, labels)
    own, fresh = people(300, 1)[0], people(300, 2)[0]
    asked = scene(model, own)
    (copy,) = EquationSolving().copies(asked)
    assert asked.target.queries == 1 + 2 + 3 + 2 + CHECKED
    ours, theirs = copy.predict(fresh), model.predict_proba(fresh)
    np.testing.assert_allclose(np.exp(ours.log_scores), theirs, atol=1e-9)


@pytest.mark.parametrize(("places", "classes", "most"), [(2, 2, 300), (1, 2, 1000), (2, 3, 6000)])
def test_rounding_is_no_defence(scene, places, classes, most):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(6, classes))
    own = rng.normal(size=(300, 5))
    asked = scene(linear(weights, places), own)
    copies = list(EquationSolving().copies(asked))
    fresh = rng.normal(size=(4000, 5))
    truth = (weights[0] + fresh @ weights[1:]).argmax(axis=1)
    agreement = [(c.predict(fresh).labels == truth).mean() for c in copies]
    assert agreement[-1] > 0.995
    assert agreement[-1] > agreement[0]
    assert asked.target.queries <= most


def test_a_budget_spent_half_way_leaves_the_copies_made(scene):
    rng = np.random.default_rng(0)
    asked = scene(linear(rng.normal(size=(6, 2)), 1), rng.normal(size=(300, 5)), limit=20)
    made = []
    with pytest.raises(QueryLimit):
        for copy in EquationSolving().copies(asked):
            made.append(copy)
    assert len(made) == 2
    assert asked.target.queries == 12


def test_another_kind_of_model_is_told_and_its_copy_kept(scene):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4))
    forest = RandomForestClassifier(min_samples_leaf=20, random_state=0).fit(
        x, (x[:, 0] * x[:, 1] > 0).astype(int)
    )
    made = []
    with pytest.raises(ModelError, match="not affine in the columns"):
        for copy in EquationSolving().copies(scene(forest, x)):
            made.append(copy)
    assert len(made) == 1


def test_one_versus_rest_is_another_kind(scene):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(4, 3))

    def answer(x):
        each = 1 / (1 + np.exp(-(weights[0] + x @ weights[1:])))
        return each / each.sum(axis=1, keepdims=True)

    asked = scene(FunctionTarget(answer, np.arange(3)), rng.normal(size=(100, 3)))
    with pytest.raises(ModelError, match="no logistic or softmax regression"):
        list(EquationSolving().copies(asked))


def test_scores_of_nought_are_said_to_say_nothing(scene):
    steep = np.array([[0.0, 0.123], [0.0, 45.0]])
    with pytest.raises(ModelError, match="nought or nearly so"):
        list(EquationSolving().copies(scene(linear(steep), np.linspace(-1, 1, 30)[:, None])))


def test_a_model_that_never_looks_is_copied_as_one(scene):
    constant = FunctionTarget(lambda x: np.tile([0.3012345678, 0.6987654322], (len(x), 1)), np.arange(2))
    rng = np.random.default_rng(0)
    copy = next(iter(EquationSolving().copies(scene(constant, rng.normal(size=(50, 3))))))
    np.testing.assert_allclose(np.exp(copy.predict(rng.normal(size=(9, 3))).log_scores[:, 1]), 0.6987654322)


def test_rounding_is_seen_by_its_places():
    scores = softmax(np.random.default_rng(0).normal(size=(50, 3)))
    assert rounded(scores) is None
    assert [rounded(np.round(scores, p)) for p in (1, 2, 3)] == [1, 2, 3]


def test_an_interval_holds_every_ratio_that_rounds_so():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    ours, theirs = np.round(p, 1), np.round(1 - p, 1)
    low, high = interval(ours, theirs, 0.05)
    ratio = np.log(p) - np.log(1 - p)
    assert ((low <= ratio) & (ratio <= high)).all()
    assert np.isneginf(interval(np.array([0.0]), np.array([1.0]), 0.05)[0]).all()


def test_what_is_asked_next_lies_on_an_edge():
    logits = np.column_stack([np.zeros(2001), np.linspace(-8, 8, 2001)])
    chosen = telling(logits, 0.05, 40, np.random.default_rng(0))
    p = softmax(logits)[chosen, 1]
    edges = np.abs((p / 0.1) % 1 - 0.5) * 0.1
    assert len(chosen) == 40
    assert edges.max() < 0.02
    assert p.max() < 0.96


def test_labels_alone_do_not_suffice():
    assert EquationSolving.needs == Access.SCORES
