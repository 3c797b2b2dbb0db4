"""What values a table's columns can have, said before anybody looks at the people in it.

A domain that is read off the people gives some of them away: a category that one of them alone has, or the
oldest one's age. So it is stated: in Python, in a plan, in a TOML file, or taken from a public table of other
people. Synthetic tables, records blurred one by one and private models all read the same.

    [sex]
    categories = ["Female", "Male"]

    [age]
    low = 17
    high = 90
    bins = 24               # 32 if not said
    whole = true            # ages are whole numbers
    missing = true          # cells may be empty
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import IntArray
from reticent.errors import DataError, PlanError
from reticent.noise import Dice

if TYPE_CHECKING:
    import pandas as pd

TEXT = 500
"""Categories beyond which a column of a public table is taken for free text."""


@dataclass(frozen=True)
class Categories:
    """A column of named values.

    Attributes:
        values: all that may occur.
        missing: cells may be empty too.

    Raises:
        PlanError: no values, one of them twice, or one that is missing.
    """

    values: tuple[Any, ...]
    missing: bool = False

    def __post_init__(self) -> None:
        if not self.values or len(set(self.values)) < len(self.values) or None in self.values:
            raise PlanError(
                f"the categories {self.values!r} were given; give each value once, and missing = true where "
                "cells may be empty"
            )

    @property
    def cells(self) -> int:
        """How many cells the column is counted in, that of empty ones last."""
        return len(self.values) + self.missing

    def encode(self, column: pd.Series[Any]) -> IntArray:
        """(rows,) cells, -1 for a value that is none of these."""
        import pandas as pd

        codes = pd.Index(list(self.values), dtype=object).get_indexer(pd.Index(column.astype(object)))
        empty = column.isna().to_numpy()
        return np.where(empty, len(self.values) if self.missing else -1, codes).astype(np.int64)

    def decode(self, cells: IntArray, dice: Dice) -> pd.Series[Any]:
        """(rows,) values of these cells."""
        import pandas as pd

        whole = pd.Series([*self.values, *[None] * self.missing], dtype=object)
        return whole.iloc[cells].reset_index(drop=True).infer_objects()


@dataclass(frozen=True)
class Numbers:
    """A column of numbers between two bounds, counted in bins of one width.

    Attributes:
        low, high: the bounds, both of which may occur.
        bins: how many; of whole numbers no more than there are.
        whole: whether the numbers are whole.
        missing: cells may be empty too.

    Raises:
        PlanError: bounds that are none, or less than one bin.
    """

    low: float
    high: float
    bins: int = 32
    whole: bool = False
    missing: bool = False

    def __post_init__(self) -> None:
        if not -np.inf < self.low < self.high < np.inf:
            raise PlanError(
                f"the bounds low={self.low} and high={self.high} were given; give two numbers, the lower one "
                "first"
            )
        if self.bins < 1 or (self.whole and (self.low != int(self.low) or self.high != int(self.high))):
            raise PlanError(
                f"bins={self.bins} between {self.low} and {self.high} were given; give one bin at least, and "
                "whole bounds to whole numbers"
            )

    @property
    def edges(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(bins + 1,) where bins begin and end; each holds its beginning, the last one its end too."""
        if self.whole:
            count = min(self.bins, int(self.high - self.low) + 1)
            return np.unique(np.rint(np.linspace(self.low, self.high + 1, count + 1)))
        return np.linspace(self.low, self.high, self.bins + 1)

    @property
    def cells(self) -> int:
        """How many cells the column is counted in, that of empty ones last."""
        return len(self.edges) - 1 + self.missing

    def encode(self, column: pd.Series[Any]) -> IntArray:
        """(rows,) cells, -1 for a value out of bounds, a fraction among whole numbers, or no number."""
        import pandas as pd

        values = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        edges, empty = self.edges, column.isna().to_numpy()
        inside = (values >= self.low) & (values <= self.high)
        if self.whole:
            inside &= values == np.rint(values)
        cells = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        cells = np.where(inside, cells, -1)
        return np.where(empty, len(edges) - 1 if self.missing else -1, cells).astype(np.int64)

    def decode(self, cells: IntArray, dice: Dice) -> pd.Series[Any]:
        """(rows,) numbers drawn uniformly from these cells."""
        import pandas as pd

        edges = self.edges
        empty = cells >= len(edges) - 1
        at = np.minimum(cells, len(edges) - 2)
        start, end = edges[at], edges[at + 1]
        if self.whole:
            drawn = pd.Series(start.astype(np.int64) + dice.below((end - start).astype(np.int64)))
            return drawn.astype("float64").mask(empty) if empty.any() else drawn
        # Rounded up, it would lie in the next bin
        inside = np.minimum(start + (end - start) * dice.uniform(len(cells)), np.nextafter(end, start))
        return pd.Series(inside).mask(empty)


