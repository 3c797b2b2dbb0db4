"""The nearest tree is what a plain solver finds, belief propagation is what a sum over everything is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from reticent.noise import Dice
from reticent.synthesis.tree import Tree, _propagated, _rooted, nearest_tree, shared_out, simplex

EDGES = ((1, 0), (1, 2))
SHAPE = (2, 3, 2)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_belief_propagation_is_the_sum_over_everything(seed):
    rng = np.random.default_rng(seed)
    at = [rng.normal(size=k) for k in SHAPE]
    between = [rng.normal(size=(SHAPE[i], SHAPE[j])) for i, j in EDGES]
    whole = np.exp(
        at[0][:, None, None]
        + at[1][None, :, None]
        + at[2][None, None, :]
        + between[0].T[:, :, None]
        + between[1][None, :, :]
    )
    whole /= whole.sum()
    nodes, joint = _propagated(at, between, EDGES, _rooted(3, EDGES))
    for c, others in enumerate([(1, 2), (0, 2), (0, 1)]):
        np.testing.assert_allclose(nodes[c], whole.sum(axis=others), atol=1e-12)
    np.testing.assert_allclose(joint[0], whole.sum(axis=2).T, atol=1e-12)
    np.testing.assert_allclose(joint[1], whole.sum(axis=0), atol=1e-12)


def test_the_nearest_tree_is_what_a_plain_solver_finds():
    rng = np.random.default_rng(3)
    truth = rng.dirichlet(np.ones(12)).reshape(SHAPE)
    noisy = [
        truth.sum(axis=o) + rng.normal(0, 0.05, k)
        for o, k in zip([(1, 2), (0, 2), (0, 1)], SHAPE, strict=True)
    ]
    pairs = [
        truth.sum(axis=2).T + rng.normal(0, 0.05, (3, 2)),
        truth.sum(axis=0) + rng.normal(0, 0.05, (3, 2)),
    ]
    weights, pair_weight = [np.full(k, 2.0) for k in SHAPE], 1.0
    tree = nearest_tree(noisy, EDGES, pairs, weights, pair_weight, steps=5000)

    def loss(nodes, joint):
        off = sum((w * (n - y) ** 2).sum() for w, n, y in zip(weights, nodes, noisy, strict=True))
        return off + sum(pair_weight * ((j - y) ** 2).sum() for j, y in zip(joint, pairs, strict=True))

    def of_whole(flat):
        whole = flat.reshape(SHAPE)
        nodes = [whole.sum(axis=o) for o in [(1, 2), (0, 2), (0, 1)]]
        return loss(nodes, [whole.sum(axis=2).T, whole.sum(axis=0)])

    best = minimize(
        of_whole,
        np.full(12, 1 / 12),
        bounds=[(0, 1)] * 12,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1},
        method="SLSQP",
        options={"maxiter": 1000, "ftol": 1e-14},
    )
    assert loss(tree.nodes, tree.pairs) == pytest.approx(best.fun, rel=1e-3)
    for (i, j), pair in zip(EDGES, tree.pairs, strict=True):
        np.testing.assert_allclose(pair.sum(axis=1), tree.nodes[i], atol=1e-9)
        np.testing.assert_allclose(pair.sum(axis=0), tree.nodes[j], atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 400), st.integers(0, 1000))
def test_rows_are_shared_out_to_the_nearest_whole(rows, seed):
    shares = np.random.default_rng(seed).dirichlet(np.ones(6))
    made = np.bincount(shared_out(rows, shares, Dice(seed)), minlength=6)
    assert made.sum() == rows
    assert (np.abs(made - rows * shares) < 1 + 1e-9).all()


def test_remainders_are_drawn_without_bias():
    shares = np.array([0.55, 0.35, 0.1])
    made = sum(np.bincount(shared_out(1, shares, Dice(i)), minlength=3) for i in range(4000))
    assert np.abs(made / 4000 - shares).max() < 4.5 * 0.5 / np.sqrt(4000)


def test_samples_have_the_tree_s_pairs():
    rng = np.random.default_rng(0)
    pair = rng.dirichlet(np.ones(6)).reshape(3, 2)
    other = rng.dirichlet(np.ones(2), size=3) * pair.sum(axis=1)[:, None]
    tree = Tree((pair.sum(axis=0), pair.sum(axis=1), other.sum(axis=0)), EDGES, (pair, other))
    made = tree.sample(20_000, Dice(1))
    for (i, j), wanted in zip(EDGES, tree.pairs, strict=True):
        seen = np.zeros(wanted.shape)
        np.add.at(seen, (made[:, i], made[:, j]), 1 / 20_000)
        assert np.abs(seen - wanted).max() < 1e-3
    # what no edge joins is independent given what lies between
    here = made[made[:, 1] == 0]
    both = np.zeros((2, 2))
    np.add.at(both, (here[:, 0], here[:, 2]), 1 / len(here))
    assert np.abs(both - np.outer(both.sum(axis=1), both.sum(axis=0))).max() < 0.02


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=1, max_size=8))
def test_the_simplex_is_met_at_its_nearest_point(values):
    y = np.array(values)
    nearest = simplex(y)
    assert nearest.min() >= 0 and nearest.sum() == pytest.approx(1)
    rng = np.random.default_rng(0)
    others = rng.dirichlet(np.ones(len(y)), 50)
    assert ((others - y) ** 2).sum(axis=1).min() >= ((nearest - y) ** 2).sum() - 1e-9


def test_columns_that_nothing_joins_stand_by_themselves():
    tree = Tree((np.array([0.5, 0.5]), np.array([0.25, 0.75])))
    made = tree.sample(400, Dice(0))
    assert np.bincount(made[:, 0]).tolist() == [200, 200]
    assert np.bincount(made[:, 1]).tolist() == [100, 300]
    none = nearest_tree([np.array([0.4, 0.7])], (), (), [np.ones(2)], 1.0)
    np.testing.assert_allclose(none.nodes[0], simplex(np.array([0.4, 0.7])), atol=1e-3)
