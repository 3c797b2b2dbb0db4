"""The two sides of every record: what the models that trained on it say, and what the others say.

Every attack that compares a target with shadow models stands on one of two summaries: the moments of the
margin on either side (LiRA, BaVarIA, calibrated difficulty) or the mean probability on either side (RMIA,
BASE). Both are taken in one pass over the array, a block of records at a time, so a memory-mapped array of
any size is summarised in the memory of a few blocks and of the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.errors import PlanError
from reticent.shadows.signals import Answers, Signals, Statistic

OUT, IN = 0, 1
"""Positions on the first axis of everything here that has two sides."""

TINY = float(np.finfo(np.float32).tiny)

VARIANCE_FLOOR = 0.01
"""Share of the pooled variance below which no record's own variance is believed.

A forest is often certain of every record that it trained on, so that all shadow models say exactly the same;
that their variance is nought does not mean that the next model can't differ.
"""


@dataclass(frozen=True, eq=False)
class Moments:
    """A statistic's moments over the models of each side.

    Attributes:
        counts: (2, records) models on that side.
        centres: (2, records, variants) mean or median; NaN where there is no model.
        squares: (2, records, variants) sum of squared differences from the mean.
    """

    counts: FloatArray
    centres: FloatArray
    squares: FloatArray

    @property
    def freedom(self) -> FloatArray:
        """(2, records, 1) degrees of freedom behind the squares."""
        return np.maximum(self.counts - 1, 0)[..., None]

    def pooled_variance(self) -> FloatArray:
        """(2, 1, variants) variance around each record's own centre, pooled over all records.

        Where no record has two models on a side nothing is known of it, and the spread of the centres
        over the records, which is larger, stands in its place.
        """
        freedom = self.freedom.sum(axis=1, keepdims=True)
        squares = self.squares.sum(axis=1, keepdims=True)
        pooled: FloatArray = np.maximum(squares / np.maximum(freedom, 1), TINY)
        if (freedom > 0).all():
            return pooled
        known = ~np.isnan(self.centres)
        centred = self.centres - spread_mean(self.centres)
        between = np.square(centred, where=known, out=np.zeros_like(centred)).sum(axis=1, keepdims=True)
        between /= np.maximum(known.sum(axis=1, keepdims=True), 1)
        return np.where(freedom > 0, pooled, np.maximum(between, TINY))

    def variances(self, floor: float = VARIANCE_FLOOR) -> FloatArray:
        """(2, records, variants) each record's own variance, no less than a share of the pooled one.

        Pooled, too, where a record has fewer than two models on a side.
        """
        pooled = self.pooled_variance()
        freedom = self.freedom
        each = np.maximum(self.squares / np.maximum(freedom, 1), floor * pooled)
        return np.where(freedom > 0, each, pooled)


def moments(shadows: Signals, statistic: Statistic, location: Literal["mean", "median"] = "mean") -> Moments:
    """Summarise a statistic by side.

    Blocks are summed in float32, as differences from the first model, so that no digits are lost to the
    statistic's size and equal values have variance nought. Squares come from the sums of squares in one pass,
    and from a second, centred pass for the records where the first would lose more than three digits.
    """
    _, records, variants, _ = shadows.values.shape
    counts = np.empty((2, records))
    centres, squares = (np.empty((2, records, variants)) for _ in range(2))

    def summarise(block: slice) -> None:
        x = statistic(shadows.values[:, block], shadows.labels[block])
        members = shadows.members[:, block]
        inside = members.astype(x.dtype)
        n = _two(shadows.models, inside.sum(axis=0))
        first = x[0].copy()
        x -= first
        means = _two(x.sum(axis=0), np.einsum("mrv,mr->rv", x, inside)) / np.maximum(n, 1)[..., None]
        whole = np.einsum("mrv,mrv->rv", x, x)
        raw = _two(whole, np.einsum("mrv,mrv,mr->rv", x, x, inside))
        centred = raw - n[..., None] * np.square(means)
        lost = (centred < 1e-3 * whole).any(axis=(0, 2))
        if lost.any():
            centred[:, lost] = _centred_squares(x[:, lost], members[:, lost], means[:, lost])
        counts[:, block], squares[:, block] = n, centred
        centres[:, block] = first + (means if location == "mean" else _medians(x, members))

    each_block(shadows, summarise)
    centres[counts == 0] = np.nan
    return Moments(counts, centres, squares)


def log_mean_probabilities(shadows: Signals, log_probability: Statistic) -> tuple[FloatArray, FloatArray]:
    """Average probabilities by side.

    A side's mean is taken relative to the record's largest probability on either side; one that is more
    than e^87 times smaller counts as that much smaller.

    Returns:
        (2, records) models on each side, and (2, records, variants) logarithm of the mean probability there
        in nats, NaN where there is no model.
    """
    _, records, variants, _ = shadows.values.shape
    counts = np.empty((2, records))
    logs = np.empty((2, records, variants))

    def summarise(block: slice) -> None:
        p = log_probability(shadows.values[:, block], shadows.labels[block])
        inside = shadows.members[:, block].astype(p.dtype)
        counts[:, block] = n = _two(shadows.models, inside.sum(axis=0))
        top = p.max(axis=0)
        p = np.exp(p - top)
        # not one side as the total less the other: the smaller may be smaller by orders of magnitude
        sums = np.stack([np.einsum("mrv,mr->rv", p, side) for side in (1 - inside, inside)])
        logs[:, block] = top + np.log(np.maximum(sums / np.maximum(n, 1)[..., None], TINY))

    each_block(shadows, summarise)
    logs[counts == 0] = np.nan
    return counts, logs


def filled(centres: FloatArray, sides: tuple[int, ...], attack: str) -> FloatArray:
    """Put a value where a record has no model on a side: the other side's, moved by the mean difference.

    Which record lacks a side is chance alone, so the difference between the sides' means over all records
    is an unbiased guess at each record's own.

    Args:
        centres: (2, records, variants), NaN where there is no model.
        sides: those that are needed; NaN may be left on the others.
        attack: whose name the error gives.

    Raises:
        PlanError: a needed side is without any model on any record.
    """
    missing = np.isnan(centres)
    if not missing[list(sides)].any():
        return centres
    for side in sides:
        if missing[side].all():
            raise PlanError(
                f"{attack} needs shadow models that {'trained' if side == IN else 'did not train'} on the "
                "records, and there are none; give models that trained on half of the records each"
            )
    shift = np.diff(spread_mean(centres), axis=0)
    return np.where(missing, centres[::-1] + np.concatenate([-shift, shift]), centres)


def spread_mean(centres: FloatArray) -> FloatArray:
    """(2, 1, variants) mean over the records that have a model on the side; 0 where none has."""
    known = ~np.isnan(centres)
    total = np.where(known, centres, 0).sum(axis=1, keepdims=True)
    mean: FloatArray = total / np.maximum(known.sum(axis=1, keepdims=True), 1)
    return mean


def each_block(answers: Answers, work: Callable[[slice], None]) -> None:
    """Do `work` on every block of records, in as many threads as there are cores (numpy lets them run)."""
    blocks = list(answers.blocks())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if min(cores, len(blocks)) < 2:
        for block in blocks:
            work(block)
        return
    with ThreadPoolExecutor(min(cores, len(blocks))) as pool:
        for _ in pool.map(work, blocks):
            pass


def _two(total: FloatArray | int, within: FloatArray) -> FloatArray:
    """Both sides, from both together and the inner one."""
    return np.stack([total - within, within])


def _centred_squares(x: FloatArray, members: BoolArray, means: FloatArray) -> FloatArray:
    """(2, records, variants) sums of squared differences from the mean of the side."""
    away = np.square(x - np.where(members[..., None], means[IN], means[OUT]))
    return np.stack([np.einsum("mrv,mr->rv", away, side) for side in (~members, members)])


def _medians(x: FloatArray, members: BoolArray) -> FloatArray:
    """(2, records, variants) medians over the models of each side."""
    found = []
    for side in (~members, members):
        ordered = np.sort(np.where(side[..., None], x, np.inf), axis=0)
        count = side.sum(axis=0)
        middle = np.stack([np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(x) - 1)])[..., None]
        found.append(np.take_along_axis(ordered, middle, axis=0).mean(axis=0))
    return np.stack(found)
