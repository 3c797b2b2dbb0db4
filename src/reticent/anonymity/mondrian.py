"""Mondrian multidimensional k-anonymity (LeFevre, DeWitt & Ramakrishnan 2006, doi:10.1109/ICDE.2006.101).

All rows are one class at first. A class is cut in its widest dimension, in the next one where no cut there is
admissible, and is left as it is where none is. A cut is admissible where every side fulfils the rule.

Numbers are cut between two values, where it halves the class most nearly among the cuts that leave k rows on
both sides; relaxed, rows of one value may go either way, and the halves are equal. Categories part into the
children of the node over the class (LeFevre et al. 2006, "Workload-aware anonymization", KDD). Children that
are too small stay together, with the smallest of the others where even together they are too few: so one rare
value keeps no class whole.

There is no recursion and no loop over classes: all classes that are open are cut at once, level by level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.anonymity.columns import Column
from reticent.anonymity.privacy import Rule
from reticent.errors import PlanError
from reticent.progress import Progress, Quiet

SMALL = 1 << 16
"""Keys that a radix sort of two bytes takes."""

BESIDE = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Open:
    """Classes that may still be cut.

    Attributes:
        rows: positions in the table, class after class.
        sizes: (classes,) rows of each.
        low, high: (classes, columns) codes.
        width: (classes, columns) how wide each is; 0 where it can't be cut.
        never: (classes, columns) True where no class within it can be cut either.
    """

    rows: IntArray
    sizes: IntArray
    low: IntArray
    high: IntArray
    width: FloatArray
    never: BoolArray

    @property
    def owner(self) -> IntArray:
        """(rows,) the class of each row."""
        return np.repeat(np.arange(len(self.sizes)), self.sizes)

    def only(self, classes: BoolArray) -> Open:
        """Some of the classes."""
        rows = self.rows[np.repeat(classes, self.sizes)]
        sizes, low, high = self.sizes[classes], self.low[classes], self.high[classes]
        return Open(rows, sizes, low, high, self.width[classes], self.never[classes])


def mondrian(
    columns: Sequence[Column], rule: Rule, *, strict: bool = True, progress: Progress | None = None
) -> IntArray:
    """(rows,) the class of each row, 0 and up.

    Args:
        columns: the quasi-identifiers.
        rule: what every class must fulfil.
        strict: rows of equal quasi-identifiers share a class; else equal numbers may be split.

    Raises:
        PlanError: the whole table does not fulfil the rule.
    """
    codes: IntArray = np.stack([column.codes for column in columns])  # by column: a class lies together
    codes = codes.astype(np.int16 if codes.max(initial=0) < SMALL // 2 else np.int32)
    rows = np.arange(codes.shape[1])
    if not rule.holds(rows, np.zeros_like(rows), 1)[0]:
        raise PlanError(
            f"the table has {len(rows):,} rows, fewer than k={rule.k}; give a smaller k or more rows"
        )
    classes, done = np.full(len(rows), -1), 0
    never = np.zeros((1, len(columns)), dtype=bool)
    now = _measured(columns, codes, rule.k, rows, np.array([len(rows)]), never)
    with (progress or Quiet()).stage("making classes", len(rows)) as advance:
        while len(now.rows):
            closed = now.width.max(axis=1, initial=0) <= 0
            over = now.only(closed)
            classes[over.rows] = done + over.owner
            done += len(over.sizes)
            advance(len(over.rows))
            now = now.only(~closed)
            if len(now.rows):
                now = _cut(columns, codes, rule, now, strict)
    return classes


def _measured(
    columns: Sequence[Column], codes: IntArray, k: int, rows: IntArray, sizes: IntArray, never: BoolArray
) -> Open:
    """Classes with their codes and widths; one of fewer than 2 k rows can't be cut at all."""
    starts = np.cumsum(sizes) - sizes
    own = [column.take(rows) for column in codes]
    low = np.column_stack([np.minimum.reduceat(column, starts) for column in own]).astype(np.int64)
    high = np.column_stack([np.maximum.reduceat(column, starts) for column in own]).astype(np.int64)
    width = np.column_stack([c.width(low[:, j], high[:, j]) for j, c in enumerate(columns)])
    width[(sizes < 2 * k)[:, None] | never] = 0
    return Open(rows, sizes, low, high, width, never)