Column = Categories | Numbers

Stated = tuple[tuple[Any, ...], ...]
"""Columns as a plan can write them: (name, low, high), (name, low, high, bins), (name, low, high, bins, True)
where numbers may be missing, or (name, (values, …)) with None among the values where they may."""


@dataclass(frozen=True)
class Domain:
    """The columns of a table and what may stand in them; hashable, in the order given.

    Attributes:
        columns: (name, what it may hold) of each.

    Raises:
        PlanError: no columns, or two of one name.
    """

    columns: tuple[tuple[str, Column], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.columns]
        if not names or len(set(names)) < len(names):
            raise PlanError(f"a domain of the columns {names} was given; give each column once")

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(name for name, _ in self.columns)

    @property
    def shape(self) -> tuple[int, ...]:
        """The cells of each column."""
        return tuple(column.cells for _, column in self.columns)

    @classmethod
    def of(cls, columns: Mapping[str, Column]) -> Domain:
        """From names and what they may hold."""
        return cls(tuple(columns.items()))

    @classmethod
    def read(cls, path: Path) -> Domain:
        """From a TOML file, a table a column.

        Raises:
            PlanError: it is not there, is no TOML, or holds a key that means nothing.
        """
        try:
            with path.open("rb") as file:
                tables = tomllib.load(file)
        except OSError as error:
            raise PlanError(f"there is no domain file {str(path)!r}; give a TOML file") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise PlanError(f"the domain {str(path)!r} does not read as TOML ({error}); mend it") from error
        return cls.of({name: _column(name, table) for name, table in tables.items()})

    @classmethod
    def public(cls, table: pd.DataFrame, *, bins: int = 32) -> Domain:
        """From a table of other people, which anybody may see: its categories, and bounds of its numbers.

        Whoever calls this says that the table is public. Taken from the people who are to be protected, the
        rarest category and the largest number would be published as they are, outside any guarantee.

        Raises:
            DataError: dates, free text, or a column without values: say what they may hold, or drop them.
        """
        return cls.of({str(name): _guessed(str(name), table[name], bins) for name in table.columns})

    def encode(self, table: pd.DataFrame) -> IntArray:
        """(rows, columns) cells of a table.

        Raises:
            DataError: columns that differ from these, an empty column, dates or free text, a value that the
                domain does not know.
        """
        lacking = [name for name in self.names if name not in table.columns]
        beyond = [str(name) for name in table.columns if str(name) not in self.names]
        if lacking or beyond:
            said = f"the table lacks {lacking[0]!r}" if lacking else f"the domain lacks {beyond[0]!r}"
            raise DataError(f"{said}; give a domain of the table's columns, or drop what should not be made")
        cells = [self._encoded(name, column, table[name]) for name, column in self.columns]
        return np.stack(cells, axis=1)

    def decode(self, cells: IntArray, dice: Dice) -> pd.DataFrame:
        """A table of these (rows, columns) cells; numbers are drawn within their bins."""
        import pandas as pd

        made = {n: column.decode(cells[:, i], dice) for i, (n, column) in enumerate(self.columns)}
        return pd.DataFrame(made)

    def _encoded(self, name: str, column: Column, values: pd.Series[Any]) -> IntArray:
        if values.isna().all():
            raise DataError(f"{name!r} holds no value at all; leave the column out")
        cells = column.encode(values)
        if (odd := cells < 0).any():
            # No value is quoted: it may be one person's
            holds = "empty cells" if values[odd].isna().any() else "values out of its domain"
            mend = (
                "say missing = true"
                if values[odd].isna().any()
                else "widen the bounds, or clip the column"
                if isinstance(column, Numbers)
                else "add the categories, or merge rare ones before"
            )
            raise DataError(f"{name!r} holds {int(odd.sum()):,} {holds}; {mend}")
        return cells


