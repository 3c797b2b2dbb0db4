"""Quasi-identifiers as whole numbers, in such an order that a set of values is a first and a last code.

A class of rows is told by its lowest and highest code in each column, whatever the column holds; what that
says to a reader, and how much of the column it hides, is asked here. A missing value is a value of its own:
alone it stays missing, beside others all are `*`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from reticent.access import FloatArray, IntArray
from reticent.anonymity.hierarchy import MISSING, ROOT, Hierarchy
from reticent.errors import DataError, PlanError

if TYPE_CHECKING:
    import pandas as pd

FEW = 100
"""Rows from which a column of text or whole numbers, each row's another, is taken for an identifier."""

LONG = 40
"""Characters, on average, from which different texts are taken for free text."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}.*)?")
_OTHER_DATE = re.compile(r"\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})( .*)?")


class Column(Protocol):
    """A quasi-identifier as codes.

    Attributes:
        name: of the column.
        codes: (rows,) 0 and up.
    """

    @property
    def name(self) -> str: ...

    @property
    def codes(self) -> IntArray: ...

    def width(self, low: IntArray, high: IntArray) -> FloatArray:
        """(classes,) normalised certainty penalty, 0 to 1 (Xu et al. 2006): the share of a number's range,
        or of a hierarchy's leaves, that a class spans; a single value costs nothing."""

    def parts(self, low: IntArray, high: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
        """(classes,) whether a class falls into parts that must not be cut, and by what (see `part`)."""

    def part(self, by: IntArray, codes: IntArray) -> IntArray:
        """(rows,) the part of each row: the code that the part begins with. `by` is of each row's class."""

    def cell(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """(classes,) the first and last code of what is released for a class: all under its node."""

    def text(self, low: IntArray, high: IntArray) -> list[object]:
        """(cells,) what is released: "[30, 39]", a node's name, or the value where there is one alone."""

    def take(self, rows: IntArray) -> Column:
        """The same column of fewer rows; its range and hierarchy stay."""

    def draw(self, low: IntArray, high: IntArray, rows: IntArray, rng: np.random.Generator) -> Any:
        """(rows,) values in the column's own type: the middle of an interval, a leaf drawn evenly.

        Args:
            rows: the class of each row.
        """


@dataclass(frozen=True, eq=False)
class Ordered:
    """Numbers or days.

    Attributes:
        name: of the column.
        codes: (rows,) positions in `values`; one beyond where missing.
        values: (values,) different numbers, rising; days since 1970 of dates.
        like: an empty column of the same type.
    """

    name: str
    codes: IntArray
    values: FloatArray
    like: pd.Series[Any]

    def width(self, low: IntArray, high: IntArray) -> FloatArray:
        """Share of the range; 1 where missing values are among others."""
        ends = np.append(self.values, np.nan)
        span = max(float(self.values[-1] - self.values[0]), np.finfo(float).tiny)
        share = np.where(low == high, 0.0, (ends[high] - ends[low]) / span)
        return np.where(np.isnan(share), 1.0, share)

    def parts(self, low: IntArray, high: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
        """Missing values and others part before anything else."""
        return (high == len(self.values)) & (low < high), np.zeros_like(low)

    def part(self, by: IntArray, codes: IntArray) -> IntArray:
        """Missing, or not."""
        return np.where(codes == len(self.values), codes, 0)

    def cell(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """The interval itself, or everything where missing values are among others."""
        return np.where((high == len(self.values)) & (low < high), 0, low), high

    def take(self, rows: IntArray) -> Ordered:
        """Fewer rows."""
        return replace(self, codes=self.codes[rows])

    def text(self, low: IntArray, high: IntArray) -> list[object]:
        """Intervals with both ends in them."""
        said: list[object] = [*map(self._say, self.values), None]
        beyond = len(self.values)
        return [
            said[a] if a == b else ROOT if b == beyond else f"[{said[a]}, {said[b]}]"
            for a, b in zip(low.tolist(), high.tolist(), strict=True)
        ]

    def draw(self, low: IntArray, high: IntArray, rows: IntArray, rng: np.random.Generator) -> Any:
        """Middles of intervals, rounded down where the column holds whole numbers; of `*`, of the range."""
        import pandas as pd

        ends = np.append(self.values, np.nan)
        middle = (ends[low] + ends[high]) / 2
        mixed = (high == len(self.values)) & (low < high)
        middle[mixed] = (self.values[0] + self.values[-1]) / 2
        drawn = middle[rows]
        if pd.api.types.is_datetime64_any_dtype(self.like.dtype):
            return pd.Series(pd.to_datetime(drawn, unit="D")).astype(self.like.dtype)
        if pd.api.types.is_integer_dtype(self.like.dtype):
            drawn = np.floor(drawn)
        return pd.Series(drawn).astype(self.like.dtype) if self.like.dtype != object else pd.Series(drawn)

    def _say(self, value: float) -> object:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(self.like.dtype):
            return str(np.datetime64(int(value), "D"))
        return int(value) if value == int(value) else float(value)


@dataclass(frozen=True, eq=False)
class Nominal:
    """Categories.

    Attributes:
        name: of the column.
        codes: (rows,) positions of the hierarchy's leaves.
        tree: the hierarchy; of a column with missing values their leaf is the last.
        originals: (leaves,) the values as the table holds them.
        like: an empty column of the same type.
    """

    name: str
    codes: IntArray
    tree: Hierarchy
    originals: tuple[object, ...]
    like: pd.Series[Any]

    def width(self, low: IntArray, high: IntArray) -> FloatArray:
        """Share of the leaves under the node."""
        node, _ = self.tree.common(low, high)
        return np.where(low == high, 0.0, self.tree.sizes[node] / len(self.tree.paths))

    def parts(self, low: IntArray, high: IntArray) -> tuple[npt.NDArray[np.bool_], IntArray]:
        """Always, by the children of the node over a class."""
        return np.ones(len(low), dtype=bool), self.tree.common(low, high)[1] + 1

    def part(self, by: IntArray, codes: IntArray) -> IntArray:
        """The child under which a row falls, by its first leaf."""
        level = np.minimum(by, len(self.tree.ancestors) - 1)
        return np.asarray(self.tree.first[self.tree.ancestors[level, codes]])

    def cell(self, low: IntArray, high: IntArray) -> tuple[IntArray, IntArray]:
        """All leaves under the node."""
        node, _ = self.tree.common(low, high)
        first = self.tree.first[node]
        return np.where(low == high, low, first), np.where(
            low == high, high, first + self.tree.sizes[node] - 1
        )

    def take(self, rows: IntArray) -> Nominal:
        """Fewer rows."""
        return replace(self, codes=self.codes[rows])

    def text(self, low: IntArray, high: IntArray) -> list[object]:
        """Names of nodes."""
        node, _ = self.tree.common(low, high)
        return [
            self.originals[a] if a == b else self.tree.nodes[n]
            for a, b, n in zip(low.tolist(), high.tolist(), node.tolist(), strict=True)
        ]

    def draw(self, low: IntArray, high: IntArray, rows: IntArray, rng: np.random.Generator) -> Any:
        """Leaves drawn evenly from those under the node."""
        import pandas as pd

        node, _ = self.tree.common(low, high)
        first = np.where(low == high, low, self.tree.first[node])
        many = np.where(low == high, 1, self.tree.sizes[node])
        leaf = first[rows] + rng.integers(0, many[rows])
        values = np.empty(len(self.originals), dtype=object)
        values[:] = self.originals
        drawn = pd.Series(values[leaf], dtype=object)
        if isinstance(self.like.dtype, pd.CategoricalDtype):
            known = self.like.dtype.categories
            new = [v for v in drawn.dropna().unique() if v not in known]
            return pd.Series(
                pd.Categorical(drawn, [*known, *new], ordered=False if new else self.like.dtype.ordered)
            )
        if pd.api.types.is_numeric_dtype(self.like.dtype):  # a leaf that nobody has is text
            numbers = pd.to_numeric(drawn, errors="coerce")
            if numbers.notna().sum() < drawn.notna().sum():
                return drawn
            drawn = numbers
        return drawn.astype(self.like.dtype)


def columns_of(
    table: pd.DataFrame, quasi: Sequence[str], hierarchies: Mapping[str, Hierarchy]
) -> tuple[Column, ...]:
    """Read the quasi-identifiers of a table.

    Raises:
        DataError: no such column, an empty one, an identifier, free text, a value that a hierarchy lacks.
        PlanError: no quasi-identifier at all, one named twice, or a hierarchy of another column.
    """
    if not quasi:
        raise PlanError(
            "no quasi-identifiers were named; name the columns by which somebody could be found elsewhere "
            "(--quasi age,zip,sex; or Roles(quasi=...))"
        )
    if len(set(quasi)) < len(quasi):
        raise PlanError("a quasi-identifier was named twice; name each once")
    if strange := sorted(hierarchies.keys() - set(quasi)):
        raise PlanError(
            f"there is a hierarchy of {strange[0]!r}, which is no quasi-identifier, nor sensitive with a t "
            "that asks how far its values are apart; name it as one, or leave the hierarchy out"
        )
    if not len(table):
        raise DataError("the table has no rows; give one with people in it")
    return tuple(column_of(table, name, hierarchies.get(name)) for name in quasi)


def column_of(table: pd.DataFrame, name: str, tree: Hierarchy | None) -> Column:
    """Read one quasi-identifier.

    Raises:
        DataError: as in `columns_of`.
    """
    import pandas as pd

    if name not in table.columns:
        shown = ", ".join(map(repr, list(table.columns)[:8]))
        raise DataError(f"the table has no column {name!r}; name one of its own ({shown}…)")
    column = table[name].reset_index(drop=True)
    there = column.dropna()
    if all(isinstance(value, str) and not value.strip() for value in there.unique()):
        raise DataError(f"the column {name!r} is empty; leave it out of the quasi-identifiers, or drop it")
    if tree is None and (dates := _dates(column)) is not None:
        return _numbers(name, dates, days(dates).to_numpy(np.float64))
    numbers = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if tree is None and numbers:
        if not np.isfinite(there.to_numpy(np.float64)).all():
            raise DataError(
                f"the column {name!r} holds infinite numbers; replace them, or let them be missing"
            )
        if pd.api.types.is_integer_dtype(column):
            _no_identifier(name, there)
        return _numbers(name, column, column.to_numpy(np.float64, na_value=np.nan))
    if tree is None:
        _no_identifier(name, there)
        _no_free_text(name, there)
        _no_other_dates(name, there)
    return _categories(name, column, tree)


def _numbers(name: str, column: Any, values: FloatArray) -> Ordered:
    known = np.unique(values[~np.isnan(values)])
    codes = np.where(np.isnan(values), len(known), np.searchsorted(known, values))
    return Ordered(name, codes.astype(np.int64), known + 0.0, column.iloc[:0])


def days(column: Any) -> pd.Series[Any]:
    """Dates as days since 1970, NaN where missing; hours are left out."""
    import pandas as pd

    column = pd.to_datetime(column)
    if column.dt.tz is not None:
        column = column.dt.tz_localize(None)
    whole = column.to_numpy().astype("datetime64[D]")
    values = whole.astype(np.int64).astype(np.float64)
    values[np.isnat(whole)] = np.nan
    return pd.Series(values)


def _categories(name: str, column: Any, tree: Hierarchy | None) -> Nominal:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        known = [*column.cat.categories]
    else:
        known = sorted(column.dropna().unique().tolist(), key=lambda v: (str(type(v)), str(v)))
    named: dict[str, object] = {}
    for value in known:
        if str(value) in named:
            raise DataError(
                f"the column {name!r} holds two values that both read {str(value)!r}; make them one type"
            )
        named[str(value)] = value
    tree = Hierarchy.flat(named) if tree is None else tree
    gone = column.isna().to_numpy()
    if gone.any():
        tree = tree.with_missing()
        named[MISSING] = None
    numbers, uniques = pd.factorize(column)
    places = tree.code([*(str(u) for u in uniques), *([MISSING] if gone.any() else [])], name)
    codes = places[numbers]  # missing is -1, the last place
    originals = tuple(named.get(leaf, leaf) for leaf in tree.leaves)
    return Nominal(name, codes, tree, originals, column.iloc[:0])


def _dates(column: Any) -> Any | None:
    """The column as dates, without the time of day, where it holds them."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        return column
    there = column.dropna()
    if there.dtype != object and not pd.api.types.is_string_dtype(there):
        return None
    if all(isinstance(v, date) or (isinstance(v, str) and _DATE.fullmatch(v)) for v in there):
        dates = pd.to_datetime(
            column.map(lambda v: str(v)[:10], na_action="ignore"), errors="coerce", format="%Y-%m-%d"
        )
        return dates if dates.notna().sum() == len(there) else None
    return None


def _no_identifier(name: str, there: Any) -> None:
    if len(there) >= FEW and there.nunique() == len(there):
        raise DataError(
            f"the column {name!r} has another value in each row, so it is an identifier; drop it or "
            "pseudonymise it (or give it a hierarchy)"
        )


def _no_other_dates(name: str, there: Any) -> None:
    if all(isinstance(v, str) and _OTHER_DATE.fullmatch(v) for v in there.unique()):
        raise DataError(
            f"the column {name!r} holds dates in which day and month may be either; write them as "
            "2024-12-31, or give them a hierarchy"
        )


def _no_free_text(name: str, there: Any) -> None:
    texts = there[there.map(lambda v: isinstance(v, str))]
    if len(texts) and texts.nunique() > len(texts) / 2 and texts.map(len).mean() >= LONG:
        raise DataError(
            f"the column {name!r} holds free text, which no hierarchy makes general; drop it, or redact it "
            "and leave it out of the quasi-identifiers"
        )
