"""Records made along the copy's gradients."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from reticent.access import Access
from reticent.attacks.extraction import JacobianAugmentation
from reticent.attacks.extraction.jacobian import rising
from reticent.attacks.extraction.student import Student
from reticent.errors import DataError
from reticent.targets.function import FunctionTarget

SLOPE = np.array([1.0, -2.0, 0.5])
MODEL = FunctionTarget(lambda x: (x @ SLOPE > 0).astype(int), np.arange(2), Access.LABELS)


def own(count: int = 300) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, size=(count, 3))


def test_few_records_become_a_copy(scene):
    asked = scene(MODEL, own(), limit=900)
    copies = list(JacobianAugmentation(start=20).copies(asked))
    assert asked.target.queries == 900
    fresh = own(4000)[1000:]
    agreement = [(c.predict(fresh).labels == MODEL.function(fresh)).mean() for c in copies]
    assert agreement[-1] > 0.95
    assert agreement[-1] > agreement[0]


def test_the_sign_is_that_of_a_slow_difference(scene):
    x = own(40)
    student = Student.of(scene(MODEL, x))
    p = 1 / (1 + np.exp(-x @ SLOPE))
    copy = student.fit(x, np.column_stack([1 - p, p]))
    labels = np.arange(40) % 2
    signs = rising(copy, x, labels)
    for column in range(3):
        moved = x.copy()
        moved[:, column] += 1e-3
        before, after = (np.exp(copy.predict(v).log_scores)[np.arange(40), labels] for v in (x, moved))
        clear = np.abs(after - before) > 1e-5
        assert clear.sum() > 20
        assert (np.sign(after - before) == signs[:, column])[clear].mean() > 0.95


def test_what_is_made_stays_in_range_and_keeps_its_categories(scene, people):
    table, _ = people(300, 0)
    seen = []

    def answer(x):
        seen.append(x)
        return (x["income"] > 30).astype(int).to_numpy()

    model = FunctionTarget(answer, np.arange(2), Access.LABELS)
    list(JacobianAugmentation(start=30).copies(scene(model, table, limit=200)))
    for made in seen:
        assert made["income"].between(table["income"].min(), table["income"].max()).all()
        assert made["age"].dtype == table["age"].dtype
        assert made["job"].isin(table["job"]).all()


def test_later_rounds_make_as_many_as_the_reservoir_holds(scene):
    asked = scene(MODEL, own(), limit=180)
    sizes = []
    for _ in JacobianAugmentation(start=20, doublings=2, reservoir=50).copies(asked):
        sizes.append(asked.target.queries)
    assert sizes[:5] == [20, 40, 80, 130, 180]


def test_words_alone_are_refused(scene, people):
    table, labels = people(200, 0)
    words = table[["job", "town"]]
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(words, labels)
    with pytest.raises(DataError, match="no column of numbers varies"):
        list(JacobianAugmentation().copies(scene(model, words)))


def test_a_budget_below_its_start_is_said(scene):
    with pytest.raises(DataError, match="7 queries are allowed, and it begins with 20"):
        list(JacobianAugmentation(start=20).copies(scene(MODEL, own(), limit=7)))
