"""Lower bounds on epsilon from one training run, into which canaries were put by independent coin flips.

Sources: Steinke, Nasr & Jagielski, "Privacy Auditing with One (1) Training Run", NeurIPS 2023,
arXiv:2305.08846, theorem 5.2; Mahloujifar, Melis & Chaudhuri, "Auditing f-Differential Privacy in One
Run", 2024, arXiv:2410.22235, algorithm 3.

The attacker ranks m canaries by score, says "in" of the top, "out" of the bottom, and abstains in
between; of r guesses, v are right. A mechanism as private as claimed seldom lets so many be right; the
bound is the largest claim at which v or more right guesses has a probability below 1 − level.

Why algorithm 3 holds. Pick a guess at random, and flip its canary's coin: a right guess among i right
ones becomes a wrong guess among i − 1. With p_i the probability of i right guesses, the privacy of that
one canary says, for every j,
    Σ_{i≥j} i p_i / m  ≤  f̄( Σ_{i≥j} (r − i + 1) p_{i−1} / m ),
where f̄(x) = 1 − f(x) is the highest TPR at FPR x. Given P[v or more right] = τ, walking j downwards
while taking the least p_j that this allows yields the least total probability; more than 1 is a
contradiction. A p_j is never negative: that is the max(...) in the recursion. It never changes the
verdict: once one step adds nothing, no later step can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from reticent.measure._checked import Bools, Floats, checked, checked_level
from reticent.measure.epsilon import EpsilonBound, gaussian_epsilon

LARGEST_EPSILON = 60.0  # beyond what any number of canaries can show


class Bound(Protocol):
    """A rule that turns counts into a lower bound on epsilon: one of the three below."""

    def __call__(
        self, correct: int, guesses: int, canaries: int, *, delta: float, level: float
    ) -> EpsilonBound: ...


def one_run_epsilon(
    correct: int, guesses: int, canaries: int, *, delta: float, level: float = 0.95
) -> EpsilonBound:
    """Return the bound of Steinke, Nasr & Jagielski on ε of any (ε, δ)-differentially private mechanism.

    With q = e^ε/(1 + e^ε): p = P[Bin(r, q) ≥ v] + 2mδ max_i P[v − i ≤ Bin(r, q) < v]/i. Against the
    worst mechanism there is (by linear programming, up to 25 canaries) p falls short only where it
    is above 0.85, and so at no level that is allowed here.
    Raises ValueError unless 0 ≤ correct ≤ guesses ≤ canaries and 0 ≤ delta < 1.
    """
    alpha = _checked_counts(correct, guesses, canaries, delta, level)
    value = _largest(lambda epsilon: _steinke_p(correct, guesses, canaries, epsilon, delta) < alpha)
    return _bound(value, correct, guesses, canaries, delta, level, "one run, Steinke et al.")


def one_run_epsilon_sharp(
    correct: int, guesses: int, canaries: int, *, delta: float, level: float = 0.95
) -> EpsilonBound:
    """Return the larger of Steinke's bound and algorithm 3 with the (ε, δ) trade-off curve.

    Assumes no more than Steinke's bound and shows more where mδ is not small. Taking the larger
    needs no correction: each rejects when v reaches a number fixed beforehand, so the larger bound
    rejects when v reaches the lower of the two numbers, which is one of them. Raises as above.
    """
    alpha = _checked_counts(correct, guesses, canaries, delta, level)

    def rejected(epsilon: float) -> bool:
        grown = float(np.exp(epsilon))

        def least_fpr(tpr: float) -> float:
            return max(0.0, (tpr - delta) / grown, 1 - delta - (1 - tpr) * grown)

        return _contradiction(correct, guesses, canaries, alpha, least_fpr)

    value = _largest(rejected)
    steinke = one_run_epsilon(correct, guesses, canaries, delta=delta, level=level).value
    return _bound(max(value, steinke), correct, guesses, canaries, delta, level, "one run, sharp")


def one_run_epsilon_fdp(
    correct: int, guesses: int, canaries: int, *, delta: float, level: float = 0.95
) -> EpsilonBound:
    """Return the bound of Mahloujifar, Melis & Chaudhuri on ε(δ) of a *Gaussian* mechanism.

    Rejects noise multipliers, and states the largest rejected one as ε at δ; says nothing of
    mechanisms whose trade-off curve is not Gaussian. Raises as above, and for delta = 0.
    """
    from scipy.special import ndtr, ndtri

    alpha = _checked_counts(correct, guesses, canaries, delta, level)
    gaussian_epsilon(0.0, delta=delta)  # refuses delta = 0

    def rejected(mu: float) -> bool:
        return _contradiction(correct, guesses, canaries, alpha, lambda tpr: float(ndtr(ndtri(tpr) - mu)))

    value = gaussian_epsilon(_largest(rejected), delta=delta)
    return _bound(value, correct, guesses, canaries, delta, level, "one run, Gaussian f-DP")


@dataclass(frozen=True)
class FixedGuesses:
    """Numbers of guesses stated before the scores were seen: "in" of the top, "out" of the bottom."""

    top: int
    bottom: int


@dataclass(frozen=True)
class GridGuesses:
    """The best of several numbers of guesses, each paid for (Bonferroni).

    ``sizes`` numbers in geometric progression from √m to m; each split evenly between top and bottom,
    and each spent on the top alone.
    """

    sizes: int = 6

    def choices(self, canaries: int) -> list[FixedGuesses]:
        """Return every choice considered for so many canaries."""
        counts = np.unique(np.geomspace(max(2.0, canaries**0.5), canaries, self.sizes).astype(np.int64))
        both = [FixedGuesses(int(r - r // 2), int(r // 2)) for r in counts]
        return both + [FixedGuesses(int(r), 0) for r in counts if r <= canaries / 2]


@dataclass(frozen=True)
class SplitGuesses:
    """The best number of guesses on a random share of the canaries; the bound is taken on the others."""

    share: float = 0.3
    sizes: int = 12
    seed: int = 0


Guesses = FixedGuesses | GridGuesses | SplitGuesses


def default_guesses(canaries: int) -> FixedGuesses:
    """Return 4√m guesses, half of each kind: near the best number from a hundred canaries to a million.

    Fewer guesses are surer, more of them are better known; on the idealised Gaussian the best number
    grows about as the root of m (`bench/one_run.py`).
    """
    r = min(canaries, round(4 * canaries**0.5))
    return FixedGuesses(r - r // 2, r // 2)


def audit_one_run(
    scores: ArrayLike,
    included: ArrayLike,
    *,
    delta: float,
    level: float = 0.95,
    guesses: Guesses | None = None,
    bound: Bound = one_run_epsilon_sharp,
    seed: int = 0,
) -> EpsilonBound:
    """Return a lower bound on ε from scores (canaries,), higher = in, and the coins (canaries,) bool.

    The coins must have been independent and fair; exact halves are not. Without ``guesses``,
    ``default_guesses``. Equal scores are ordered at random by ``seed``, for the order in which
    canaries are listed may itself tell which were included. Raises ValueError for impossible arrays
    or numbers of guesses.
    """
    s, coins = checked(scores, included)
    alpha = checked_level(level)
    shuffled = np.random.default_rng(seed).permutation(s.size)
    ranked = shuffled[np.argsort(-s[shuffled], kind="stable")]  # canaries, the surest "in" first
    if isinstance(guesses, SplitGuesses):
        first = np.random.default_rng(guesses.seed).random(s.size) < guesses.share
        tried, kept = coins[ranked[first[ranked]]], coins[ranked[~first[ranked]]]
        if min(tried.size, kept.size) < 2:
            raise ValueError(f"{s.size} canaries split at {guesses.share} leave too few on one side.")
        choices = GridGuesses(guesses.sizes).choices(tried.size)
        best = max(choices, key=lambda c: _counted(tried, c, bound, delta, level).value)
        scale = kept.size / tried.size
        chosen = FixedGuesses(int(best.top * scale), int(best.bottom * scale))
        return _counted(kept, chosen, bound, delta, level)
    if isinstance(guesses, GridGuesses):
        choices = guesses.choices(s.size)
        paid = [_counted(coins[ranked], c, bound, delta, 1 - alpha / len(choices)) for c in choices]
        best_paid = max(paid, key=lambda b: b.value)
        point = f"{best_paid.operating_point}, best of {len(choices)} choices, each paid for"
        return replace(best_paid, level=level, operating_point=point)
    return _counted(coins[ranked], guesses or default_guesses(s.size), bound, delta, level)


def _counted(coins: Bools, guesses: FixedGuesses, bound: Bound, delta: float, level: float) -> EpsilonBound:
    """Return the bound at a fixed number of guesses; coins (canaries,), the surest "in" first."""
    if min(guesses.top, guesses.bottom) < 0 or not 0 < guesses.top + guesses.bottom <= coins.size:
        raise ValueError(
            f"{guesses.top} guesses at the top and {guesses.bottom} at the bottom of {coins.size} canaries: "
            "expected at least one guess and at most one a canary."
        )
    right = int(coins[: guesses.top].sum() + (~coins[coins.size - guesses.bottom :]).sum())
    return bound(right, guesses.top + guesses.bottom, coins.size, delta=delta, level=level)


def _checked_counts(correct: int, guesses: int, canaries: int, delta: float, level: float) -> float:
    """Return 1 − level, having refused counts that can't be."""
    if not 0 <= correct <= guesses <= canaries or guesses < 1:
        raise ValueError(
            f"{correct} of {guesses} guesses about {canaries} canaries are right: "
            "expected 0 ≤ correct ≤ guesses ≤ canaries, and at least one guess."
        )
    if not 0 <= delta < 1:
        raise ValueError(f"delta is {delta}: a probability in [0, 1) was expected.")
    return checked_level(level)


