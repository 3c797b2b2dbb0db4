"""What a class of rows that look alike must fulfil, as values: each is asked of many classes at once.

    k-anonymity    Samarati 2001; Sweeney 2002: k rows at least
    l-diversity    Machanavajjhala et al. 2007 (TKDD 1:1): l sensitive values, well represented
    t-closeness    Li, Li & Venkatasubramanian 2007 (ICDE): near to the distribution in the whole table

All but the first look at a sensitive column. With several such columns each is asked by itself; that is less
than diversity of one column given another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.errors import DataError, PlanError

CELLS = 1 << 23
"""Counts held at a time, so that many classes of many values are never in memory at once."""

SLACK = 1e-9
"""What rounding may cost: a bound met exactly is met."""


class Model(Protocol):
    """Asks something of the sensitive values in a class."""

    def holds(self, counts: IntArray, whole: FloatArray, *, ordered: bool) -> BoolArray:
        """Which classes fulfil it.

        Args:
            counts: (classes, values) rows of each class that have each value, values in their order.
            whole: (values,) shares in the whole table.
            ordered: whether values are numbers.
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

    def holds(self, counts: IntArray, whole: FloatArray, *, ordered: bool) -> BoolArray:
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

    def holds(self, counts: IntArray, whole: FloatArray, *, ordered: bool) -> BoolArray:
        """Which classes have the entropy."""
        p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
        return np.asarray(entropy >= np.log(self.l) - SLACK)

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where the table has fewer values than l, or less entropy."""
        _enough(self.l, counts, column)
        if not self.holds(counts[None], counts / counts.sum(), ordered=False)[0]:
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

    def holds(self, counts: IntArray, whole: FloatArray, *, ordered: bool) -> BoolArray:
        """Which classes fulfil r1 < c (rl + ... + rm)."""
        falling = -np.sort(-counts, axis=1)
        return np.asarray(falling[:, 0] < self.c * falling[:, int(self.l) - 1 :].sum(axis=1))

    def possible(self, counts: IntArray, column: str) -> None:
        """Raise PlanError where the whole table does not fulfil it."""
        _enough(self.l, counts, column)
        if not self.holds(counts[None], counts / counts.sum(), ordered=False)[0]:
            raise PlanError(
                f"the values of {column!r} are not ({self.c}, {self.l})-diverse in the whole table; "
                "give a smaller l or a larger c"
            )


@dataclass(frozen=True)
class Closeness:
    """t-closeness: at most t of mass times distance separates a class from the table (earth mover's).

    Of numbers the distance is between ranks, over the number of values less one; of categories it is one
    between any two (Li et al. 2007, section 4).
    """

    t: float

    def __post_init__(self) -> None:
        if not 0 < self.t < 1:
            raise PlanError(f"t={self.t!r} was given; give a number between 0 and 1")

    def __str__(self) -> str:
        return f"t = {self.t}"

    def holds(self, counts: IntArray, whole: FloatArray, *, ordered: bool) -> BoolArray:
        """Which classes are close."""
        return np.asarray(earth_mover(counts, whole, ordered=ordered) <= self.t + SLACK)

    def possible(self, counts: IntArray, column: str) -> None:
        """The whole table is always close to itself."""


def earth_mover(counts: IntArray, whole: FloatArray, *, ordered: bool) -> FloatArray:
    """(classes,) distance of each class's values from the whole table's, 0 to 1."""
    off = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) - whole
    if not ordered:
        return np.asarray(np.abs(off).sum(axis=1) / 2)
    return np.asarray(np.abs(np.cumsum(off, axis=1)).sum(axis=1) / max(1, len(whole) - 1))


@dataclass(frozen=True, eq=False)
class Secret:
    """A sensitive column as numbers.

    Attributes:
        name: of the column.
        codes: (rows,) positions of the values in their order; a missing one is a value, the last.
        values: how many values there are.
        ordered: whether they are numbers.
    """

    name: str
    codes: IntArray
    values: int
    ordered: bool

    def take(self, rows: IntArray) -> Secret:
        """The same values of fewer rows."""
        return Secret(self.name, self.codes[rows], self.values, self.ordered)


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
                    good[first:past] &= model.holds(counts, whole, ordered=secret.ordered)
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
    if l != int(l):
        raise PlanError(f"l={l!r} was given; give a whole number, 2 or more")
    return int(l)


def secret_of(name: str, values: object) -> Secret:
    """Read a sensitive column.

    Raises:
        DataError: it holds nothing.
    """
    import pandas as pd

    column = pd.Series(values)
    if column.isna().all():
        raise DataError(f"the sensitive column {name!r} is empty; name another")
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    codes, uniques = pd.factorize(
        column if numbers else column.astype(object).astype(str).where(column.notna()), sort=True
    )
    codes = np.where(codes < 0, len(uniques), codes).astype(np.int64)
    return Secret(name, codes, len(uniques) + int((codes == len(uniques)).any()), numbers)
