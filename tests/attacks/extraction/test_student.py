"""What a thief trains: nets on soft answers, stages of a budget, and a pool that does not run dry."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.access import Access
from reticent.attacks.extraction.student import Student, pool_of, stages, trained
from reticent.errors import DataError
from reticent.targets.function import FunctionTarget


def half(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-4 * np.asarray(x).reshape(len(x), -1).mean(axis=1)))


MODEL = FunctionTarget(half, np.arange(2))


def test_a_net_learns_the_scores_that_it_is_shown(scene):
    x = np.random.default_rng(0).normal(size=(400, 3))
    student = Student.of(scene(MODEL, x))
    p = half(x)
    copy = student.fit(x, np.column_stack([1 - p, p]))
    assert np.abs(np.exp(copy.predict(x).log_scores[:, 1]) - p).mean() < 0.05
    again = student.fit(x, np.column_stack([1 - p, p]))
    assert copy.fingerprint() == again.fingerprint()
    assert copy.access == Access.LOGITS


@pytest.mark.parametrize("shape", [(8, 9), (1, 8, 9), (3, 8, 9), (8, 9, 3)])
def test_pictures_of_any_layout_are_read_the_right_way_round(scene, shape):
    x = np.random.default_rng(0).random((20, *shape)).astype(np.float32)
    student = Student.of(scene(MODEL, x))
    values = student.coding.values(x)
    rows = student.rows(torch.as_tensor(values, dtype=torch.float32))
    assert rows.shape[2:] == (8, 9)
    assert student.net()(rows).shape == (20, 2)
    expected = x if x.ndim == 4 else x[:, None]
    expected = np.moveaxis(expected, 3, 1) if shape == (8, 9, 3) else expected
    low, high = x.min(), x.max()
    np.testing.assert_allclose(rows.numpy(), (expected - low) / (high - low), atol=1e-6)


def test_tables_are_scaled_and_taken_apart(scene, people):
    table, _ = people(300, 0)
    student = Student.of(scene(FunctionTarget(lambda t: np.full((len(t), 2), 0.5), np.arange(2)), table))
    rows = student.rows(torch.as_tensor(student.coding.values(table), dtype=torch.float32))
    assert rows.shape == (300, 2 + 3 + 2)
    np.testing.assert_allclose(rows[:, :2].mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(rows[:, :2].std(0), 1, atol=1e-2)
    assert set(rows[:, 2:].flatten().tolist()) == {0.0, 1.0}


def test_a_copy_follows_the_thiefs_recipe_where_there_is_one(scene):
    from dataclasses import replace

    from sklearn.linear_model import LogisticRegression

    from reticent.targets.sklearn import SklearnRecipe, SklearnTarget

    x = np.random.default_rng(0).normal(size=(100, 3))
    some = replace(scene(MODEL, x), recipe=SklearnRecipe(LogisticRegression()))
    p = half(x)
    copy = trained(some, Student.of(some), x, np.column_stack([1 - p, p]))
    assert isinstance(copy, SklearnTarget)
    assert (copy.predict(x).labels == (p > 0.5)).mean() > 0.95


@pytest.mark.parametrize(
    ("limit", "sizes"), [(None, [10, 20, 40, 80, 100]), (25, [10, 20, 25]), (10, [10]), (40, [10, 20, 40])]
)
def test_stages_double_up_to_the_budget(scene, limit, sizes):
    asked = scene(MODEL, np.random.default_rng(0).normal(size=(20, 2)), limit=limit)
    assert list(stages(asked, 10, 100)) == sizes


def test_a_budget_below_the_first_stage_is_said(scene):
    asked = scene(MODEL, np.random.default_rng(0).normal(size=(20, 2)), limit=9)
    with pytest.raises(DataError, match="9 queries are allowed, and the first copy is made of 10"):
        list(stages(asked, 10, 100))


def test_a_pool_goes_on_beyond_its_end_with_records_of_its_own_parts(scene):
    x = np.random.default_rng(0).normal(size=(30, 2))
    some = scene(MODEL, x)
    pool = pool_of(some, Student.of(some).coding, 500, np.random.default_rng(0))
    assert pool.shape == (500, 2)
    np.testing.assert_array_equal(np.sort(pool[:30], axis=0), np.sort(x, axis=0))
    for column in range(2):
        assert np.isin(pool[:, column], x[:, column]).all()


@pytest.mark.parametrize("pool", [np.zeros((0, 2)), np.zeros((5, 3))])
def test_an_empty_pool_or_one_of_another_form_is_refused(scene, pool):
    from dataclasses import replace

    some = replace(scene(MODEL, np.random.default_rng(0).normal(size=(30, 2))), pool=pool)
    with pytest.raises(DataError, match="give records of the same form"):
        pool_of(some, Student.of(some).coding, 10, np.random.default_rng(0))
