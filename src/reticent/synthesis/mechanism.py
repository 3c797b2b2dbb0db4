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
from reticent.errors import PlanError
from reticent.noise import Dice, DiscreteGaussian
from reticent.progress import Advance
from reticent.synthesis.selection import Edge, counts, distances, spanning_tree
from reticent.synthesis.tree import Tree, nearest_tree, shared_out, simplex

LARGEST = 4096.0
"""The largest standard deviation of noise on a count: beyond, it drowns everything."""

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
        rows: how many rows there seem to be, 0 or more.
        spent: what was looked at and what it cost; nothing without privacy.
    """

    tree: Tree
    cells: tuple[tuple[IntArray, ...], ...]
    rows: int
    spent: tuple[Spent, ...]

    @property
    def pairs(self) -> tuple[Edge, ...]:
        """Columns whose joint counts were kept."""
        return self.tree.edges

    def sample(self, rows: int, dice: Dice) -> IntArray:
        """(rows, columns) cells of the domain."""
        made = self.tree.sample(rows, dice)
        for column, behind in enumerate(self.cells):
            sizes = np.array([len(group) for group in behind])
            starts, flat = np.cumsum(sizes) - sizes, np.concatenate(behind)
            drawn = made[:, column]
            made[:, column] = flat[starts[drawn] + dice.below(sizes[drawn])]
        return made


@dataclass(frozen=True, eq=False)
class Grouped:
    """What is kept of people group by group: each has a tree of its own.

    Attributes:
        groups: of each value of `within`.
        within: the column that says who is in which group.
    """

    groups: tuple[Measured, ...]
    within: int

    @property
    def rows(self) -> int:
        """How many rows there seem to be, 0 or more."""
        return sum(group.rows for group in self.groups)

    @property
    def spent(self) -> tuple[Spent, ...]:
        """The ledger of the costliest group: a row is in one alone, so that costs do not add up over groups
        (parallel composition)."""
        return max((group.spent for group in self.groups), key=lambda s: sum(entry.rho for entry in s))

    @property
    def pairs(self) -> tuple[Edge, ...]:
        """Columns whose joint counts were kept in some group, and each with the column of groups."""
        columns = [c for c in range(len(self.groups[0].cells) + 1) if c != self.within]
        found = {(min(c, self.within), max(c, self.within)) for c in columns}
        found |= {(columns[i], columns[j]) for group in self.groups for i, j in group.pairs}
        return tuple(sorted(found))

    def sample(self, rows: int, dice: Dice) -> IntArray:
        """(rows, columns) cells of the domain."""
        sizes = np.array([group.rows for group in self.groups], dtype=np.float64)
        group_of = shared_out(rows, sizes, dice)
        made = np.zeros((rows, len(self.groups[0].cells) + 1), np.int64)
        for value, group in enumerate(self.groups):
            where = np.flatnonzero(group_of == value)
            made[where] = np.insert(group.sample(len(where), dice), self.within, value, axis=1)
        return made


def measure_within(
    cells: IntArray,
    shape: tuple[int, ...],
    within: int,
    rho: float | None,
    dice: Dice,
    *,
    pairs: bool = True,
    advance: Advance = lambda steps: None,
) -> Grouped:
    """Look at each group of a table under the same budget; arguments as `measure`.

    Args:
        within: the column that says who is in which group.
    """
    rest = tuple(size for c, size in enumerate(shape) if c != within)
    others = np.delete(cells, within, axis=1)
    return Grouped(
        tuple(
            measure(others[cells[:, within] == value], rest, rho, dice, pairs=pairs, advance=advance)
            for value in range(shape[within])
        ),
        within,
    )


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
    parts = max(1, rows)
    shares = [y / parts for y in alone]
    if not pairs:
        tree = Tree(tuple(simplex(s) for s in shares))
        return Measured(tree, kept, rows, tuple(spent))
    scores = distances(small, sizes, [parts * simplex(s) for s in shares], advance)
    epsilon = None if third is None else math.sqrt(8 * third / (columns - 1))
    edges = spanning_tree(columns, scores, epsilon, dice)
    if epsilon is not None:
        spent += [Spent(f"choice {i}", epsilon**2 / 8) for i in range(columns - 1)]
    joint_noise = _gaussian(third, len(edges))
    joint = []
    for edge in edges:
        joint.append(_noisy(counts(small, sizes, edge), joint_noise, dice) / parts)
        if joint_noise:
            spent.append(Spent(f"columns {edge[0]} and {edge[1]}", joint_noise.rho))
    if noise is None or joint_noise is None:
        nodes = tuple(np.asarray(s, dtype=np.float64) for s in shares)
        return Measured(Tree(nodes, edges, tuple(joint)), kept, rows, ())
    weighed = [w * 2 * noise.rho for w in weights]
    tree = nearest_tree(shares, edges, joint, weighed, 2 * joint_noise.rho)
    return Measured(tree, kept, rows, tuple(spent))


def _gaussian(rho: float | None, times: int) -> DiscreteGaussian | None:
    if rho is None:
        return None
    if (sigma := math.sqrt(times / (2 * rho))) > LARGEST:
        raise PlanError(
            f"noise of standard deviation {sigma:,.0f} on every count was called for, and {LARGEST:,.0f} is "
            "the most; give a larger epsilon or fewer columns"
        )
    return DiscreteGaussian(sigma)


def _noisy(table: IntArray, noise: DiscreteGaussian | None, dice: Dice) -> FloatArray:
    if noise is None:
        return table.astype(np.float64)
    return (table + noise.draw(table.size, dice).reshape(table.shape)).astype(np.float64)


def _total(noisy: list[FloatArray]) -> int:
    """How many rows there are, by every column's count of them, weighed by its noise."""
    weights = [1 / len(y) for y in noisy]
    total = sum(w * float(y.sum()) for w, y in zip(weights, noisy, strict=True)) / sum(weights)
    return max(0, round(total))


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
