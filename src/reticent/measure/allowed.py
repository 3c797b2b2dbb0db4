"""What (ε, δ) pairs allow of a test's two error rates, and whether counts of trials go beyond it.

A mechanism that is (ε, δ)-private for each of many pairs allows no test a true-positive rate above
min(e^ε FPR + δ, 1 − (1 − FPR − δ) e^−ε) over all of them (Kairouz, Oh & Viswanath 2015, arXiv:1311.0776).
Whether counts lie above that line is one exact test of both rates together: the largest probability, over
all rates on the line, of counts as far out. Bounds on either rate alone would ask for twice the trials.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from reticent.measure._checked import Floats

INTERVALS = 500
"""Stretches of the line on which the probability is bounded; more cost time and gain little."""


@dataclass(frozen=True, eq=False)
class Allowed:
    """The rates that (ε, δ) pairs allow.

    Attributes:
        epsilons, deltas: (pairs,) each ε with its δ, both 0 or more.
    """

    epsilons: Floats
    deltas: Floats
    _grown: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_grown", np.exp(self.epsilons)[:, None])

    def best(self, fpr: Floats) -> Floats:
        """(rates,) the largest true-positive rate at each false-positive rate (rates,)."""
        left = self.deltas[:, None]
        one, other = self._grown * fpr + left, 1 - (1 - fpr - left) / self._grown
        most: Floats = np.minimum(1.0, np.minimum(one, other).min(axis=0))
        return most

    def telling(self, false_positives: Floats, false_negatives: Floats, out: int, inside: int) -> Floats:
        """(candidates,) by how many standard errors counts lie beyond the line, by the worst of the pairs.

        Two errors and two hits are added on either side (Agresti & Coull 1998), lest luck at a rate near 0
        count as evidence. A `reticent.measure.trace.Criterion`.
        """
        fpr, fnr = (false_positives + 2) / (out + 4), (false_negatives + 2) / (inside + 4)
        spread, left = (fpr * (1 - fpr) / out, fnr * (1 - fnr) / inside), self.deltas[:, None]
        one = (1 - fnr - self._grown * fpr - left) / np.sqrt(spread[1] + self._grown**2 * spread[0])
        other = (1 - fpr - self._grown * fnr - left) / np.sqrt(spread[0] + self._grown**2 * spread[1])
        worst: Floats = np.maximum(one, other).max(axis=0)
        return worst

    def chance(self, false_positives: int, false_negatives: int, out: int, inside: int) -> float:
        """How often at most trials that keep to the line would be as `telling`: a p-value.

        Exact: on each stretch of the line the false-positive rate at its one end and the true-positive rate
        at its other bound the probability, for that falls with the first and grows with the second.

        Args:
            false_positives, out: how many of so many non-members were taken for members.
            false_negatives, inside: how many of so many members were not.
        """
        from scipy.stats import binom

        given = np.array([float(false_positives)]), np.array([float(false_negatives)])
        least = self.telling(*given, out, inside)[0] - 1e-9
        counted, found = np.arange(out + 1.0), np.arange(inside + 1.0)
        needed = np.empty(out + 1)  # true positives that are as telling beside so many false ones
        for row, count in enumerate(counted):
            as_telling = self.telling(np.full(inside + 1, count), inside - found, out, inside) >= least
            needed[row] = as_telling.argmax() if as_telling.any() else inside + 1
        needed = np.minimum.accumulate(needed[::-1])[::-1]  # fewer false positives never tell less
        fpr = self._stretches()
        tpr = self.best(fpr)
        likely = binom.pmf(counted[None], out, fpr[:-1, None])
        beyond = np.where(needed <= 0, 1.0, binom.sf(needed[None] - 1, inside, tpr[1:, None]))
        return min(1.0, float((likely * beyond).sum(axis=1).max()))

    def _stretches(self) -> Floats:
        """(INTERVALS + 1,) false-positive rates from 0 to 1 between which the line rises about equally."""
        fine: Floats = np.concatenate([[0.0], np.geomspace(1e-9, 1, 4000)])
        length = np.concatenate([[0.0], np.cumsum(np.diff(fine) + np.diff(self.best(fine)))])
        found: Floats = np.interp(np.linspace(0, length[-1], INTERVALS + 1), length, fine)
        return found
