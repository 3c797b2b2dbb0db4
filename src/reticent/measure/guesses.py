"""Guesses right or wrong, beside those of someone who guesses without the model.

Gain: two shares of right guesses on the same records differ by the share where we alone are right less the
share where they alone are. Leak: the gain on members less the gain on others. Intervals of differences are
put together from those of their parts by squares (MOVER: Zou & Donner, Statistics in Medicine 27 (2008) 1693;
Newcombe, ibid. 17 (1998) 2635), the parts' own being Clopper & Pearson's, which hold for any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.measure._checked import Bools, checked_level
from reticent.measure.estimate import Estimate, clopper_pearson


@dataclass(frozen=True)
class GroupLeak:
    """What is gained on people of one group; the intervals hold for all groups together."""

    column: str
    group: str
    members: int
    gain: Estimate  # on its members
    leak: Estimate  # that, less the gain on others of the same group


def gain(ours: Bools, theirs: Bools, level: float = 0.95) -> Estimate:
    """Share that we guess rightly, less the share that they guess rightly, of the same records.

    Args:
        ours, theirs: (records,) whether the guess is right.

    Raises:
        ValueError: no records, or not the same.
    """
    if len(ours) != len(theirs) or not len(ours):
        raise ValueError(f"{len(ours)} guesses beside {len(theirs)}: give both of the same records")
    better, worse = (
        clopper_pearson(int(alone.sum()), len(ours), level) for alone in (ours & ~theirs, theirs & ~ours)
    )
    # Counts of one table: the more the one, the fewer the other
    odds = [share.value / (1 - share.value) if share.value < 1 else 0.0 for share in (better, worse)]
    return _difference(better, worse, -float(np.sqrt(odds[0] * odds[1])), len(ours))


def gain_difference(
    inside: tuple[Bools, Bools], outside: tuple[Bools, Bools], level: float = 0.95
) -> Estimate:
    """The gain on some records less the gain on others.

    Args:
        inside, outside: whether we and whether they guess rightly, each (records,) of that side.

    Raises:
        ValueError: no records on a side, or not the same within one.
    """
    return _difference(gain(*inside, level), gain(*outside, level), 0.0, len(inside[0]) + len(outside[0]))


def _difference(one: Estimate, other: Estimate, correlation: float, n: int) -> Estimate:
    """One figure less another, and its interval from theirs."""

    def reach(a: float, b: float) -> float:
        return float(np.sqrt(max(a * a + b * b - 2 * correlation * a * b, 0.0)))

    value = one.value - other.value
    low = value - reach(one.value - one.low, other.high - other.value)
    high = value + reach(one.high - one.value, other.value - other.low)
    return Estimate(value, low, high, one.level, "MOVER of Clopper-Pearson", n)


def leak_by_group(
    ours: Bools,
    theirs: Bools,
    members: Bools,
    groups: Mapping[str, NDArray[Any]],
    *,
    smallest: int = 20,
    level: float = 0.95,
) -> list[GroupLeak]:
    """The leak within every group of every column, those first of whom it surely is largest.

    Args:
        ours, theirs: (records,) whether we and whether they guess rightly.
        members: (records,) the truth.
        groups: column -> (records,) group of each record.
        smallest: members and others that a group needs to be looked at.

    Raises:
        ValueError: lengths that differ.
    """
    alpha, kept = checked_level(level), list[tuple[str, str, Bools]]()
    for column, labels in groups.items():
        names, where = np.unique(np.asarray(labels).astype(str), return_inverse=True)
        if where.shape != ours.shape:
            raise ValueError(f"column {column!r} has {where.size} groups for {ours.size} records")
        for i, name in enumerate(names.tolist()):
            inside = where == i
            if min((inside & members).sum(), (inside & ~members).sum()) >= smallest:
                kept.append((column, name, inside))
    wide = 1 - alpha / max(1, len(kept))
    found = []
    for column, name, inside in kept:
        within, without = inside & members, inside & ~members
        one = ours[within], theirs[within]
        leak = gain_difference(one, (ours[without], theirs[without]), wide)
        found.append(GroupLeak(column, name, int(within.sum()), gain(*one, wide), leak))
    return sorted(found, key=lambda g: -g.leak.low)