def _bound(
    value: float, correct: int, guesses: int, canaries: int, delta: float, level: float, method: str
) -> EpsilonBound:
    point = f"{correct} of {guesses} guesses right"
    return EpsilonBound(value, level, delta, method, point, canaries)


def _largest(rejected: Callable[[float], bool]) -> float:
    """Return the largest claim that is rejected, to 1e-6; 0 where none is.

    What is returned was itself rejected, so the bound errs downwards only.
    """
    low, high = 0.0, 1.0
    while rejected(high) and high < LARGEST_EPSILON:
        low, high = high, 2 * high
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if rejected(middle) else (low, middle)
    return low


def _steinke_p(v: int, r: int, m: int, epsilon: float, delta: float) -> float:
    """Return the largest probability of v or more right guesses out of r (theorem 5.2)."""
    from scipy.special import betainc, gammaln

    if v == 0:
        return 1.0
    q = 1 / (1 + np.exp(-epsilon))
    beta = float(betainc(v, r - v + 1, q))
    k = np.arange(v - 1, -1, -1)
    choose = gammaln(r + 1) - gammaln(k + 1) - gammaln(r - k + 1)
    below: Floats = np.cumsum(np.exp(choose + k * np.log(q) - (r - k) * np.logaddexp(0, epsilon)))
    return beta + 2 * m * delta * float(np.max(below / (v - k)))


def _contradiction(v: int, r: int, m: int, tau: float, least_fpr: Callable[[float], float]) -> bool:
    """Return whether v or more right guesses out of r have a probability below tau (algorithm 3).

    ``least_fpr`` is f̄⁻¹: the least FPR at which the claimed trade-off curve allows a TPR.
    """
    hits, misses = tau * v / m, tau * (r - v) / m  # Σ_{i≥j} of i p_i / m and of (r − i) p_i / m
    for i in range(v - 1, -1, -1):
        needed = least_fpr(hits)
        if needed <= misses:
            return False  # no p_i is forced here, nor further down
        hits += i / (r - i) * (needed - misses)
        misses = needed
        if hits + misses > r / m:
            return True
    return False
