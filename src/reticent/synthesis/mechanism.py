"""How a table of cells becomes another one under a budget: what is measured, and what it costs.

MST (McKenna, Miklau & Sheldon 2021, arXiv:2108.04978, section 3): a third of the budget for every column by
itself, a third to choose a tree of pairs, a third for the pairs. Neighbours differ by one row added or
removed, so the number of rows is measured too, never read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.progress import Advance
from reticent.synthesis.noise import Dice, DiscreteGaussian
from reticent.synthesis.selection import counts, distances, spanning_tree
from reticent.synthesis.tree import Tree, nearest_tree, simplex

RARE = 3.0
"""Standard deviations of noise that a count must reach to be kept apart from other rare ones."""


@dataclass(frozen=True)
class Spent:
    """One entry of the ledger.

    Attributes:
        what: that was looked at.
        rho: what it cost, in zero-concentrated differential privacy: entries add up.
    """

    what: str
    rho: float


@dataclass(frozen=True, eq=False)
class Measured:
    """All that is kept of the people: the rest is made from it alone.

    Attributes:
        tree: of the cells that are kept apart.
        cells: of each column, the cells behind each of the tree's.
        rows: how many rows there seem to be.
        spent: what was looked at and what it cost; nothing without privacy.
    """

    tree: Tree
    cells: tuple[tuple[IntArray, ...], ...]
    rows: int
    spent: tuple[Spent, ...]

    def sample(self, rows: int, dice: Dice) -> IntArray:
        """(rows, columns) cells of the domain."""
        made = self.tree.sample(rows, dice)
        for column, behind in enumerate(self.cells):
            sizes = np.array([len(group) for group in behind])
            starts, flat = np.cumsum(sizes) - sizes, np.concatenate(behind)
            drawn = made[:, column]
            made[:, column] = flat[starts[drawn] + dice.below(sizes[drawn])]
        return made


def measure(
    cells: IntArray,
    shape: tuple[int, ...],
    rho: float | None,
    dice: Dice,
    *,
    pairs: bool = True,
    advance: Advance = lambda steps: None,
) -> Measured:
    """Look at a table under a budget.

    Args:
        cells: (rows, columns).
        shape: cells of each column.
        rho: the budget; None for counts without noise.
        pairs: measure a tree of pairs too; else the whole budget goes to single columns, which are then
            drawn independently.
        advance: told of each pair that was looked at.
    """
    columns = len(shape)
    pairs = pairs and columns > 1
    third = None if rho is None else rho / (3 if pairs else 1)
    spent: list[Spent] = []
    noise = _gaussian(third, columns)
    noisy = []
    for c in range(columns):
        noisy.append(_noisy(counts(cells, shape, (c,)), noise, dice))
        if noise:
            spent.append(Spent(f"column {c}", noise.rho))
    rows = _total(noisy)
    kept, alone, merged = zip(*(_compressed(y, noise) for y in noisy), strict=True)
    weights = [1.0 / m for m in merged]
    small = np.stack([_index(kept[c], shape[c])[cells[:, c]] for c in range(columns)], axis=1)
    sizes = tuple(len(y) for y in alone)
    shares = [y / rows for y in alone]
    if not pairs:
        tree = Tree(tuple(simplex(s) for s in shares))
        return Measured(tree, kept, rows, tuple(spent))
    scores = distances(small, sizes, [rows * simplex(s) for s in shares], advance)
    epsilon = None if third is None else math.sqrt(8 * third / (columns - 1))
    edges = spanning_tree(columns, scores, epsilon, dice)
    if epsilon is not None:
        spent += [Spent(f"choice {i}", epsilon**2 / 8) for i in range(columns - 1)]
    joint_noise = _gaussian(third, len(edges))
    joint = []
    for edge in edges:
        joint.append(_noisy(counts(small, sizes, edge), joint_noise, dice) / rows)
        if joint_noise:
            spent.append(Spent(f"columns {edge[0]} and {edge[1]}", joint_noise.rho))
    if noise is None or joint_noise is None:
        nodes = tuple(np.asarray(s, dtype=np.float64) for s in shares)
        return Measured(Tree(nodes, edges, tuple(joint)), kept, rows, ())
    weighed = [w * 2 * noise.rho for w in weights]
    tree = nearest_tree(shares, edges, joint, weighed, 2 * joint_noise.rho)
    return Measured(tree, kept, rows, tuple(spent))


def _gaussian(rho: float | None, times: int) -> DiscreteGaussian | None:
    return None if rho is None else DiscreteGaussian(math.sqrt(times / (2 * rho)))


def _noisy(table: IntArray, noise: DiscreteGaussian | None, dice: Dice) -> FloatArray:
    if noise is None:
        return table.astype(np.float64)
    return (table + noise.draw(table.size, dice).reshape(table.shape)).astype(np.float64)


def _total(noisy: list[FloatArray]) -> int:
    """How many rows there are, by every column's count of them, weighed by its noise."""
    weights = [1 / len(y) for y in noisy]
    total = sum(w * float(y.sum()) for w, y in zip(weights, noisy, strict=True)) / sum(weights)
    return max(1, round(total))


def _compressed(
    noisy: FloatArray, noise: DiscreteGaussian | None
) -> tuple[tuple[IntArray, ...], FloatArray, FloatArray]:
    """The cells behind each that is kept, their counts, and how many noises each holds: those that noise
    could have made stand together as the last one (section 3.3)."""
    rare = noisy < RARE * (math.sqrt(float(noise.variance)) if noise else 0.0)
    own = tuple(np.array([i]) for i in np.flatnonzero(~rare))
    if not rare.any():
        return own, noisy, np.ones(len(noisy))
    together = np.flatnonzero(rare)
    values = np.append(noisy[~rare], noisy[together].sum())
    return (*own, together), values, np.append(np.ones(len(own)), len(together))


def _index(kept: tuple[IntArray, ...], cells: int) -> IntArray:
    """(cells,) which of the kept ones each stands in."""
    index = np.zeros(cells, np.int64)
    for position, group in enumerate(kept):
        index[group] = position
    return index