def stated(columns: Stated | Domain, word: str) -> dict[str, Column]:
    """Read stated columns.

    Raises:
        PlanError: one that does not read.
    """
    if isinstance(columns, Domain):
        return dict(columns.columns)
    return {_name(entry, word): _stated(entry, word) for entry in columns}


def _name(entry: Any, word: str) -> str:
    if not isinstance(entry, tuple) or len(entry) < 2 or not isinstance(entry[0], str):
        raise PlanError(
            f"{word} was given {entry!r} in its domain; give (name, low, high) or (name, (values, ...)) "
            "for a column"
        )
    return entry[0]


def _stated(entry: tuple[Any, ...], word: str) -> Column:
    _, *said = entry
    if len(said) == 1 and isinstance(said[0], tuple):
        return Categories(tuple(v for v in said[0] if v is not None), None in said[0])
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in said[:3]]
    if not 2 <= len(said) <= 4 or not all(numbers):
        raise PlanError(
            f"{word} was given {entry!r} in its domain; give (name, low, high), and bins after them"
        )
    low, high = said[:2]
    bins = said[2] if len(said) > 2 else 32
    return Numbers(low, high, bins, missing=bool(said[3:] and said[3]))


def _column(name: str, table: Any) -> Column:
    if not isinstance(table, dict):
        raise PlanError(f"the domain gives {name!r} as {table!r}; write a table of it, as in [{name}]")
    kind: type[Column] = Categories if "categories" in table else Numbers
    said = {("values" if key == "categories" else key): value for key, value in table.items()}
    known = {f.name for f in fields(kind)}
    if odd := [key for key in said if key not in known]:
        allowed = "categories, missing" if kind is Categories else "low, high, bins, whole, missing"
        raise PlanError(f"[{name}] in the domain has a key {odd[0]!r}; known: {allowed}")
    if kind is Numbers and not {"low", "high"} <= set(said):
        raise PlanError(f"[{name}] in the domain gives no bounds; give categories, or low and high")
    if kind is Categories and not isinstance(said["values"], list):
        raise PlanError(f"[{name}] in the domain gives categories that are no list; give a list of them")
    plain: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in said.items()}
    try:
        return kind(**plain)
    except TypeError as error:
        raise PlanError(f"[{name}] in the domain does not read ({error}); give plain values") from error


def _guessed(name: str, column: pd.Series[Any], bins: int) -> Column:
    import pandas as pd

    kind, empty = pd.api.types, bool(column.isna().any())
    if column.isna().all():
        raise DataError(
            f"{name!r} holds no value in the public table; leave the column out, or state its domain"
        )
    if kind.is_datetime64_any_dtype(column):
        raise DataError(
            f"{name!r} holds dates; turn them into numbers before, such as days since a fixed day or the year"
        )
    if kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column):
        values = column.dropna().to_numpy(np.float64)
        low, high, whole = values.min(), values.max(), bool((values == np.rint(values)).all())
        if low == high:
            return Categories((column.dropna().iloc[0].item(),), empty)
        return Numbers(float(low), float(high), bins, whole, empty)
    found = sorted(column.dropna().unique().tolist(), key=str)
    if len(found) > TEXT:
        raise DataError(
            f"{name!r} holds {len(found):,} different texts in the public table, so it is free text or a "
            "key; drop it, or code it in categories before"
        )
    return Categories(tuple(found), empty)
