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

        A `reticent.measure.trace.Criterion`.
        """
        worst: Floats = self._errors(false_positives, false_negatives, out, inside).max(axis=0)
        return worst

    def slope(self, false_positives: float, false_negatives: float, out: int, inside: int) -> float:
        """How many true positives a false one is to be set against, where counts such as these are likely.

        Any slope makes a valid test; this one looks where the line is exceeded most.
        """
        counts = np.array([false_positives]), np.array([false_negatives])
        worst = int(self._errors(*counts, out, inside)[:, 0].argmax())
        pair = worst % self.epsilons.size
        return float(np.exp(self.epsilons[pair] * (1 if worst < self.epsilons.size else -1)))

    def chance(
        self, false_positives: int, false_negatives: int, out: int, inside: int, slope: float
    ) -> float:
        """How often at most trials that keep to the line would lie so far out: a p-value.

        Far out is a large TPR − slope · FPR. Exact: on each stretch of the line the rate at its one end and
        the other rate at its other end bound the probability, for it falls with the first and grows with
        the second.

        Args:
            false_positives, out: how many of so many non-members were taken for members.
            false_negatives, inside: how many of so many members were not.
            slope: above 0, fixed before the counts were seen.
        """
        from scipy.stats import binom

        fpr = self._stretches()
        tpr = self.best(fpr)
        counted = np.arange(out + 1)
        reached = (inside - false_negatives) / inside + slope * (counted - false_positives) / out
        needed = np.ceil(inside * reached - 1e-9)
        likely = binom.pmf(counted[None], out, fpr[:-1, None])
        beyond = np.where(needed <= 0, 1.0, binom.sf(needed[None] - 1, inside, tpr[1:, None]))
        return min(1.0, float((likely * beyond).sum(axis=1).max()))

    def _stretches(self) -> Floats:
        """(INTERVALS + 1,) false-positive rates from 0 to 1 between which the line rises about equally."""
        fine: Floats = np.concatenate([[0.0], np.geomspace(1e-9, 1, 4000)])
        length = np.concatenate([[0.0], np.cumsum(np.diff(fine) + np.diff(self.best(fine)))])
        found: Floats = np.interp(np.linspace(0, length[-1], INTERVALS + 1), length, fine)
        return found

    def _errors(self, false_positives: Floats, false_negatives: Floats, out: int, inside: int) -> Floats:
        """(2 · pairs, candidates) standard errors beyond either side of each pair."""
        fpr, fnr = (false_positives + 0.5) / (out + 1), (false_negatives + 0.5) / (inside + 1)
        spread, left = (fpr * (1 - fpr) / out, fnr * (1 - fnr) / inside), self.deltas[:, None]
        one = (1 - fnr - self._grown * fpr - left) / np.sqrt(spread[1] + self._grown**2 * spread[0])
        other = (1 - fpr - self._grown * fnr - left) / np.sqrt(spread[0] + self._grown**2 * spread[1])
        both: Floats = np.concatenate([one, other])
        return both
