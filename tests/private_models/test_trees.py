"""Random trees: drawn before any record is seen, counts that one record moves by one a tree, an audit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from reticent.errors import PlanError
from reticent.measure.epsilon import epsilon_lower_bound
from reticent.noise import Dice, laplace_noised
from reticent.private_models import PrivateForest
from reticent.private_models.columns import read_columns
from reticent.private_models.trees import ratios

TOLD = {"age": (0, 100), "town": ("a", "b", "c", "d"), "pay": (-5, 5)}


def people(rows=500, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    table = pd.DataFrame(
        {
            "age": rng.uniform(0, 100, rows),
            "town": np.where(y, rng.choice(list("ab"), rows), rng.choice(list("abcd"), rows)),
            "pay": rng.normal(4 * y - 2, 1.5),
        }
    )
    return table, y


def made(epsilon=1.0, **options):
    return PrivateForest(epsilon, **({"bounds": TOLD, "classes": (0, 1), "random_state": 0} | options))


def slow_leaf(model, tree, values):
    """Where one record stands, node by node."""
    node = 0
    while node < 2**model.depth - 1:
        right = values[model.column_[tree, node]] >= model.cut_[tree, node]
        node = 2 * node + 1 + int(right)
    return node - (2**model.depth - 1)


def test_the_trees_are_the_same_whatever_the_records():
    one, other = made().fit(*people()), made().fit(*people(40, seed=7))
    for name in ("column_", "cut_", "rank_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_the_same_seed_makes_the_same_forest():
    one, same, other = (made(random_state=seed).fit(*people(60)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.log_ratio_, same.log_ratio_)
    assert not np.array_equal(one.log_ratio_, other.log_ratio_)
    # another epsilon draws other noise through the same trees
    np.testing.assert_array_equal(made(9.0, random_state=3).fit(*people(60)).cut_, one.cut_)


def test_leaves_agree_with_a_walk_node_by_node():
    table, y = people(60)
    model = made(trees=4, depth=5).fit(table, y)
    columns = read_columns(TOLD, table)
    read = columns.read(table)
    for tree, leaf in enumerate(model._leaves(columns, table)):
        for i in range(len(table)):
            values = [read[0][i], model.rank_[tree, 1, int(read[1][i])], read[2][i]]
            assert leaf[i] == slow_leaf(model, tree, values)


def test_every_cut_lies_within_what_is_left_to_its_node():
    model = made(depth=6).fit(*people(10))
    for tree in range(model.trees):
        for node in range(2**6 - 1):
            at, low, high, column = node, -1.0, 1.0, model.column_[tree, node]
            while at:
                parent, right = (at - 1) // 2, at % 2 == 0
                if model.column_[tree, parent] == column:
                    cut = model.cut_[tree, parent]
                    low, high = (max(low, cut), high) if right else (low, min(high, cut))
                at = parent
            assert low <= model.cut_[tree, node] <= high


def counted(model, table, y):
    counts = np.zeros((model.trees, 2**model.depth, 2), np.int64)
    for tree, leaf in enumerate(model._leaves(read_columns(TOLD, table), table)):
        np.add.at(counts[tree], (leaf, y), 1)
    return counts


def test_a_record_adds_one_to_one_leaf_of_each_tree():
    table, y = people(30)
    model = made(trees=7).fit(table, y)
    more = pd.concat([table, table.iloc[[3]]], ignore_index=True)
    moved = counted(model, more, np.append(y, 1)) - counted(model, table, y)
    assert moved.sum() == np.abs(moved).sum() == 7
    assert (moved.sum(axis=(1, 2)) == 1).all()


def test_without_noise_what_is_kept_is_the_smoothed_share_of_the_leaf():
    table, y = people()
    model = made(1e8, trees=3, depth=3).fit(table, y)
    counts = counted(model, table, y)
    whole = (counts.sum(axis=(0, 1)) + 1) / (counts.sum() + 2)
    held = counts + whole
    expected = np.log(held / held.sum(axis=2, keepdims=True) / whole)
    np.testing.assert_allclose(model.log_ratio_, expected, atol=1e-4)


@pytest.mark.parametrize(("scale", "caught"), [(5, False), (1, True), (0, True)])
def test_an_audit_finds_no_more_than_was_promised_and_catches_what_lies(scale, caught):
    """Noise for all the trees; for one tree alone, as if each had all of epsilon; and none at all."""
    table, y = people(10)
    model = made(trees=5, depth=2).fit(table, y)
    without = counted(model, table, y)
    more = pd.concat([table, table.iloc[[0]]], ignore_index=True)
    extra, dice, told = counted(model, more, np.append(y, 1)), Dice(0), []
    for truth in (without, extra):
        many = np.tile(truth, (2_000, 1, 1, 1))
        noisy = laplace_noised(many, scale, 1.0, dice) if scale else many
        told.append(np.abs(noisy - without).sum(axis=(1, 2, 3)) - np.abs(noisy - extra).sum(axis=(1, 2, 3)))
    members = np.repeat([False, True], 2_000)
    assert (
        epsilon_lower_bound(np.concatenate(told).astype(float), members, level=0.999).value > 1.0
    ) == caught


@settings(max_examples=15, deadline=None)
@given(st.floats(0.001, 100), st.integers(0, 100))
def test_with_any_noise_it_answers_probabilities(epsilon, seed):
    table, y = people(20)
    told = made(epsilon, trees=3, depth=3, random_state=seed).fit(table, y).predict_proba(table)
    assert np.isfinite(told).all()
    np.testing.assert_allclose(told.sum(axis=1), 1)


def test_leaves_of_noise_alone_say_nothing_for_long():
    noisy = np.random.default_rng(0).integers(-30, 30, (4, 8, 2))
    _, ratio = ratios(noisy, 1e6)
    assert np.abs(ratio).max() < 1e-3


def test_it_learns_and_order_does_not_matter():
    table, y = people(2_000)
    order = np.random.default_rng(1).permutation(len(y))
    one, other = made(2.0).fit(table, y), made(2.0).fit(table.iloc[order], y[order])
    assert one.score(table, y) > 0.8
    np.testing.assert_array_equal(one.predict_proba(table), other.predict_proba(table))
    assert clone(one).get_params() == one.get_params()
    assert (one.guarantee().epsilon, one.guarantee().delta) == (2.0, 0.0)


@pytest.mark.parametrize("wrong", [{"trees": 0}, {"depth": 0}, {"depth": 16}, {"witnesses": 0.0}])
def test_shapes_that_no_forest_has_are_told(wrong):
    with pytest.raises(PlanError, match="; give"):
        made(**wrong).fit(*people(20))
