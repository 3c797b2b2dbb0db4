"""The tree is drawn with the exponential mechanism's own probabilities, and joins all columns."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from reticent.errors import PlanError
from reticent.noise import Dice
from reticent.synthesis.selection import UNITS, check_sizes, counts, distances, exponential, spanning_tree


@pytest.mark.parametrize("epsilon", [0.8, 4.0])  # by the rest of an exponent alone, and by its whole part too
def test_the_exponential_mechanism_has_its_closed_form(epsilon):
    scores, dice = [0, 3, 5, 6], Dice(2)
    drawn = np.bincount([exponential(scores, epsilon, 2, dice) for _ in range(4000)], minlength=4)
    weights = np.exp(epsilon * np.array(scores) / (2 * 2))
    assert chisquare(drawn, 4000 * weights / weights.sum()).pvalue > 1e-4
    double = np.exp(2 * epsilon * np.array(scores) / (2 * 2))
    assert chisquare(drawn, 4000 * double / double.sum()).pvalue < 1e-4


@settings(deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000), st.sampled_from([None, 0.1, 5.0]))
def test_a_tree_joins_all_columns(columns, seed, epsilon):
    rng = np.random.default_rng(seed)
    scores = {(i, j): int(rng.integers(100) * UNITS) for i in range(columns) for j in range(i + 1, columns)}
    tree = spanning_tree(columns, scores, epsilon, Dice(seed))
    reached = {0}
    for _ in tree:
        reached |= {end for edge in tree if reached & set(edge) for end in edge}
    assert len(tree) == columns - 1 and reached == set(range(columns))
    if epsilon is None:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import minimum_spanning_tree

        weights = np.zeros((columns, columns))
        for (i, j), score in scores.items():
            weights[i, j] = 1 + 100 * UNITS - score
        theirs = minimum_spanning_tree(csr_matrix(weights)).toarray()
        assert sum(weights[edge] for edge in tree) == pytest.approx(theirs.sum())


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_one_row_moves_a_distance_by_one_row_at_most(seed):
    rng = np.random.default_rng(seed)
    cells, shape = rng.integers(0, 3, (20, 3)), (3, 4, 3)
    alone = [rng.random(k) * 7 for k in shape]
    more = np.vstack([cells, rng.integers(0, 3, (1, 3))])
    before, after = distances(cells, shape, alone), distances(more, shape, alone)
    assert all(abs(before[pair] - after[pair]) <= UNITS for pair in before)


def test_independent_columns_are_at_no_distance():
    cells = np.array([(i, j) for i in range(3) for j in range(4) for _ in range(5)])
    alone = [np.full(3, 20.0), np.full(4, 15.0)]
    assert distances(cells, (3, 4), alone) == {(0, 1): 0}
    assert counts(cells, (3, 4), (0, 1)).tolist() == [[5] * 4] * 3
    same = np.repeat(np.arange(3), 10)
    far = distances(np.stack([same, same], axis=1), (3, 3), [np.full(3, 10.0)] * 2)[0, 1] / UNITS
    assert math.isclose(far, 30 * (1 - 1 / 3) * 2, rel_tol=1e-3)


def test_tables_that_are_too_large_are_refused_by_name():
    with pytest.raises(PlanError, match="'b' and 'c' together have 12,000,000 cells"):
        check_sizes(["a", "b", "c"], (2, 4000, 3000))
    check_sizes(["a"], (10**8,))
