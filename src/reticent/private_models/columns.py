"""What a table may hold, told beforehand: the range of each number, the words of each category.

A private model may not look such things up in its records: a range read off them tells of whoever has the
largest value. So they are given, and every record is read by itself. Whatever it holds is made to fit: a
number beyond its range becomes the nearest end, one that is missing or no number the middle, a word that is
not among the given becomes none of them. Nothing that stands in a cell raises an error, since that there was
one would tell of a record; columns that are missing do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.errors import DataError, PlanError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOW = "give (low, high) for a column of numbers and its words for one of categories"


@dataclass(frozen=True)
class Span:
    """A column of numbers.

    Attributes:
        low, high: numbers beyond are clipped to these.
    """

    low: float
    high: float

    def read(self, column: Any) -> Floats:
        """(records,) values in [-1, 1]: `low` is -1, `high` is 1, what is no number 0."""
        import pandas as pd

        values = pd.to_numeric(pd.Series(np.asarray(column)), errors="coerce").to_numpy(
            np.float64, na_value=np.nan
        )
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        read: Floats = np.clip(np.nan_to_num((values - middle) / half, nan=0.0), -1, 1)
        return read


@dataclass(frozen=True)
class Words:
    """A column of categories.

    Attributes:
        words: those there may be; compared as text.
    """

    words: tuple[str, ...]

    def read(self, column: Any) -> Ints:
        """(records,) positions in `words`; one past the last for any other."""
        import pandas as pd

        found = pd.Index(self.words).get_indexer(pd.Index(_text(np.asarray(column))))
        return np.where(found < 0, len(self.words), found).astype(np.int64)


@dataclass(frozen=True)
class Columns:
    """Every column of a table, in order.

    Attributes:
        kinds: what each may hold.
        names: of the columns, or None where they are told apart by their place.
    """

    kinds: tuple[Span | Words, ...]
    names: tuple[str, ...] | None = None

    @cached_property
    def width(self) -> int:
        """How many numbers `encode` makes of a record."""
        return sum(len(k.words) if isinstance(k, Words) else 1 for k in self.kinds)

    @property
    def norm(self) -> float:
        """The largest L2 norm of an encoded record: each column adds a vector of norm one at most."""
        return float(np.sqrt(len(self.kinds)))

    def read(self, x: Any) -> list[Floats | Ints]:
        """Each column of `x` read by what it may hold.

        Raises:
            DataError: columns that are missing, or more than were told of.
        """
        if self.names is not None:
            if not hasattr(x, "columns"):
                raise DataError(
                    "an array was given where bounds name columns; give a table, or bounds in the columns' "
                    "order"
                )
            missing = [n for n in self.names if n not in x.columns]
            if missing:
                raise DataError(f"the records have no column {missing[0]!r}, whose bounds were given")
            return [kind.read(x[n]) for n, kind in zip(self.names, self.kinds, strict=True)]
        values = x.to_numpy() if hasattr(x, "to_numpy") else np.asarray(x)
        if values.ndim != 2 or values.shape[1] != len(self.kinds):
            raise DataError(
                f"features of shape {values.shape} were given where bounds tell of {len(self.kinds)} "
                "columns; give (records, columns)"
            )
        return [kind.read(values[:, i]) for i, kind in enumerate(self.kinds)]

    def encode(self, x: Any) -> Floats:
        """(records, width) numbers in [-1, 1]: categories one-hot, all nought for a word not told of."""
        read = self.read(x)
        encoded = np.zeros((len(read[0]), self.width))
        at = 0
        for kind, column in zip(self.kinds, read, strict=True):
            if isinstance(kind, Words):
                known = np.flatnonzero(column < len(kind.words))
                encoded[known, at + column[known].astype(np.int64)] = 1
                at += len(kind.words)
            else:
                encoded[:, at] = column
                at += 1
        return encoded


def read_columns(bounds: Any, x: Any) -> Columns:
    """What `bounds` say of the columns of `x`.

    Args:
        bounds: (low, high) for every column; or one entry a column, in their order; or a mapping, or pairs
            (name, entry), by their names. An entry is (low, high), or a column's words.
        x: (records, columns) table or array; its values are not looked at.

    Raises:
        PlanError: bounds that do not read.
        DataError: columns without bounds, bounds without column.
    """
    if bounds is None:
        raise PlanError(f"no bounds were given, and reading them off the records tells of them; {HOW}")
    check_bounds(bounds)
    names = [str(c) for c in x.columns] if hasattr(x, "columns") else None
    columns = len(names) if names is not None else np.shape(x)[1] if np.ndim(x) == 2 else -1
    if columns < 1:
        raise DataError(f"features of shape {np.shape(x)} were given; give (records, columns)")
    if _is_span(bounds):
        return Columns((Span(*map(float, bounds)),) * columns)
    if isinstance(bounds, Mapping) or _is_named(bounds):
        told = {str(name): _kind(entry) for name, entry in dict(bounds).items()}
        if names is None:
            raise DataError(
                "an array was given where bounds name columns; give a table, or bounds in the columns' order"
            )
        for have, lack, said in ((told, names, "bounds were given for"), (names, told, "there are none for")):
            odd = [n for n in have if n not in lack]
            if odd:
                raise DataError(
                    f"{said} the column {odd[0]!r} ({len(odd)} in all), and the records and the bounds are "
                    "to have the same columns; give one entry a column, or leave the column out"
                )
        return Columns(tuple(told[n] for n in names), tuple(names))
    if len(bounds) != columns:
        raise DataError(
            f"{len(bounds)} bounds were given for {columns} columns; give one a column, in their order, or "
            "one (low, high) for all"
        )
    return Columns(tuple(_kind(entry) for entry in bounds))


def check_bounds(bounds: Any) -> None:
    """Refuse bounds that could not be meant for any table.

    Raises:
        PlanError: neither ranges nor words, or a range that holds nothing.
    """
    if _is_span(bounds):
        _kind(bounds)
    elif isinstance(bounds, Mapping) or _is_named(bounds):
        for entry in dict(bounds).values():
            _kind(entry)
    elif isinstance(bounds, Sequence) and not isinstance(bounds, str) and len(bounds):
        for entry in bounds:
            _kind(entry)
    else:
        raise PlanError(f"bounds={bounds!r} do not read; {HOW}")


def frozen(bounds: Any) -> Any:
    """Bounds as tuples, which can be hashed: a mapping becomes pairs (name, entry)."""
    if isinstance(bounds, Mapping):
        return tuple((name, frozen(entry)) for name, entry in bounds.items())
    if isinstance(bounds, Sequence) and not isinstance(bounds, str):
        return tuple(frozen(entry) for entry in bounds)
    return bounds


def _kind(entry: Any) -> Span | Words:
    if _is_span(entry):
        low, high = map(float, entry)
        if not (np.isfinite([low, high]).all() and low < high):
            raise PlanError(
                f"the bounds {tuple(entry)} hold no numbers; give (low, high) with low below high"
            )
        return Span(low, high)
    words = isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) > 0
    if not words or not all(isinstance(word, str) for word in entry):
        raise PlanError(f"the bounds {entry!r} of a column do not read; {HOW}")
    if len(set(entry)) < len(entry):
        raise PlanError(f"the words {entry!r} of a column hold one twice; give each once")
    return Words(tuple(entry))


def _is_span(entry: Any) -> bool:
    """Whether it is two numbers."""
    pair = isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) == 2
    return pair and all(isinstance(v, int | float) and not isinstance(v, bool) for v in entry)


def _is_named(bounds: Any) -> bool:
    """Whether it is pairs of a name and an entry."""
    return (
        isinstance(bounds, Sequence)
        and not isinstance(bounds, str)
        and len(bounds) > 0
        and all(
            isinstance(pair, Sequence)
            and len(pair) == 2
            and isinstance(pair[0], str)
            and isinstance(pair[1], Sequence)
            and not isinstance(pair[1], str)
            for pair in bounds
        )
    )


def _text(column: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    """Values as text: whole numbers without a point, whichever type holds them."""
    if column.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            whole = np.isfinite(column) & (column == np.rint(column)) & (np.abs(column) < 2**53)
        as_text = column.astype(str).astype(object)
        as_text[whole] = column[whole].astype(np.int64).astype(str).astype(object)
        return as_text
    if column.dtype == object and all(type(value) is str for value in column.tolist()):
        return column
    return column.astype(str).astype(object)
