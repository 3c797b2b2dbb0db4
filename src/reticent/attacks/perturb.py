"""Perturbed copies of records, in whatever form the user's model reads them.

A `Sheet` holds tables and arrays alike as one matrix of numbers that can be moved about, and knows the
way back. Three kinds of column: *numbers* move by a share of the column's spread, whole numbers stay
whole, missing ones stay missing; *bits* (numbers that are only ever 0 or 1) flip; *categories* (text,
truth values, dates, anything else) are drawn anew from the column itself, missing values among them.
What a column may hold, and how far it spreads, is read from the records asked about. No copy leaves the
range seen in them: a pipeline that takes a logarithm must not be handed a negative age.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, FloatArray, IntArray, Metered
from reticent.data import Records, flat, is_table
from reticent.errors import ModelError
from reticent.shadows.signals import margin

if TYPE_CHECKING:
    import pandas as pd

    from reticent.access import Features


RADII = (0.05, 0.1, 0.2)
"""Of noise, in spreads of each column."""

_NONE: IntArray = np.zeros(0, dtype=np.int64)


class Kind(IntEnum):
    """What a column holds."""

    NUMBER = 0
    BIT = 1
    CATEGORY = 2


@dataclass(frozen=True, eq=False)
class Sheet:
    """Records as one matrix, and the way back to their own form.

    Attributes:
        features: the records as they were.
        values: (records, columns) numbers, NaN where missing; of a category, the position of its value
            among those seen.
        kinds: (columns,) of `Kind`.
        whole: (columns,) True where the records' own type holds whole numbers alone.
        firsts: one a column: of a category, the row where each of its values is first seen; else empty.
        centre, spread, low, high: (columns,) mean, standard deviation, least and greatest value; the spread
            of a category is 1, that of a column which never varies 0.
    """

    features: Features
    values: FloatArray
    kinds: IntArray
    whole: BoolArray
    firsts: tuple[IntArray, ...]
    centre: FloatArray
    spread: FloatArray
    low: FloatArray
    high: FloatArray

    @classmethod
    def of(cls, features: Features) -> Sheet:
        """Read a table (records, columns) or an array (records, ...)."""
        if _is_numeric(features):
            values = flat(features).astype(np.result_type(features.dtype, np.float32))
            whole = np.full(values.shape[1], features.dtype.kind != "f")
            firsts = [_NONE] * values.shape[1]
        else:
            columns = [column for _, column in _table(features).items()]
            read = [_read_column(column) for column in columns]
            values = np.stack([numbers for numbers, _ in read], axis=1)
            whole = np.array([_is_whole(column) for column in columns])
            firsts = [rows for _, rows in read]
        category = np.array([len(rows) > 0 for rows in firsts], dtype=bool)
        seen = np.where(np.isnan(values).all(axis=0), 0, values)  # all missing: a constant like another
        bit = ~category & np.all((seen == 0) | (seen == 1) | np.isnan(seen), axis=0)
        low, high = np.nanmin(seen, axis=0), np.nanmax(seen, axis=0)
        spread = np.where(low == high, 0, np.where(category, 1, np.nanstd(seen, axis=0)))
        kinds = np.where(category, Kind.CATEGORY, np.where(bit, Kind.BIT, Kind.NUMBER))
        centre = np.nanmean(seen, axis=0)
        spread = spread.astype(values.dtype)
        return cls(features, values, kinds, whole, tuple(firsts), centre, spread, low, high)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def movable(self) -> IntArray:
        """Positions of the columns that vary: no other is ever changed."""
        return np.flatnonzero(self.spread > 0)

    def noisy(self, radius: float, rng: np.random.Generator, columns: IntArray | None = None) -> Features:
        """A copy, each record moved at random by `radius` (0 to 1) in the columns given (all by default).

        Numbers move by radius × spread × a standard normal draw; a bit flips with chance radius × spread;
        a category is drawn anew with chance `radius`. The same draws at a larger radius go further the
        same way.
        """
        number, bit, category = self._by_kind(columns)
        values = self.values.copy()
        values[:, number] += radius * self.spread[number] * _normal(rng, len(self), len(number))
        flips = _uniform(rng, len(self), len(bit)) < radius * self.spread[bit]
        values[:, bit] = np.abs(values[:, bit] - flips)
        self._redraw(values, category, radius, rng)
        return self.rebuilt(values)

    def scaled(self, scale: float, rng: np.random.Generator, columns: IntArray | None = None) -> Features:
        """A copy drawn towards the columns' means (scale < 1), or pushed away from them (> 1).

        Numbers become mean + scale × (number − mean). Where there is no between, among categories and
        bits that are held as whole numbers, a value stays with chance `scale` and is drawn anew from its
        column otherwise: the same draws at a smaller scale change the same values, and more.
        """
        number, bit, category = self._by_kind(columns)
        between = np.concatenate([number, bit[~self.whole[bit]]])
        values = self.values.copy()
        values[:, between] = self.centre[between] + scale * (values[:, between] - self.centre[between])
        self._redraw(values, np.concatenate([bit[self.whole[bit]], category]), 1 - scale, rng)
        return self.rebuilt(values)

    def scattered(self, count: int, rng: np.random.Generator) -> Features:
        """`count` records that nobody is: each column drawn by itself, evenly from its least value to its
        greatest, a category from among the values seen, whole numbers whole, nothing missing but what is a
        category.
        """
        values = self.low + (self.high - self.low) * rng.random((count, len(self.low)))
        evenly = self.whole | (self.kinds != Kind.NUMBER)  # what is rounded must be as likely at the ends
        below, above = self.low[evenly], self.high[evenly]
        values[:, evenly] = below + np.floor((above - below + 1) * rng.random((count, int(evenly.sum()))))
        return self.rebuilt(values)

    def rebuilt(self, values: FloatArray) -> Features:
        """The rows of any matrix with the columns of `values`, in the records' own form and types."""
        values = np.clip(values, self.low, self.high)
        np.rint(values, out=values, where=self.whole)
        features = self.features
        if _is_numeric(features):
            return values.astype(features.dtype).reshape(len(values), *features.shape[1:])
        import pandas as pd

        own = _table(features)
        rebuilt = {i: self._column(own.iloc[:, i], i, values[:, i]) for i in range(own.shape[1])}
        table = pd.DataFrame(rebuilt).set_axis(own.columns, axis=1)
        if is_table(features):
            return table
        return table.to_numpy(dtype=features.dtype).reshape(len(values), *features.shape[1:])

    def _by_kind(self, columns: IntArray | None) -> tuple[IntArray, IntArray, IntArray]:
        columns = self.movable if columns is None else np.intersect1d(columns, self.movable)
        number, bit, category = (columns[self.kinds[columns] == kind] for kind in Kind)
        return number, bit, category

    def _redraw(self, values: FloatArray, columns: IntArray, chance: float, rng: np.random.Generator) -> None:
        """Give each cell of `columns` the value of another record, with this chance."""
        drawn = self.values[rng.integers(len(self), size=(len(self), len(columns))), columns]
        chosen = _uniform(rng, len(self), len(columns)) < chance
        values[:, columns] = np.where(chosen, drawn, values[:, columns])

    def _column(self, own: pd.Series[Any], position: int, values: FloatArray) -> Any:
        import pandas as pd

        if self.kinds[position] == Kind.CATEGORY:
            return own.take(self.firsts[position][values.astype(np.int64)]).reset_index(drop=True)
        array: Any = values  # the stubs know no array of a type that is only known at run time
        return pd.array(array, dtype=own.dtype)


