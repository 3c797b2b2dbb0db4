"""What a class of rows that look alike must fulfil, as values: each is asked of many classes at once.

    k-anonymity    Samarati 2001; Sweeney 2002: k rows at least
    l-diversity    Machanavajjhala et al. 2007 (TKDD 1:1): l sensitive values, well represented
    t-closeness    Li, Li & Venkatasubramanian 2007 (ICDE): near to the distribution in the whole table

All but the first look at a sensitive column. With several such columns each is asked by itself; that is less
than diversity of one column given another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.anonymity.hierarchy import MISSING, Hierarchy
from reticent.errors import DataError, PlanError

CELLS = 1 << 23
"""Counts held at a time, so that many classes of many values are never in memory at once."""

SLACK = 1e-9
"""What rounding may cost: a bound met exactly is met."""

Distance = Callable[[FloatArray], FloatArray]
"""How far values are apart: takes the share of each value in a class less its share in the table (classes,
values), returns the class's earth mover's distance from the table (classes,), 0 to 1."""


class Model(Protocol):
    """Asks something of the sensitive values in a class."""

    def holds(self, counts: IntArray, whole: FloatArray, distance: Distance) -> BoolArray:
        """Which classes fulfil it.

        Args:
            counts: (classes, values) rows of each class that have each value, values in their order.
            whole: (values,) shares in the whole table.
            distance: how far values are apart.
        """

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where no class can fulfil it, given (values,) counts of the whole table."""


@dataclass(frozen=True)
class Diversity:
    """Distinct l-diversity: l different values at least."""

    l: int  # noqa: E741

    def __post_init__(self) -> None:
        if not self.l >= 2 or self.l != int(self.l):
            raise PlanError(f"l={self.l!r} was given; give a whole number, 2 or more")

    def __str__(self) -> str:
        return f"l = {self.l} different values"

    def holds(self, counts: IntArray, whole: FloatArray, distance: Distance) -> BoolArray:
        """Which classes hold l values or more."""
        return np.asarray((counts > 0).sum(axis=1) >= self.l)

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where the table has fewer values."""
        _enough(self.l, counts, column)


@dataclass(frozen=True)
class EntropyDiversity:
    """Entropy l-diversity: the entropy of the values is log l at least (definition 4.1)."""

    l: float  # noqa: E741

    def __post_init__(self) -> None:
        if not self.l > 1:
            raise PlanError(f"l={self.l!r} was given; give a number over 1")

    def __str__(self) -> str:
        return f"l = {self.l} by entropy"

    def holds(self, counts: IntArray, whole: FloatArray, distance: Distance) -> BoolArray:
        """Which classes have the entropy."""
        p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
        return np.asarray(entropy >= np.log(self.l) - SLACK)

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where the table has fewer values than l, or less entropy."""
        _enough(self.l, counts, column)
        if not self.holds(counts[None], counts / counts.sum(), equal)[0]:
            raise PlanError(
                f"the values of {column!r} have too little entropy for l={self.l} in the whole table; "
                "give a smaller l, or diversity='distinct'"
            )


