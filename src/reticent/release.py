"""A published table, and the people that it was made from: how they are read, and what an attack is handed.

Numbers, categories and missing values become one matrix, the same codes in every table. An attack is handed
the release and what it may know of the people attacked. It is never told who of them is behind the release
and who is like those people but was never seen by it, and never what it has to guess.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


class Condition(NamedTuple):
    """What one column has to be; "missing" looks at no value."""

    column: int
    sign: Literal["==", "<=", ">=", "missing"]
    value: float = np.nan

    def holds(self, values: FloatArray) -> BoolArray:
        """(rows,) where the column's values are so; a missing value is neither more nor less than any."""
        if self.sign == "missing":
            return np.isnan(values)
        if self.sign == "==":
            return np.asarray(values == self.value)
        return np.asarray(values <= self.value if self.sign == "<=" else values >= self.value)


Predicate = tuple[Condition, ...]
"""Conditions that hold together, at least one."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of people as one matrix.

    Attributes:
        values: (rows, columns) numbers, NaN where missing; of a category, the code that all tables share.
        names: (columns,) of the columns.
        numbers: (columns,) True where a column holds numbers, False where it holds categories.
    """

    values: FloatArray
    names: tuple[str, ...]
    numbers: BoolArray

    def __len__(self) -> int:
        return len(self.values)

    def take(self, index: IntArray | BoolArray) -> Table:
        """The rows at `index` (positions or a mask), in that order."""
        return replace(self, values=self.values[index])

    def only(self, names: Sequence[str]) -> Table:
        """The columns of these names, in their order."""
        places = [self.names.index(name) for name in names]
        return Table(self.values[:, places], tuple(names), self.numbers[places])

    def column(self, name: str) -> FloatArray:
        """(rows,) one column."""
        return np.asarray(self.values[:, self.names.index(name)])

    def where(self, predicate: Predicate) -> IntArray:
        """Positions of the rows for which a predicate holds."""
        first, *others = predicate
        rows = np.flatnonzero(first.holds(self.values[:, first.column]))
        for condition in others:
            rows = rows[condition.holds(self.values[rows, condition.column])]
        return rows

    def keys(self) -> npt.NDArray[np.uint64]:
        """(rows,) 64-bit hashes: equal rows, equal keys."""
        import pandas as pd

        table = pd.DataFrame(self.values + 0.0)  # minus zero is zero
        return np.asarray(pd.util.hash_pandas_object(table, index=False), dtype=np.uint64)


class Knows(Enum):
    """What an attacker knows of the people attacked."""

    NOTHING = "nothing"
    HALVES = "two sets of columns, not which of the one belong to which of the other"
    REST = "every column but the secret one"
    ALL = "every column"


@dataclass(frozen=True, eq=False)
class ReleaseScene:
    """What an attack on a release is handed.

    Attributes:
        release: the table that was published.
        people: what is known of the people attacked. Nothing: no table. Halves: two tables of other columns,
            the same people in another order. Else: one table.
        secret: the column to guess, where one is.
        guesses: how many predicates to find, where people are singled out.
        seed: of everything random that an attack does.
    """

    release: Table
    people: tuple[Table, ...] = ()
    secret: str = ""
    guesses: int = 0
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """A fresh generator: the same seed, the same draws, whichever attack ran before."""
        return np.random.default_rng(self.seed)


@dataclass(frozen=True, eq=False)
class Predicates:
    """Predicates that are said to hold for exactly one person each."""

    predicates: tuple[Predicate, ...]


@dataclass(frozen=True, eq=False)
class Links:
    """Which rows of the release are nearest to either half of each person.

    Attributes:
        near: (people, bytes) of each half, in the order of its table: a bit for each row of the release, as
            `np.packbits` lays them out.
    """

    near: tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class Values:
    """The secret of each person, as guessed.

    Attributes:
        values: (people,) numbers or codes.
    """

    values: FloatArray


@dataclass(frozen=True, eq=False)
class Found:
    """Who is said to stand in the release.

    Attributes:
        found: (people,)
    """

    found: BoolArray


Guess = Predicates | Links | Values | Found
"""What an attack on a release returns."""


def read_tables(tables: Mapping[str, pd.DataFrame]) -> tuple[Table, ...]:
    """Read tables of the same columns, in the order of the first one's, with the same codes in all.

    Truth values, text and anything else that is no number and no date is a category.

    Args:
        tables: what the errors call each table -> the table.

    Raises:
        DataError: an empty table, two columns of one name, columns that differ, a column that holds numbers
            in one table and something else in another, or an infinite number.
    """
    what, frames = list(tables), list(tables.values())
    for name, frame in tables.items():
        if not len(frame) or not frame.shape[1]:
            raise DataError(
                f"the {name} has {len(frame)} rows and {frame.shape[1]} columns; give a few hundred rows"
            )
        twice = frame.columns[frame.columns.duplicated()].tolist()
        if twice:
            raise DataError(f"the {name} has more than one column {twice[0]!r}; give each a name of its own")
        odd = sorted(map(str, set(frame.columns) ^ set(frames[0].columns)))
        if odd:
            raise DataError(
                f"the {what[0]} and the {name} do not have the same columns ({', '.join(odd[:5])}); "
                "give tables of the same columns"
            )
    columns, numbers = [], []
    for column in frames[0].columns:
        parts = [frame[column] for frame in frames]
        kinds = {_is_number(part) for part in parts if part.notna().any()}
        if len(kinds) > 1:
            raise DataError(
                f"{column!r} holds numbers in one table and something else in another; read all tables alike"
            )
        numbers.append(kinds == {True})
        columns.append(_numbers(parts, str(column)) if numbers[-1] else _codes(parts))
    ends = np.cumsum([len(frame) for frame in frames])[:-1]
    names = tuple(map(str, frames[0].columns))
    # Column by column in memory, as they are read
    values = np.asfortranarray(np.stack(columns, axis=1))
    return tuple(Table(np.asfortranarray(part), names, np.array(numbers)) for part in np.split(values, ends))


def _is_number(column: pd.Series[Any]) -> bool:
    import pandas as pd

    kind = pd.api.types
    number = kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column)
    return bool(number or kind.is_datetime64_any_dtype(column))


def _numbers(parts: list[pd.Series[Any]], name: str) -> FloatArray:
    """(rows of all parts,) as they are; of dates, the seconds since 1970."""
    import pandas as pd

    found = []
    for part in parts:
        if pd.api.types.is_datetime64_any_dtype(part):
            seconds = part.to_numpy("datetime64[ns]").astype(np.int64) / 1e9
            found.append(np.where(part.isna(), np.nan, seconds))
        else:
            found.append(part.to_numpy(np.float64, na_value=np.nan))
    values = np.concatenate(found)
    if np.isinf(values).any():
        raise DataError(f"{name!r} holds infinite numbers; leave those cells missing")
    return values


def _codes(parts: list[pd.Series[Any]]) -> FloatArray:
    """(rows of all parts,) the position of each value among those there are."""
    import pandas as pd

    codes, _ = pd.factorize(np.concatenate([part.astype(object).to_numpy() for part in parts]))
    return np.where(codes < 0, np.nan, codes.astype(np.float64))
