"""From classes of rows to what is released of them: cells, each a first and a last code a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import IntArray
from reticent.anonymity.columns import Column
from reticent.anonymity.mondrian import mondrian
from reticent.anonymity.privacy import Rule
from reticent.progress import Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class Cells:
    """Rows under the cells that stand for them.

    Attributes:
        columns: the quasi-identifiers of all rows of the table.
        rows: (kept,) positions in the table of those released; the others are suppressed.
        cell: (kept,) the cell of each.
        low, high: (cells, columns) codes; no two cells are equal.
    """

    columns: tuple[Column, ...]
    rows: IntArray
    cell: IntArray
    low: IntArray
    high: IntArray

    @property
    def sizes(self) -> IntArray:
        """(cells,) rows of each."""
        return np.bincount(self.cell, minlength=len(self.low))

    def texts(self) -> dict[str, list[object]]:
        """(kept,) by column, what is released: text where anything was made general, else the values."""
        released = {}
        for j, column in enumerate(self.columns):
            said = column.text(self.low[:, j], self.high[:, j])
            if (self.low[:, j] < self.high[:, j]).any():
                said = [None if text is None else str(text) for text in said]
            released[column.name] = [said[i] for i in self.cell.tolist()]
        return released

    def values(self, seed: int) -> dict[str, pd.Series[Any]]:
        """(kept,) by column, values in the columns' own types, drawn from the cells alone."""
        rng = np.random.default_rng(seed)
        return {
            column.name: column.draw(self.low[:, j], self.high[:, j], self.cell, rng)
            for j, column in enumerate(self.columns)
        }


def generalise(
    columns: Sequence[Column],
    rule: Rule,
    *,
    strict: bool = True,
    suppress: float = 0.0,
    progress: Progress | None = None,
) -> Cells:
    """Put rows into classes that fulfil a rule.

    Args:
        suppress: the share of rows that may be left out, 0 to 1: those of the classes that lost most are, and
            classes are made anew of the others.

    Raises:
        PlanError: the table does not fulfil the rule as a whole.
    """
    columns = tuple(columns)
    rows = np.arange(len(columns[0].codes))
    cells = cells_of(columns, rows, mondrian(columns, rule, strict=strict, progress=progress))
    kept = typical(cells, suppress)
    if len(kept) == len(rows):
        return cells
    fewer = tuple(column.take(kept) for column in columns)
    classes = mondrian(fewer, rule.take(kept), strict=strict, progress=progress)
    return cells_of(columns, kept, classes)


def cells_of(columns: tuple[Column, ...], rows: IntArray, classes: IntArray) -> Cells:
    """The cells of classes (kept,); classes that read the same are one cell, which fulfils what both do."""
    order = np.argsort(classes, kind="stable")
    begins = np.flatnonzero(np.r_[True, np.diff(classes[order]) > 0])
    low, high = [], []
    for column in columns:
        codes = column.codes[rows][order]
        ends = column.cell(np.minimum.reduceat(codes, begins), np.maximum.reduceat(codes, begins))
        low.append(ends[0])
        high.append(ends[1])
    both, same = np.unique(np.column_stack([*low, *high]), axis=0, return_inverse=True)
    return Cells(columns, rows, same.reshape(-1)[classes], both[:, : len(columns)], both[:, len(columns) :])


def typical(cells: Cells, share: float) -> IntArray:
    """(kept,) rows left when whole cells that lost most are out, up to a share of all rows."""
    from reticent.anonymity.utility import penalties

    left = share * len(cells.rows)
    out = np.zeros(len(cells.low), dtype=bool)
    sizes = cells.sizes
    for i in np.argsort(-penalties(cells).mean(axis=1), kind="stable").tolist():
        if sizes[i] <= left:
            out[i], left = True, left - sizes[i]
    return cells.rows[~out[cells.cell]]