def _cut(columns: Sequence[Column], codes: IntArray, rule: Rule, now: Open, strict: bool) -> Open:
    """Cut every class in its widest dimension; one that can't be is told not to try that dimension again."""
    count, owner = len(now.sizes), now.owner
    dim = np.argmax(now.width, axis=1)
    key, parted = _keys(columns, codes, now, dim, owner)
    order = _sorted(key, owner)
    rows, key = now.rows[order], key[order]
    begins = np.flatnonzero(np.r_[True, (owner[1:] != owner[:-1]) | (key[1:] != key[:-1])])
    runs = Runs(begins, np.diff(np.r_[begins, len(rows)]), owner[begins], now.sizes)
    side = np.empty(len(begins), dtype=np.int64)
    halved = ~parted[runs.owner]
    side[halved] = runs.halves(rule.k)[halved]
    if parted.any():
        own = runs.apart(rule, rows, parted)
        side[~halved] = own[~halved]
    side = np.repeat(side, runs.sizes)
    if not strict:
        place = np.arange(len(rows)) - np.repeat(runs.starts, now.sizes)
        split = (~parted & (now.sizes >= 2 * rule.k))[owner]
        side = np.where(split, place >= now.sizes[owner] // 2, side)
    order = _sorted(side, owner)
    rows, side = rows[order], side[order]
    begins = np.flatnonzero(np.r_[True, (owner[1:] != owner[:-1]) | (side[1:] != side[:-1])])
    sizes, parent = np.diff(np.r_[begins, len(rows)]), owner[begins]
    good = rule.holds(rows, np.repeat(np.arange(len(sizes)), sizes), len(sizes))
    admissible = (np.bincount(parent, minlength=count) > 1) & (
        np.bincount(parent, weights=~good, minlength=count) == 0
    )
    if not rule.models:  # a class has no more rows of a kind than the one that it was cut from
        large = np.bincount(runs.owner, weights=rule.sizes_hold(runs.sizes), minlength=count) > 0
        now.never[np.arange(count), dim] |= ~admissible & ~(parted & large)
    again = now.only(~admissible)
    again.width[np.arange(len(again.sizes)), dim[~admissible]] = 0
    if not admissible.any():
        return again
    kept = admissible[parent]
    never = now.never[parent[kept]]
    new = _measured(columns, codes, rule.k, rows[admissible[owner]], sizes[kept], never)
    both = zip(_arrays(again), _arrays(new), strict=True)
    return Open(*(np.concatenate(pair) for pair in both))


def _arrays(part: Open) -> tuple[IntArray, IntArray, IntArray, IntArray, FloatArray, BoolArray]:
    return part.rows, part.sizes, part.low, part.high, part.width, part.never


def _keys(
    columns: Sequence[Column], codes: IntArray, now: Open, dim: IntArray, owner: IntArray
) -> tuple[IntArray, BoolArray]:
    """What each row is sorted by in its class's dimension, and which classes fall into parts."""
    key = codes.ravel().take(dim[owner] * codes.shape[1] + now.rows).astype(np.int64)
    parted = np.zeros(len(dim), dtype=bool)
    for j, column in enumerate(columns):
        mine = dim == j
        parts, by = column.parts(now.low[mine, j], now.high[mine, j])
        if not parts.any():
            continue
        parted[mine] = parts
        level = np.zeros(len(dim), dtype=np.int64)
        level[mine] = by
        here = (mine & parted)[owner]
        key[here] = column.part(level[owner[here]], key[here])
    return key, parted


def _sorted(key: IntArray, owner: IntArray) -> IntArray:
    """Order by `key` within each owner; owners rise already."""
    if key.max(initial=0) < SMALL and owner[-1] < SMALL:  # numpy sorts two bytes by radix
        order = np.argsort(key.astype(np.uint16), kind="stable")
        return order[np.argsort(owner[order].astype(np.uint16), kind="stable")]
    return np.lexsort((key, owner))


@dataclass(frozen=True, eq=False)
class Runs:
    """Rows of one class with one key, run after run.

    Attributes:
        begins, sizes, owner: (runs,) the first row, how many, and whose class.
        totals: (classes,) rows of each class.
    """

    begins: IntArray
    sizes: IntArray
    owner: IntArray
    totals: IntArray

    @property
    def starts(self) -> IntArray:
        """(classes,) the first row of each."""
        return np.cumsum(self.totals) - self.totals

    @property
    def firsts(self) -> IntArray:
        """(classes,) the first run of each."""
        return np.flatnonzero(np.r_[True, self.owner[1:] != self.owner[:-1]])

    def halves(self, k: int) -> IntArray:
        """(runs,) 0 left of the cut that halves the class most nearly with k rows on both sides, 1 right."""
        left = self.begins - self.starts[self.owner]
        right = self.totals[self.owner] - left
        number, many = np.arange(len(left)), len(left)
        off = np.where((left >= k) & (right >= k), np.abs(right - left) * many + number, BESIDE)
        best = np.minimum.reduceat(off, self.firsts)
        cut = np.where(best == BESIDE, many, best % many)
        return np.asarray(number >= cut[self.owner]).astype(np.int64)

    def apart(self, rule: Rule, rows: IntArray, asked: BoolArray) -> IntArray:
        """(runs,) 0 for those that stay together, else another number for each run of a class."""
        number = np.arange(len(self.sizes))
        if rule.models:
            whole = asked[self.owner]
            some = np.repeat(whole, self.sizes)
            good = np.zeros(len(number), dtype=bool)
            group = np.repeat(np.arange(int(whole.sum())), self.sizes[whole])
            good[whole] = rule.holds(rows[some], group, int(whole.sum()))
        else:
            good = rule.sizes_hold(self.sizes)
        rest = np.bincount(self.owner, weights=np.where(good, 0, self.sizes), minlength=len(self.totals))
        short = (rest > 0) & (rest < rule.k)
        if rule.models:
            short |= (rest > 0) & ~self._rest_holds(rule, rows, good)
        smallest = np.minimum.reduceat(np.where(good, self.sizes * len(number) + number, BESIDE), self.firsts)
        joined = smallest[short & (smallest < BESIDE)] % len(number)
        good[joined] = False
        return np.where(good, number - self.firsts[self.owner] + 1, 0)

    def _rest_holds(self, rule: Rule, rows: IntArray, good: BoolArray) -> BoolArray:
        loose = np.repeat(~good, self.sizes)
        owner = np.repeat(self.owner, self.sizes)[loose]
        return rule.holds(rows[loose], owner, len(self.totals))