def picture_axes(features: Features) -> tuple[int, int] | None:
    """The axes along the height and the width of pictures: arrays (records, height, width), with or without
    up to four channels before or after; None for other records.
    """
    if not _is_numeric(features) or features.ndim not in (3, 4):
        return None
    if features.ndim == 4 and features.shape[-1] > 4 >= features.shape[1]:
        return 2, 3
    return 1, 2


def mirrored(features: Features, axis: int) -> Features:
    """Pictures turned about, left for right where `axis` is that of their columns."""
    return np.flip(features, axis)


def shifted(features: Features, axis: int, pixels: int) -> Features:
    """Pictures moved along an axis, their edge repeated where nothing moves in."""
    size = features.shape[axis]
    return np.take(features, np.clip(np.arange(size) - pixels, 0, size - 1), axis=axis)


def margins(target: Metered, records: Records, copies: Iterable[Features]) -> FloatArray:
    """Ask about each copy of the records: (records, copies, 1) margins of the true class, in nats.

    Raises:
        ModelError: a model that gives labels only.
    """
    answers = []
    for copy in copies:
        scores = target.predict(copy).log_scores
        if scores is None:
            raise ModelError(
                "the model gives labels only where scores were expected; declare access='labels'"
            )
        answers.append(margin(scores[:, None, :], records.labels).astype(np.float32))
    return np.stack(answers, axis=1)


def _is_numeric(features: Features) -> TypeGuard[npt.NDArray[np.generic]]:
    """Whether features are an array of numbers or truth values, to be handled whole."""
    return not is_table(features) and features.dtype.kind in "biuf"


def _table(features: Features) -> pd.DataFrame:
    """Arrays of text or mixed objects as a table, each column in the type that its values have."""
    import pandas as pd

    if is_table(features):
        return features
    array: Any = features
    return pd.DataFrame(flat(array)).infer_objects()


def _is_whole(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return pd.api.types.is_integer_dtype(column)


def _read_column(column: pd.Series[Any]) -> tuple[FloatArray, IntArray]:
    """A column's numbers, or the positions of its values and the row where each is first seen."""
    import pandas as pd

    kind = pd.api.types
    if kind.is_numeric_dtype(column) and not kind.is_bool_dtype(column) and not kind.is_complex_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), _NONE
    codes, _ = pd.factorize(column, use_na_sentinel=False)
    return codes.astype(np.float64), np.unique(codes, return_index=True)[1]


def _normal(rng: np.random.Generator, *shape: int) -> FloatArray:
    return rng.standard_normal(shape, dtype=np.float32)


def _uniform(rng: np.random.Generator, *shape: int) -> FloatArray:
    return rng.random(shape, dtype=np.float32)


def copies_of(
    features: Features, copies: int, radii: tuple[float, ...] = RADII, seed: int = 0
) -> Iterator[Features]:
    """Disturbed copies of records, one set after another.

    Pictures: the mirror image, then shifts by 1, 2, … pixels in four directions. Other records: random noise,
    of the radii in turn (see `Sheet.noisy`).
    """
    axes = picture_axes(features)
    if axes is None:
        sheet = Sheet.of(features)
        for copy in range(copies):
            yield sheet.noisy(radii[copy % len(radii)], np.random.default_rng([seed, copy]))
        return
    yield mirrored(features, axes[1])
    for shift in range(copies - 1):
        distance, direction = divmod(shift, 4)
        sign = 1 if direction < 2 else -1
        yield shifted(features, axes[direction % 2], sign * (1 + distance))
