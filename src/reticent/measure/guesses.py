"""Guesses right or wrong, beside those of someone who guesses without the model.

Gain on the same records: the paired difference of two shares with Agresti & Min's interval (Statistics in
Medicine 24 (2005) 729, "Simple improved confidence intervals for comparing matched proportions"): half an
observation is added to each cell of the table of both. Leak: the gain on members less the gain on others,
who are other people, so that the variances add up.
"""

from __future__ import annotations

import numpy as np

from reticent.measure._checked import Bools, checked_level
from reticent.measure.estimate import Estimate


def gain(ours: Bools, theirs: Bools, level: float = 0.95) -> Estimate:
    """Share that we guess rightly, less the share that they guess rightly, of the same records.

    Args:
        ours, theirs: (records,) whether the guess is right.

    Raises:
        ValueError: no records, or not the same.
    """
    value, centre, variance = _paired(ours, theirs)
    low, high = _interval(centre, variance, level)
    return Estimate(value, min(low, value), max(high, value), level, "Agresti-Min", len(ours))


def gain_difference(
    inside: tuple[Bools, Bools], outside: tuple[Bools, Bools], level: float = 0.95
) -> Estimate:
    """The gain on some records less the gain on others.

    Args:
        inside, outside: whether we and whether they guess rightly, each (records,) of that side.

    Raises:
        ValueError: no records on a side, or not the same within one.
    """
    a, b = _paired(*inside), _paired(*outside)
    value, n = a[0] - b[0], len(inside[0]) + len(outside[0])
    low, high = _interval(a[1] - b[1], a[2] + b[2], level)
    return Estimate(value, min(low, value), max(high, value), level, "Agresti-Min", n)


def _paired(ours: Bools, theirs: Bools) -> tuple[float, float, float]:
    """The difference, its adjusted centre and the variance of that."""
    if len(ours) != len(theirs) or not len(ours):
        raise ValueError(f"{len(ours)} guesses beside {len(theirs)}: give both of the same records")
    better, worse = float((ours & ~theirs).sum()), float((theirs & ~ours).sum())
    n = len(ours) + 2
    centre = (better - worse) / n
    variance = ((better + worse + 1) / n - centre**2) / n
    return (better - worse) / len(ours), centre, variance


def _interval(centre: float, variance: float, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    reach = float(ndtri(1 - checked_level(level) / 2) * np.sqrt(variance))
    return centre - reach, centre + reach
