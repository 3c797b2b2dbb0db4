"""The ROC curve of one attack, exact at the low end, and the figures read from it with their intervals.

Every interval is about the *population* the records came from, and holds although thresholds are
chosen on the same records. Sources: AUC's variance, DeLong, DeLong & Clarke-Pearson, Biometrics 44
(1988); exact interval at an effective sample size, Korn & Graubard, Survey Methodology 24 (1998);
order statistics of a uniform sample follow the Beta law, which bounds the false positive rate of a
threshold set by non-members; uniform band of two empirical laws, Massart, Annals of Probability 18
(1990), Wei & Dudley, Statistics & Probability Letters 82 (2012), arXiv:1107.5356.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from reticent.measure._checked import Floats, Ints, checked, checked_level
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson_bounds

DEFAULT_FPRS = (0.1, 0.01, 0.001, 0.0001)


@dataclass(frozen=True, eq=False)
class Roc:
    """A step curve: at each threshold, the shares of non-members and members scored at or above it.

    Equal scores are one step, for no threshold can part them. The first point is (0, 0), with
    threshold +inf; the last is (1, 1).
    """

    fpr: Floats  # (points,), ascending
    tpr: Floats  # (points,), ascending
    thresholds: Floats  # (points,), descending
    members: int
    nonmembers: int

    @classmethod
    def of(cls, scores: ArrayLike, members: ArrayLike) -> Roc:
        """Return the curve of scores (records,), higher = member, against the truth (records,) bool.

        Raises ValueError where a score is NaN, shapes differ, or members or non-members are missing.
        """
        s, truth = checked(scores, members)
        order = np.argsort(-s)
        s, truth = s[order], truth[order]
        last = np.append(np.flatnonzero(s[1:] != s[:-1]), s.size - 1)  # last record of each block of ties
        true_positives = np.cumsum(truth)[last]
        m, n = int(true_positives[-1]), int(s.size - true_positives[-1])
        curve = (
            np.append(0.0, (last + 1 - true_positives) / n),
            np.append(0.0, true_positives / m),
            np.append(np.inf, s[last]),
        )
        for array in curve:
            array.flags.writeable = False
        return cls(*curve, members=m, nonmembers=n)

    def auc(self, level: float = 0.95) -> Estimate:
        """Return the area under the curve: the chance that a member outscores a non-member, ties one half.

        The interval is Clopper-Pearson's at the sample size at which a share would vary as DeLong
        says the area does. Near perfect separation DeLong's variance rests on the few records that
        are out of order, and is 0 where none is; it is therefore averaged with the widest variance
        possible, A(1−A)/min(members, non-members), which counts as one record out of order.
        """
        from scipy.special import ndtri, stdtrit

        alpha, m, n = checked_level(level), self.members, self.nonmembers
        hits, alarms = np.diff(self._true_positives), np.diff(self._false_positives)
        below = 1 - (self.fpr[:-1] + self.fpr[1:]) / 2  # share of non-members under each block of ties
        above = (self.tpr[:-1] + self.tpr[1:]) / 2  # share of members over it
        area, few = float(hits @ below / m), min(m, n)
        of_members = float(hits @ (below - area) ** 2) / max(m - 1, 1) / m
        of_nonmembers = float(alarms @ (above - area) ** 2) / max(n - 1, 1) / n
        variance = of_members + of_nonmembers
        spread = of_members**2 / max(m - 1, 1) + of_nonmembers**2 / max(n - 1, 1)
        freedom = max(variance**2 / spread if spread > 0 else few - 1, 1)  # Welch & Satterthwaite

        shrunk = (area * few + 0.5) / (few + 1)
        widest = shrunk * (1 - shrunk) / few
        sides = ((hits, below), (alarms, above))
        disorder = min(int(count[some].sum()) for count, x in sides for some in (x < 1, x > 0))
        widened = (disorder * variance + widest) / (disorder + 1)
        size = few * min(widest / widened, 3.0)  # 3: a null with one side plentiful
        size *= (ndtri(alpha / 2) / stdtrit(freedom, alpha / 2)) ** 2
        low, high = clopper_pearson_bounds(area * size, size, alpha / 2)
        return Estimate(area, float(low), float(high), level, "DeLong, Korn-Graubard", m + n)

    def tpr_at(self, fpr: float, level: float = 0.95) -> Figure:
        """Return the highest true positive rate whose false positive rate is at most ``fpr``.

        The value is read from the curve, without interpolation. The interval holds for the
        population's rate at that false positive rate, whatever the two laws: its ends are exact
        binomial bounds on members above two thresholds, set by order statistics of the non-members
        such that their false positive rates lie below and above ``fpr`` with confidence. Withheld
        where not even one non-member is expected above the threshold.
        """
        if not 0 <= fpr < 1:
            raise ValueError(f"fpr is {fpr}: a false positive rate in [0, 1) was expected.")
        m, n, alpha = self.members, self.nonmembers, checked_level(level) / 4
        if n * fpr < 1 - 1e-9:
            needed = f"at least {ceil(1 / fpr):,}" if fpr else "infinitely many"
            return Withheld(f"an FPR of {fpr:g} needs {needed} non-members, and there are {n:,}")
        allowed = _binomial_quantile(alpha, n, fpr)  # above this non-member the FPR is ≤ fpr, surely
        reached = _binomial_quantile(1 - alpha, n, fpr) + 1  # from this non-member on it is > fpr, surely
        best = int(np.searchsorted(self._false_positives, n * fpr + 1e-9, side="right")) - 1
        low, _ = clopper_pearson_bounds(self._members_above(allowed), m, alpha)
        _, high = clopper_pearson_bounds(self._members_above(reached), m, alpha)
        method = "order statistics and Clopper-Pearson"
        return Estimate(float(self.tpr[best]), float(low), float(high), level, method, m + n)

    def advantage(self, level: float = 0.95) -> Figure:
        """Return max over thresholds of TPR − FPR (Yeom et al. 2018, arXiv:1709.01604).

        The value is the best *seen*, so it is above 0 even for an attack that knows nothing. The
        interval is the uniform band: it holds for the best threshold of the population, and under
        the null its lower end leaves 0 with probability ≤ (1 − level)/2.
        """
        alpha = checked_level(level) / 2
        band = sqrt(-log(alpha) / 2 * (1 / self.members + 1 / self.nonmembers))
        if band >= 1:
            needed = ceil(-log(alpha))
            return Withheld(
                f"the best threshold needs at least {needed} members and {needed} non-members, "
                f"and there are {self.members} and {self.nonmembers}"
            )
        best = float(np.max(self.tpr - self.fpr))
        n = self.members + self.nonmembers
        return Estimate(best, max(0.0, best - band), min(1.0, best + band), level, "Massart band", n)

    def balanced_accuracy(self, level: float = 0.95) -> Figure:
        """Return max over thresholds of (TPR + 1 − FPR)/2, which is (1 + advantage)/2."""
        advantage = self.advantage(level)
        if isinstance(advantage, Withheld):
            return advantage
        halves = {name: (1 + getattr(advantage, name)) / 2 for name in ("value", "low", "high")}
        return replace(advantage, **halves)

    def points(self, limit: int = 1000) -> tuple[Floats, Floats]:
        """Return at most ``limit`` points (fpr, tpr) for drawing, the curve's low end kept exactly.

        Points inside a straight horizontal or vertical run go first, which loses nothing. Where that
        is not enough, the first half of the limit goes to the lowest false positive rates, unthinned,
        and the other half is spread evenly over the rest.
        """
        if limit < 4:
            raise ValueError(f"limit is {limit}: a curve needs at least 4 points.")
        steep, flat = np.diff(self.fpr) == 0, np.diff(self.tpr) == 0
        inside = (steep[:-1] & steep[1:]) | (flat[:-1] & flat[1:])
        kept = np.flatnonzero(np.concatenate(([True], ~inside, [True])))
        if kept.size > limit:
            exact = limit // 2
            spread = np.linspace(exact, kept.size - 1, limit - exact).round().astype(np.int64)
            kept = np.append(kept[:exact], kept[spread])
        return self.fpr[kept], self.tpr[kept]

    @property
    def _true_positives(self) -> Ints:
        return np.rint(self.tpr * self.members).astype(np.int64)

    @property
    def _false_positives(self) -> Ints:
        return np.rint(self.fpr * self.nonmembers).astype(np.int64)

    def _members_above(self, rank: int) -> int:
        """Return how many members outscore the rank-th highest non-member; none if the rank is 0."""
        if rank < 1:
            return 0
        if rank > self.nonmembers:
            return self.members
        block = int(np.searchsorted(self._false_positives, rank))
        return int(self._true_positives[block - 1])


def _binomial_quantile(probability: float, n: int, p: float) -> int:
    """Return the least k in 0…n with P[Bin(n, p) ≤ k] ≥ probability, by bisection."""
    from scipy.special import bdtr

    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if bdtr(middle, n, p) >= probability:
            high = middle
        else:
            low = middle + 1
    return low