@dataclass(frozen=True)
class RecursiveDiversity:
    """Recursive (c, l)-diversity: the commonest value less often than c times the l-th commonest and all
    rarer ones together (definition 4.2)."""

    l: int  # noqa: E741
    c: float = 3.0

    def __post_init__(self) -> None:
        if not self.l >= 2 or self.l != int(self.l):
            raise PlanError(f"l={self.l!r} was given; give a whole number, 2 or more")
        if not self.c > 0:
            raise PlanError(f"c={self.c!r} was given; give a number over 0")

    def __str__(self) -> str:
        return f"({self.c}, {self.l}) recursive"

    def holds(self, counts: IntArray, whole: FloatArray, distance: Distance) -> BoolArray:
        """Which classes fulfil r1 < c (rl + ... + rm)."""
        falling = -np.sort(-counts, axis=1)
        return np.asarray(falling[:, 0] < self.c * falling[:, int(self.l) - 1 :].sum(axis=1))

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where the whole table does not fulfil it."""
        _enough(self.l, counts, column)
        if not self.holds(counts[None], counts / counts.sum(), equal)[0]:
            raise PlanError(
                f"the values of {column!r} are not ({self.c}, {self.l})-diverse in the whole table; "
                "give a smaller l or a larger c"
            )


@dataclass(frozen=True)
class Closeness:
    """t-closeness: at most t of mass times distance separates a class from the table (earth mover's).

    Of numbers the distance is between ranks, over the number of values less one (`by_rank`); of categories it
    is one between any two (`equal`), or the height at which they become one in their hierarchy, over its own
    (`Levels`; Li et al. 2007, section 4).
    """

    t: float

    def __post_init__(self) -> None:
        if not 0 < self.t < 1:
            raise PlanError(f"t={self.t!r} was given; give a number between 0 and 1")

    def __str__(self) -> str:
        return f"t = {self.t}"

    def holds(self, counts: IntArray, whole: FloatArray, distance: Distance) -> BoolArray:
        """Which classes are close."""
        return np.asarray(earth_mover(counts, whole, distance) <= self.t + SLACK)

    def possible(self, counts: IntArray, column: str) -> None:
        """The whole table is always close to itself."""


def earth_mover(counts: IntArray, whole: FloatArray, distance: Distance) -> FloatArray:
    """(classes,) distance of each class's values from the whole table's, 0 to 1."""
    return distance(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) - whole)


def by_rank(off: FloatArray) -> FloatArray:
    """Of numbers: what is too much is carried from each value to the next."""
    return np.asarray(np.abs(np.cumsum(off, axis=1)).sum(axis=1) / max(1, off.shape[1] - 1))


def equal(off: FloatArray) -> FloatArray:
    """Of categories that are all as far apart: what is too much is carried once."""
    return np.asarray(np.abs(off).sum(axis=1) / 2)


@dataclass(frozen=True, eq=False)
class Levels:
    """Of categories in a hierarchy: the height of the lowest node over two, over the root's height H.

    Li et al. 2007 add up height(N) / H · min(pos_extra(N), neg_extra(N)) over inner nodes N, from below. The
    same distances are those of a walk along the tree's edges, each half as long as its upper end is higher
    than its lower, over H; and |extra| of the lower end must cross it. So this adds up |extra| times length
    over edges: no walk from below, and all classes at once.

    Attributes:
        first, past: (runs,) values that nodes cover, in the hierarchy's order.
        step: (runs,) what it costs to carry over the edge of each.
    """

    first: IntArray
    past: IntArray
    step: FloatArray

    @classmethod
    def of(cls, tree: Hierarchy, leaves: IntArray) -> Levels:
        """Between some leaves (values,), rising; nodes over the same ones are put together."""
        climb = (tree.heights[tree.above] - tree.heights) / (2 * max(1, int(tree.heights[0])))
        ends = np.column_stack([tree.first, tree.first + tree.sizes])
        runs, same = np.unique(np.searchsorted(leaves, ends), axis=0, return_inverse=True)
        step = np.bincount(same.reshape(-1), weights=climb, minlength=len(runs))
        moves = (runs[:, 0] < runs[:, 1]) & (runs[:, 1] - runs[:, 0] < len(leaves))  # all together are even
        return cls(runs[moves, 0], runs[moves, 1], step[moves].astype(np.float64))

    def __call__(self, off: FloatArray) -> FloatArray:
        """See `Distance`."""
        below = np.cumsum(np.pad(off, ((0, 0), (1, 0))), axis=1)
        return np.asarray(np.abs(below[:, self.past] - below[:, self.first]) @ self.step)


@dataclass(frozen=True, eq=False)
class Secret:
    """A sensitive column as numbers.

    Attributes:
        name: of the column.
        codes: (rows,) positions of the values in their order; a missing one is a value, the last.
        values: how many values there are.
        distance: how far they are apart.
    """

    name: str
    codes: IntArray
    values: int
    distance: Distance

    def take(self, rows: IntArray) -> Secret:
        """The same values of fewer rows."""
        return Secret(self.name, self.codes[rows], self.values, self.distance)


@dataclass(frozen=True, eq=False)
class Rule:
    """All that is asked of every class.

    Attributes:
        k: rows at least.
        models: what is asked of each sensitive column.
        secrets: the sensitive columns.

    Raises:
        PlanError: what is asked can't be had of this table.
    """

    k: int
    models: tuple[Model, ...] = ()
    secrets: tuple[Secret, ...] = ()

    def __post_init__(self) -> None:
        if self.k != int(self.k) or self.k < 2:
            raise PlanError(f"k={self.k!r} was given; give a whole number, 2 or more")
        for secret in self.secrets:
            for model in self.models:
                model.possible(np.bincount(secret.codes, minlength=secret.values), secret.name)

    def take(self, rows: IntArray) -> Rule:
        """The same asked of fewer rows."""
        return Rule(self.k, self.models, tuple(s.take(rows) for s in self.secrets))

    def sizes_hold(self, sizes: IntArray) -> BoolArray:
        """Which classes of these sizes are large enough."""
        return np.asarray(sizes >= self.k)

    def holds(self, rows: IntArray, group: IntArray, groups: int) -> BoolArray:
        """(groups,) which groups of rows fulfil everything.

        Args:
            rows: positions in the table.
            group: the group of each of `rows`, rising.
        """
        good = self.sizes_hold(np.bincount(group, minlength=groups))
        for secret in self.secrets if self.models else ():
            whole = np.bincount(secret.codes, minlength=secret.values) / len(secret.codes)
            for first, past, own in _blocks(group, groups, secret.values):
                key = (group[own] - first) * secret.values + secret.codes[rows[own]]
                counts = np.bincount(key, minlength=(past - first) * secret.values)
                counts = counts.reshape(past - first, secret.values)
                for model in self.models:
                    good[first:past] &= model.holds(counts, whole, secret.distance)
        return good


def _blocks(group: IntArray, groups: int, values: int) -> Iterator[tuple[int, int, slice]]:
    step = max(1, CELLS // max(1, values))
    for first in range(0, groups, step):
        past = min(groups, first + step)
        low, high = np.searchsorted(group, [first, past])
        yield first, past, slice(int(low), int(high))


def _enough(l: float, counts: IntArray, column: str) -> None:  # noqa: E741
    there = int((counts > 0).sum())
    if l > there:
        raise PlanError(
            f"l={l} was given and {column!r} has {there} values; give {there} or less, or another column"
        )


def models(l: float | None, t: float | None, diversity: str, c: float) -> tuple[Model, ...]:  # noqa: E741
    """The models that numbers ask for.

    Raises:
        PlanError: a number that makes no sense, or another word for diversity than "distinct", "entropy" or
            "recursive".
    """
    kinds = {"distinct": Diversity, "entropy": EntropyDiversity}
    if diversity not in (*kinds, "recursive"):
        raise PlanError(f"diversity={diversity!r} was given; give 'distinct', 'entropy' or 'recursive'")
    found: list[Model] = []
    if l is not None:
        found.append(RecursiveDiversity(_whole(l), c) if diversity == "recursive" else _diverse(l, diversity))
    if t is not None:
        found.append(Closeness(t))
    return tuple(found)


def _diverse(l: float, diversity: str) -> Model:  # noqa: E741
    return EntropyDiversity(l) if diversity == "entropy" else Diversity(_whole(l))


def _whole(l: float) -> int:  # noqa: E741
    if not isfinite(l) or l != int(l):
        raise PlanError(f"l={l!r} was given; give a whole number, 2 or more")
    return int(l)


def secret_of(name: str, values: object, tree: Hierarchy | None = None) -> Secret:
    """Read a sensitive column.

    Args:
        tree: how far its values are apart; without, numbers are by their ranks and all others the same.

    Raises:
        DataError: it holds nothing, or a value that the hierarchy lacks.
    """
    import pandas as pd

    column = pd.Series(values)
    gone = column.isna()
    if gone.all():
        raise DataError(f"the sensitive column {name!r} is empty; name another")
    if tree is not None:
        tree = tree.with_missing() if gone.any() else tree
        numbers, uniques = pd.factorize(column.astype(object).astype(str).where(~gone, MISSING))
        leaves, codes = np.unique(tree.code(uniques.tolist(), name)[numbers], return_inverse=True)
        return Secret(name, codes.astype(np.int64), len(leaves), Levels.of(tree, leaves))
    ordered = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    codes, uniques = pd.factorize(
        column if ordered else column.astype(object).astype(str).where(~gone), sort=True
    )
    codes = np.where(codes < 0, len(uniques), codes).astype(np.int64)
    return Secret(name, codes, len(uniques) + int(gone.any()), by_rank if ordered else equal)
