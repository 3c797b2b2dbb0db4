"""Nearest rows of a release, in columns of numbers and of categories alike.

Gower, "A General Coefficient of Similarity and Some of Its Properties", Biometrics 27 (1971) 857: a number
counts its difference over the column's range, a category whether it differs, a missing value as a category of
its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.release import Table

BLOCK = 1 << 24
"""Distances in memory at a time."""

ROUNDING = 1e-6
"""Distances closer than that are the same: sums of the same numbers, rounded on other ways."""


def near(people: Table, release: Table, count: int) -> Iterator[BoolArray]:
    """Yield (some people, rows) True where a row is among the nearest to a person, people in their order.

    Args:
        people: of columns that the release has.
        count: of nearest rows; all that are as near as the last one count too, so that the order of the
            release decides nothing.
    """
    held = release.only(people.names)
    low, span = _range(held)
    ours, theirs = ((t.values - low) / span for t in (people, held))
    kth, step = min(count, len(held)) - 1, max(1, BLOCK // len(held))
    for start in range(0, len(people), step):
        far = distances(ours[start : start + step], theirs, people.numbers)
        yield far <= np.partition(far, kth, axis=1)[:, kth, None] + ROUNDING


def distances(ours: FloatArray, theirs: FloatArray, numbers: BoolArray) -> FloatArray:
    """(our rows, their rows) the sum over columns of 0 to 1, from numbers scaled to their range.

    Args:
        ours, theirs: (rows, columns), NaN where missing.
        numbers: (columns,) which of them are no categories.
    """
    far = np.zeros((len(ours), len(theirs)), np.float32)
    for i, number in enumerate(numbers):
        a, b = ours[:, i, None].astype(np.float32), theirs[:, i].astype(np.float32)
        if number:
            apart = np.minimum(np.abs(a - b), 1)
        else:
            apart = (a != b).astype(np.float32)
        lacks_a, lacks_b = np.isnan(a), np.isnan(b)
        if lacks_a.any() or lacks_b.any():
            apart = np.where(lacks_a | lacks_b, (lacks_a != lacks_b).astype(np.float32), apart)
        far += apart
    return far


def _range(table: Table) -> tuple[FloatArray, FloatArray]:
    """(columns,) least number and range; 0 and 1 of categories, and 1 of numbers that are all the same."""
    low, span = np.zeros(len(table.names)), np.ones(len(table.names))
    for i in np.flatnonzero(table.numbers & ~np.isnan(table.values).all(axis=0)):
        low[i] = np.nanmin(table.values[:, i])
        span[i] = np.nanmax(table.values[:, i]) - low[i] or 1.0
    return low, span
