"""How many records of each label a training set needs, with a property and without it.

Tables are (2, labels): row 0 counts records without the property, row 1 those with it.
"""

from __future__ import annotations

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import DataError

ROUNDS = 1_000
"""Rounds of proportional fitting; a table of two rows is fitted to 1e-9 in far fewer."""


def balanced_overall(table: FloatArray, share: float, size: int) -> IntArray:
    """(2, labels) whole numbers: `size` in all, a share of them in row 1, columns as large as in the table.

    Deming & Stephan's proportional fitting (1940), which keeps the table's odds ratios.

    Raises:
        DataError: the table has noughts where records would be needed.
    """
    columns = _whole(table.sum(axis=0) * (size / table.sum()), size)
    with_it = round(share * size)
    rows = np.array([size - with_it, with_it])
    found = table.astype(np.float64)
    for _ in range(ROUNDS):
        found = found * (columns / np.maximum(found.sum(axis=0), 1e-300))
        found = found * (rows / np.maximum(found.sum(axis=1), 1e-300))[:, None]
        if np.abs(found.sum(axis=0) - columns).max() < 1e-9:
            break
    else:
        raise DataError(
            f"a share of {share:g} can't be had with every label as often as in all records: some label "
            "comes with the property alone, or without it alone; give records of both kinds with every label"
        )
    top = _whole(found[1], with_it)
    return np.stack([columns - top, top])


def balanced_within(table: FloatArray, share: float, size: int) -> IntArray:
    """(2, labels) whole numbers: `size` in all, a share of them in row 1, each row in the table's shares."""
    with_it = round(share * size)
    return np.stack(
        [_whole(row * (n / row.sum()), n) for row, n in zip(table, (size - with_it, with_it), strict=True)]
    )


def _whole(numbers: FloatArray, total: int) -> IntArray:
    """Whole numbers with the same sum: the largest remainders are rounded up."""
    floor: IntArray = np.floor(numbers + 1e-9).astype(np.int64)
    up = np.argsort(floor - numbers, kind="stable")[: total - int(floor.sum())]
    floor[up] += 1
    return floor
