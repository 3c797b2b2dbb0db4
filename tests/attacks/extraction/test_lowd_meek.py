"""Linear boundaries from labels alone: up to one scale, of two classes and of more."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from reticent.access import Access
from reticent.attacks.extraction import LowdMeek
from reticent.errors import ModelError, QueryLimit
from reticent.targets.function import FunctionTarget


def linear(weights: np.ndarray) -> FunctionTarget:
    """(1 + columns, classes) weights, as a model that names a class and nothing else."""
    return FunctionTarget(
        lambda x: (weights[0] + x @ weights[1:]).argmax(axis=1), np.arange(weights.shape[1]), Access.LABELS
    )


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_a_linear_model_is_told_up_to_its_scale(scene, classes, seed):
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(5, classes))
    asked = scene(linear(weights), 3 * rng.normal(size=(300, 4)))
    (copy,) = LowdMeek().copies(asked)
    truth = weights - weights[:, :1]
    ours = copy.weights * np.linalg.norm(truth) / np.linalg.norm(copy.weights)
    np.testing.assert_allclose(ours, truth, atol=1e-9)
    assert copy.access == Access.LABELS
    assert asked.target.queries < 600 + 60 * 5 * classes * 4


def test_a_pipeline_with_categories_and_whole_numbers(scene, people):
    table, labels = people(800, 0)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job", "town"]), (StandardScaler(), ["income", "age"])
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, labels)
    own, fresh = people(400, 1)[0], people(4000, 2)[0]
    (copy,) = LowdMeek().copies(scene(model, own, access=Access.LABELS))
    assert (copy.predict(fresh).labels == model.predict(fresh)).mean() > 0.998


def test_a_curved_boundary_is_refused(scene):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 2))
    ring = SVC(gamma=2.0).fit(x, (np.square(x).sum(axis=1) > 1.2).astype(int))
    with pytest.raises(ModelError, match="no linear model has the boundaries"):
        list(LowdMeek().copies(scene(ring, x)))


def test_a_column_that_the_thief_can_not_tell_about_leaves_it_open(scene):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    x[:, 2] = x[:, 0] + x[:, 1]
    clipped = scene(linear(rng.normal(size=(4, 2))), x)
    # Evenly drawn records do tell the columns apart, so that what own records share is no matter
    (copy,) = LowdMeek().copies(clipped)
    assert np.isfinite(copy.weights).all()


def test_a_model_that_names_one_class_has_no_boundary(scene):
    same = FunctionTarget(lambda x: np.zeros(len(x)), np.arange(2), Access.LABELS)
    with pytest.raises(ModelError, match="all of the thief's records are named alike"):
        list(LowdMeek().copies(scene(same, np.random.default_rng(0).normal(size=(50, 2)))))


def test_a_class_that_is_never_named_leaves_it_open(scene):
    weights = np.array([[0.0, 0.0, -90.0], [1.0, -1.0, 0.0], [0.5, 0.3, 0.0]])
    with pytest.raises(ModelError, match="leave the model open"):
        list(LowdMeek().copies(scene(linear(weights), np.random.default_rng(0).normal(size=(100, 2)))))


def test_words_alone_are_refused(scene, people):
    table, labels = people(200, 0)
    words = table[["job", "town"]]
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(words, labels)
    with pytest.raises(ModelError, match="no column of numbers varies"):
        list(LowdMeek().copies(scene(model, words)))


def test_a_budget_too_small_is_said(scene):
    rng = np.random.default_rng(0)
    with pytest.raises(QueryLimit):
        list(LowdMeek().copies(scene(linear(rng.normal(size=(5, 2))), rng.normal(size=(100, 4)), limit=500)))
