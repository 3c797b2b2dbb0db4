"""Which pairs of columns are worth measuring: a spanning tree, chosen privately.

McKenna, Miklau & Sheldon 2021 (arXiv:2108.04978), algorithm 2: the pairs whose counts differ most from what
independent columns would show, drawn by the exponential mechanism until they join all columns.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import PlanError
from reticent.noise import Dice, bernoulli_exp_one, geometric
from reticent.progress import Advance

LARGEST_TABLE = 10_000_000
"""Cells of the largest table of two columns that is counted."""

HOPELESS = 1 << 40
"""An exponent that nothing passes: exp(−2⁴⁰) is no chance that a computer meets."""

UNITS = 1 << 16
"""Parts of a row in which distances are told, so that they are integers and one row moves them by so many."""

Edge = tuple[int, int]


def counts(cells: IntArray, shape: tuple[int, ...], columns: Sequence[int]) -> IntArray:
    """(cells of the one column, of the next, …) how many rows stand in each."""
    sizes = tuple(shape[c] for c in columns)
    flat = np.ravel_multi_index(tuple(cells[:, c] for c in columns), sizes)
    return np.bincount(flat, minlength=math.prod(sizes)).reshape(sizes)


def check_sizes(names: Sequence[str], shape: tuple[int, ...]) -> None:
    """Refuse tables of two columns that are too large to count.

    Raises:
        PlanError: two columns with more than ten million cells.
    """
    big = sorted(range(len(shape)), key=lambda c: -shape[c])[:2]
    if len(big) == 2 and (cells := shape[big[0]] * shape[big[1]]) > LARGEST_TABLE:
        one, other = (names[c] for c in big)
        raise PlanError(
            f"{one!r} and {other!r} together have {cells:,} cells, and {LARGEST_TABLE:,} are the most; give "
            "them fewer bins or categories"
        )


def distances(
    cells: IntArray,
    shape: tuple[int, ...],
    alone: Sequence[FloatArray],
    advance: Advance = lambda steps: None,
) -> dict[Edge, int]:
    """How far each pair of columns is from independent ones, in `UNITS` of rows.

    Args:
        alone: of each column (its cells,), rows expected in each; measured privately, so that one row more or
            less moves the counts alone, and the L1 distance by one row at most.
    """
    found = {}
    rows = max(1.0, float(alone[0].sum()))
    for i, j in combinations(range(len(shape)), 2):
        expected = np.rint(np.outer(alone[i], alone[j]) / rows * UNITS).astype(np.int64)
        found[i, j] = int(np.abs(counts(cells, shape, (i, j)) * UNITS - expected).sum())
        advance(1)
    return found


def spanning_tree(
    columns: int, scores: dict[Edge, int], epsilon: float | None, dice: Dice
) -> tuple[Edge, ...]:
    """Pairs that join all columns.

    Args:
        scores: of each pair, in `UNITS`.
        epsilon: of each of the columns − 1 draws; None for the greatest tree itself, without privacy.
    """
    part, tree = list(range(columns)), []
    for _ in range(columns - 1):
        able = [edge for edge in scores if part[edge[0]] != part[edge[1]]]
        values = [scores[edge] for edge in able]
        chosen = values.index(max(values)) if epsilon is None else exponential(values, epsilon, UNITS, dice)
        one, other = able[chosen]
        part = [part[one] if p == part[other] else p for p in part]
        tree.append((one, other))
    return tuple(tree)


def exponential(scores: Sequence[int], epsilon: float, sensitivity: int, dice: Dice) -> int:
    """The exponential mechanism (McSherry & Talwar 2007), exactly: i with probability
    ∝ exp(ε·score_i / 2·sensitivity).

    One is proposed uniformly and kept with probability exp(−ε·(best − score)/2·sensitivity), until one is.
    The whole part of that exponent is tried for many at once, since most fail there; the rest one by one.
    It is ε-DP, and ε²/8-zCDP (Cesar & Rogers 2021, arXiv:2004.07223).
    """
    best, unit = max(scores), Fraction(epsilon) / (2 * sensitivity)
    parts = [divmod(unit.numerator * (best - score), unit.denominator) for score in scores]
    whole = np.array([min(k, HOPELESS) for k, _ in parts])
    while True:
        proposed = dice.below(len(scores), 4 * len(scores))
        for i in proposed[geometric(len(proposed), dice) >= whole[proposed]]:
            if bernoulli_exp_one(Fraction(parts[i][1], unit.denominator), dice):
                return int(i)
