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

from reticent.domain import Categories, Column, Domain, Numbers, stated
from reticent.errors import DataError, PlanError

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

HOW = "give (low, high) for a column of numbers and its words for one of categories"


@dataclass(frozen=True)
class Columns:
    """Every column of a table, in order.

    Attributes:
        kinds: what each may hold.
        names: of the columns, or None where they are told apart by their place.
    """

    kinds: tuple[Column, ...]
    names: tuple[str, ...] | None = None

    @cached_property
    def width(self) -> int:
        """How many numbers `encode` makes of a record."""
        return sum(len(k.values) if isinstance(k, Categories) else 1 for k in self.kinds)

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
            return [_read(kind, x[n]) for n, kind in zip(self.names, self.kinds, strict=True)]
        values = x.to_numpy() if hasattr(x, "to_numpy") else np.asarray(x)
        if values.ndim != 2 or values.shape[1] != len(self.kinds):
            raise DataError(
                f"features of shape {values.shape} were given where bounds tell of {len(self.kinds)} "
                "columns; give (records, columns)"
            )
        return [_read(kind, values[:, i]) for i, kind in enumerate(self.kinds)]

    def encode(self, x: Any) -> Floats:
        """(records, width) numbers in [-1, 1]: categories one-hot, all nought for a word not told of."""
        read = self.read(x)
        encoded = np.zeros((len(read[0]), self.width))
        at = 0
        for kind, column in zip(self.kinds, read, strict=True):
            if isinstance(kind, Categories):
                known = np.flatnonzero(column < len(kind.values))
                encoded[known, at + column[known].astype(np.int64)] = 1
                at += len(kind.values)
            else:
                encoded[:, at] = column
                at += 1
        return encoded


def read_columns(bounds: Any, x: Any) -> Columns:
    """What `bounds` say of the columns of `x`.

    Args:
        bounds: (low, high) for every column; or one entry a column, in their order; or a mapping, or pairs
            (name, entry), by their names. An entry is (low, high), a column's words, `Numbers` or
            `Categories`. A domain as `synthesise` takes it says the same, stated or a `Domain`; but
            (name, (0, 1)), with two numbers, is a range here.
        x: (records, columns) table or array; its values are not looked at.

    Raises:
        PlanError: bounds that do not read.
        DataError: columns without bounds, bounds without column.
    """
    if bounds is None:
        raise PlanError(f"no bounds were given, and reading them off the records tells of them; {HOW}")
    told = _told(bounds)
    names = [str(c) for c in x.columns] if hasattr(x, "columns") else None
    columns = len(names) if names is not None else np.shape(x)[1] if np.ndim(x) == 2 else -1
    if columns < 1:
        raise DataError(f"features of shape {np.shape(x)} were given; give (records, columns)")
    if isinstance(told, Numbers):
        return Columns((told,) * columns)
    if isinstance(told, dict):
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
    if len(told) != columns:
        raise DataError(
            f"{len(told)} bounds were given for {columns} columns; give one a column, in their order, or "
            "one (low, high) for all"
        )
    return Columns(told)


def check_bounds(bounds: Any) -> None:
    """Refuse bounds that could not be meant for any table.

    Raises:
        PlanError: neither ranges nor words, or a range that holds nothing.
    """
    _told(bounds)


def frozen(bounds: Any) -> Any:
    """Bounds as tuples of plain values, which can be hashed, printed and kept beside a model: a mapping or a
    domain becomes pairs (name, entry)."""
    if isinstance(bounds, Domain):
        return tuple((name, frozen(column)) for name, column in bounds.columns)
    if isinstance(bounds, Numbers):
        return (bounds.low, bounds.high)
    if isinstance(bounds, Categories):
        return tuple(_words(bounds))
    if isinstance(bounds, Mapping):
        return tuple((name, frozen(entry)) for name, entry in bounds.items())
    if isinstance(bounds, Sequence) and not isinstance(bounds, str):
        return tuple(frozen(entry) for entry in bounds)
    return bounds


def _told(bounds: Any) -> Numbers | dict[str, Column] | tuple[Column, ...]:
    """What is told of every column, of each by its name, or of each in order."""
    if isinstance(bounds, Domain):
        return {name: _distinct(column) for name, column in bounds.columns}
    if isinstance(bounds, Mapping):
        return {str(name): _named(str(name), entry) for name, entry in bounds.items()}
    if not isinstance(bounds, Sequence) or isinstance(bounds, str) or not len(bounds):
        raise PlanError(f"bounds={bounds!r} do not read; {HOW}")
    if _is_span(bounds):
        low, high = bounds
        return Numbers(float(low), float(high))
    if all(_is_named(entry) for entry in bounds):
        return {name: _named(name, *said) for name, *said in bounds}
    return tuple(_kind(entry) for entry in bounds)


def _named(name: str, *said: Any) -> Column:
    """What is told of a column by its name: an entry, or what a domain states."""
    if len(said) == 1 and (not isinstance(said[0], tuple) or _is_span(said[0])):
        return _kind(said[0])
    return _distinct(stated(((name, *said),), "a private model")[name])


def _kind(entry: Any) -> Column:
    """What one entry tells of a column."""
    if isinstance(entry, Numbers | Categories):
        return _distinct(entry)
    if _is_span(entry):
        low, high = entry
        return Numbers(float(low), float(high))
    words = isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) > 0
    if not words or not all(isinstance(word, str) for word in entry):
        raise PlanError(f"the bounds {entry!r} of a column do not read; {HOW}")
    return _distinct(Categories(tuple(entry)))


def _distinct(column: Column) -> Column:
    """The column, if its values differ as text."""
    if isinstance(column, Categories) and len(set(_words(column))) < len(column.values):
        raise PlanError(f"the values {column.values!r} are not told apart as text; give each once")
    return column


def _is_span(entry: Any) -> bool:
    """Whether it is two numbers."""
    pair = isinstance(entry, Sequence) and not isinstance(entry, str) and len(entry) == 2
    return pair and all(isinstance(v, int | float) and not isinstance(v, bool) for v in entry)


def _is_named(entry: Any) -> bool:
    """Whether it is a name and what is told of it."""
    if not isinstance(entry, Sequence) or len(entry) < 2 or not isinstance(entry[0], str):
        return False
    if len(entry) == 2:
        kind = entry[1]
        return isinstance(kind, Numbers | Categories) or (
            isinstance(kind, Sequence) and not isinstance(kind, str)
        )
    return _is_span(entry[1:3])


def _words(column: Categories) -> list[str]:
    """The values as text."""
    return [str(_text(np.asarray([value]))[0]) for value in column.values]


def scaled(column: Numbers, values: Any) -> Floats:
    """(records,) numbers in [-1, 1]: `low` and below is -1, `high` and above 1, what is no number 0."""
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(np.asarray(values)), errors="coerce").to_numpy(
        np.float64, na_value=np.nan
    )
    middle, half = (column.low + column.high) / 2, (column.high - column.low) / 2
    read: Floats = np.clip(np.nan_to_num((numbers - middle) / half, nan=0.0), -1, 1)
    return read


def _positions(column: Categories, values: Any) -> Ints:
    """(records,) positions among the column's values, compared as text; one past the last for any other."""
    import pandas as pd

    found = pd.Index(_words(column)).get_indexer(pd.Index(_text(np.asarray(values))))
    return np.where(found < 0, len(column.values), found).astype(np.int64)


def _read(column: Column, values: Any) -> Floats | Ints:
    return scaled(column, values) if isinstance(column, Numbers) else _positions(column, values)


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
