"""Success beyond what is reached anyway: of those who would have been safe, the share that is not.

Giomi, Boenisch, Wehmeyer & Tasnádi 2023, arXiv:2211.10459: with success r on the people at risk
and c on people of the same kind who are not, (r − c) / (1 − c) = 1 − (1 − r) / (1 − c), one less the ratio of
two independent shares. The ratio's interval is put together from those of the shares by squares (MOVER-R:
Donner & Zou, Statistical Methods in Medical Research 21 (2012) 347), these being Clopper & Pearson's.
"""

from __future__ import annotations

from math import sqrt

from reticent.measure._checked import Bools
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson

FEWEST = 30
"""Guesses on a side below which the figure is withheld."""


def excess(ours: Bools, control: Bools, level: float = 0.95) -> Figure:
    """Return (r − c) / (1 − c); at most 1, and below 0 where the control is guessed more often.

    Args:
        ours, control: (guesses,) whether each succeeded, of different people.

    Returns:
        Withheld where a side has fewer than 30 guesses, or where every guess of the control succeeded:
        then nobody is left who would have been safe.
    """
    if min(len(ours), len(control)) < FEWEST:
        return Withheld(f"{len(ours)} and {len(control)} guesses were made; a side needs at least {FEWEST}")
    if control.all():
        return Withheld("every guess of the control succeeded, so nobody is left who would have been safe")
    # Of the failures: a ratio that is near 0 where all is given away
    a, b = (clopper_pearson(int((~side).sum()), len(side), level) for side in (ours, control))
    middle = a.value * b.value
    # Both roots in the form that loses no digits where a share or a bound is 0
    smallest, largest = a.low * (2 * a.value - a.low), a.high * (2 * a.value - a.high)
    least = smallest / (middle + sqrt(middle**2 - smallest * b.high * (2 * b.value - b.high)) or 1.0)
    below = b.low * (2 * b.value - b.low)
    most = (middle + sqrt(middle**2 - largest * below)) / below
    value = 1 - a.value / b.value
    return Estimate(value, 1 - most, 1 - least, level, "MOVER-R of Clopper-Pearson", len(ours) + len(control))
