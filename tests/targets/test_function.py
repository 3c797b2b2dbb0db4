"""Callables as targets, training functions as recipes."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from reticent.access import Access
from reticent.data import Records
from reticent.errors import ModelError
from reticent.targets.function import FunctionRecipe, FunctionTarget
from reticent.targets.sklearn import SklearnTarget

X = np.random.default_rng(0).normal(size=(60, 2))
CLASSES = np.array(["a", "b", "c"])
DATA = Records(X, np.arange(60) % 3, CLASSES)


def uniform(x):
    return np.full((len(x), 3), 1 / 3)


def test_what_a_function_answers_is_declared():
    assert FunctionTarget(uniform, CLASSES).access == Access.SCORES
    logits = FunctionTarget(lambda x: np.zeros((len(x), 3)), CLASSES, Access.LOGITS).predict(X)
    np.testing.assert_allclose(logits.log_scores, np.log(1 / 3))
    assert logits.logits is not None
    labels = FunctionTarget(lambda x: ["c"] * len(x), ["a", "b", "c"], Access.LABELS).predict(X)
    assert set(labels.labels.tolist()) == {2}
    with pytest.raises(ModelError, match="no weights"):
        FunctionTarget(uniform, CLASSES, Access.WEIGHTS)


def test_a_function_that_answers_otherwise_than_declared_is_refused():
    with pytest.raises(ModelError, match="not probabilities"):
        FunctionTarget(lambda x: np.ones((len(x), 3)), CLASSES).predict(X)


def test_another_function_access_or_classes_is_another_target():
    prints = {
        FunctionTarget(uniform, CLASSES).fingerprint(),
        FunctionTarget(uniform, CLASSES, Access.LOGITS).fingerprint(),
        FunctionTarget(uniform, CLASSES[::-1]).fingerprint(),
        FunctionTarget(lambda x: uniform(x) * 1.0, CLASSES).fingerprint(),
    }
    assert len(prints) == 4
    assert FunctionTarget(uniform, CLASSES).fingerprint() in prints


def test_the_fitted_model_behind_a_function_is_part_of_it():
    def target(labels):
        model = LogisticRegression().fit(X, labels)
        return FunctionTarget(lambda x: model.predict_proba(x), CLASSES)

    labels = CLASSES[DATA.labels]
    assert target(labels).fingerprint() == target(labels).fingerprint()
    assert target(labels).fingerprint() != target(np.roll(labels, 1)).fingerprint()


def test_a_function_whose_content_cannot_be_read_is_itself_alone():
    lock = threading.Lock()

    def locked(x):
        with lock:
            return uniform(x)

    one, other = FunctionTarget(locked, CLASSES), FunctionTarget(locked, CLASSES)
    assert one.fingerprint() == one.fingerprint()
    assert one.fingerprint() != other.fingerprint()


def test_a_training_function_is_handed_features_original_labels_and_the_seed():
    handed = []

    def train(x, y, seed):
        handed.append((x, y, seed))
        return LogisticRegression().fit(x, y)

    mask = DATA.labels != 1  # one class is lacking
    (target,) = FunctionRecipe(train).fit_many(DATA, mask[None], [9])
    ((x, y, seed),) = handed
    assert isinstance(target, SklearnTarget)
    assert target.classes.tolist() == ["a", "b", "c"]
    assert (len(x), set(y.tolist()), seed) == (40, {"a", "c"}, 9)


def test_a_training_function_may_return_a_callable_a_target_or_a_module():
    assert FunctionRecipe(lambda x, y, seed: uniform).fit(DATA, 0).predict(X).log_scores.shape == (60, 3)
    ready = FunctionTarget(uniform, CLASSES)
    assert FunctionRecipe(lambda x, y, seed: ready).fit(DATA, 0) is ready
    torch = pytest.importorskip("torch")
    module = FunctionRecipe(lambda x, y, seed: torch.nn.Linear(2, 3)).fit(DATA, 0)
    assert module.predict(X.astype(np.float32)).log_scores.shape == (60, 3)


def test_a_model_of_other_classes_is_refused():
    stranger = FunctionTarget(uniform, np.array(["x", "y", "z"]))
    with pytest.raises(ModelError, match="data's classes in order"):
        FunctionRecipe(lambda x, y, seed: stranger).fit(DATA, 0)


def test_a_training_function_is_told_apart_by_its_code():
    def one(x, y, seed):
        return LogisticRegression(C=1).fit(x, y)

    def two(x, y, seed):
        return LogisticRegression(C=2).fit(x, y)

    assert FunctionRecipe(one).fingerprint() == FunctionRecipe(one).fingerprint()
    assert FunctionRecipe(one).fingerprint() != FunctionRecipe(two).fingerprint()
