"""Whose records are exposed: one attack's scores turned into likelihood ratios, posteriors and counts.

The slope of the ROC curve's concave hull at a score is the likelihood ratio there; fitting it is
isotonic regression (Fawcett & Niculescu-Mizil, Machine Learning 68, 2007). Counting the exposed at a
stated prior follows Jayaraman, Wang, Knipmeyer, Gu & Evans, "Revisiting Membership Inference Under
Realistic Assumptions", PoPETs 2021, arXiv:2005.10881. Correction over groups: Holm, Scandinavian
Journal of Statistics 6 (1979).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf, log

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reticent.measure._checked import Bools, Floats, checked, checked_level
from reticent.measure.estimate import Estimate, Withheld, clopper_pearson_bounds, order_statistic_bounds
from reticent.measure.roc import Roc

PSEUDO_RECORDS = 6.0  # by the rule of three, k records of one kind show odds of about k/3, and no more


@dataclass(frozen=True)
class Exposure:
    """How many of these members an attacker can name who is right often enough."""

    members_exposed: Estimate  # a count; n = members
    posterior_above: float  # of those named, at least this share are members
    prior: float  # share of members among the people the attacker asks about
    threshold: float  # a record scored at or above it is named; inf where none is


@dataclass(frozen=True)
class GroupRisk:
    """How well members of one group are told from non-members *of the same group*."""

    column: str
    group: str
    members: int
    nonmembers: int
    auc: Estimate  # inside the group; its interval holds for all groups together
    rest: float  # AUC inside the rest of the records
    p_value: float  # of "no worse than the rest", Holm-corrected over all groups
    worse: bool  # whether the group is surely worse off than the rest


def calibrated_likelihood_ratios(scores: ArrayLike, members: ArrayLike, seed: int = 0) -> Floats:
    """Return each record's likelihood ratio, (records,): P(score | member) / P(score | non-member).

    A monotone fit in five folds; each record is read from the fit of the four others, so none is
    judged by a fit that saw its own truth. Six pseudo-records in every step, mixed like the records
    at large, hold the ratio to what the step's size supports: near 1 where members and non-members
    do not differ, never infinite. Raises ValueError for impossible arrays.
    """
    s, truth = checked(scores, members)
    rng = np.random.default_rng(seed)
    fold = np.empty(s.size, dtype=np.int64)
    for side in (truth, ~truth):
        fold[side] = rng.permutation(int(side.sum())) % 5
    ratios = np.ones(s.size)
    for k in range(5):
        out = fold == k
        if truth[~out].any() and not truth[~out].all():
            ratios[out] = _monotone_ratio(s[~out], truth[~out])(s[out])
    return ratios


def posterior(likelihood_ratio: ArrayLike, prior: float) -> Floats:
    """Return the probability of membership, by Bayes' rule, of records with these likelihood ratios."""
    if not 0 <= prior <= 1:
        raise ValueError(f"prior is {prior}: a probability was expected.")
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        against = (1 - prior) / np.asarray(likelihood_ratio, dtype=np.float64)
    total = prior + against
    return np.divide(prior, total, out=np.zeros_like(against), where=total > 0)


def exposed(
    scores: ArrayLike,
    members: ArrayLike,
    *,
    prior: float,
    posterior_above: float,
    level: float = 0.95,
) -> Exposure | Withheld:
    """Return how many members can be named by an attacker who is right with the stated probability.

    The attacker asks about people of whom a share ``prior`` are members, and names those scored above
    a threshold t; at least a share ``posterior_above`` of the named are members if
    TPR(t) ≥ λ FPR(t), λ = odds(posterior_above) / odds(prior). The count is taken at the lowest such t:
    the value by the empirical rates (one false positive added, lest an empty tail seem sure), the low
    end where exact bounds on both rates, paid for over all thresholds considered, establish it; the
    high end where they refute it for every lower threshold. Withheld where so few non-members could
    establish it for no attack at all. Raises ValueError for impossible arrays or probabilities.
    """
    if not (0 < prior < 1 and 0 < posterior_above < 1):
        raise ValueError(f"prior {prior} and posterior {posterior_above}: both must lie between 0 and 1.")
    s, truth = checked(scores, members)
    curve, odds = Roc.of(s, truth), posterior_above / (1 - posterior_above) * (1 - prior) / prior
    m, n = curve.members, curve.nonmembers
    outside = np.sort(s[~truth])[::-1]
    inside = np.sort(s[truth])
    ranks = np.unique(np.geomspace(1, n, 160).astype(np.int64))
    share = checked_level(level) / (4 * ranks.size)  # two rates, each bounded from both sides
    needed = ceil(odds * log(1 / share))
    if n < needed:
        return Withheld(
            f"naming members with a posterior of {posterior_above:g} at a prior of {prior:g} needs at least "
            f"{needed:,} non-members, and there are {n:,}"
        )
    above = m - np.searchsorted(inside, outside[ranks - 1], side="right")  # members over each rank
    tpr_low, tpr_high = clopper_pearson_bounds(above, m, share)
    fpr_low, fpr_high = order_statistic_bounds(ranks, n, share)
    sure = np.flatnonzero(tpr_low >= odds * fpr_high)
    # A threshold below rank k and not below rank k' has FPR ≥ that of rank k, TPR ≤ that of rank k'.
    open_until = np.flatnonzero(np.append(tpr_high, 1.0) >= odds * np.append(0.0, fpr_low))[-1]
    low = float(above[sure[-1]]) if sure.size else 0.0
    high = float(np.append(above, m)[open_until])

    false_positives = np.rint(curve.fpr * n)
    seen = np.flatnonzero(curve.tpr >= odds * (false_positives + 1) / n)
    at = int(seen[-1]) if seen.size else 0
    value = float(np.rint(curve.tpr[at] * m))
    count = Estimate(value, low, high, level, "order statistics and Clopper-Pearson, Bonferroni", m)
    return Exposure(count, posterior_above, prior, float(curve.thresholds[at]) if at else inf)


def worst_groups(
    risk: ArrayLike,
    groups: Mapping[str, Sequence[object] | NDArray[np.generic]],
    members: ArrayLike,
    *,
    smallest: int = 20,
    level: float = 0.95,
) -> list[GroupRisk]:
    """Return every group of every column, by how much worse off it is than the rest, worst first.

    ``risk`` (records,) is any score that ranks records by risk; ``groups`` maps a column's name to a
    label for each record. A group is judged by the AUC between its own members and its own
    non-members: a group whose members *and* non-members score high is unusual, not exposed. Groups
    (or rests) with fewer than ``smallest`` members or non-members are left out. Intervals are
    Bonferroni-corrected, p-values Holm-corrected, over all groups of all columns that remain.
    Raises ValueError where a column's length differs or the arrays are impossible.
    """
    s, truth = checked(risk, members)
    alpha = checked_level(level)
    kept: list[tuple[str, str, Bools]] = []
    for column, labels in groups.items():
        names = np.asarray([str(label) for label in labels])
        if names.shape != s.shape:
            raise ValueError(
                f"column {column!r} has {names.size} labels for {s.size} records: give one a record."
            )
        values, where = np.unique(names, return_inverse=True)
        for i in np.flatnonzero(_large_enough(where, truth, smallest)):
            kept.append((column, str(values[i]), where == i))
    found: list[GroupRisk] = []
    for column, name, inside in kept:
        group, rest = Roc.of(s[inside], truth[inside]), Roc.of(s[~inside], truth[~inside])
        p = _p_value_higher(group.auc(level), rest.auc(level))
        auc, other = group.auc(1 - alpha / len(kept)), rest.auc().value
        found.append(GroupRisk(column, name, group.members, group.nonmembers, auc, other, p, False))
    corrected = _holm(np.array([g.p_value for g in found]))
    judged = [
        replace(g, p_value=float(p), worse=bool(p <= alpha)) for g, p in zip(found, corrected, strict=True)
    ]
    return sorted(judged, key=lambda g: (g.p_value, -g.auc.low))


def _monotone_ratio(s: Floats, truth: Bools) -> Callable[[Floats], Floats]:
    """Return the step function, score -> likelihood ratio, fitted to these records."""
    from scipy.optimize import isotonic_regression

    levels, where, counts = np.unique(s, return_inverse=True, return_counts=True)
    hits = np.bincount(where, weights=truth)
    starts = isotonic_regression(hits / counts, weights=counts).blocks[:-1]
    size, hits = np.add.reduceat(counts, starts), np.add.reduceat(hits, starts)
    share = float(truth.mean())
    chance = (hits + PSEUDO_RECORDS * share) / (size + PSEUDO_RECORDS)
    chance = isotonic_regression(chance, weights=size).x  # small steps were pulled in most: in order again
    ratio: Floats = chance / (1 - chance) * (1 - share) / share
    return lambda x: ratio[np.maximum(np.searchsorted(levels[starts], x, side="right") - 1, 0)]


def _large_enough(where: NDArray[np.int64], truth: Bools, smallest: int) -> Bools:
    """Return which groups have enough members and non-members, and leave enough to the rest."""
    size = int(where.max()) + 1
    enough = np.ones(size, dtype=np.bool_)
    for side in (truth, ~truth):
        inside = np.bincount(where[side], minlength=size)
        enough &= (inside >= smallest) & (inside.sum() - inside >= smallest)
    return enough


def _p_value_higher(group: Estimate, rest: Estimate) -> float:
    """Return the one-sided p-value of "the group's figure is no higher than the rest's".

    The half-widths that face each other serve as standard errors, which stays sound near 0 and 1.
    """
    from scipy.special import ndtr, ndtri

    z = -ndtri((1 - group.level) / 2)
    error = float(np.hypot(group.value - group.low, rest.high - rest.value)) / z
    return float(ndtr((rest.value - group.value) / error)) if error > 0 else 1.0


def _holm(p: Floats) -> Floats:
    """Return Holm's corrected p-values: they hold for all hypotheses together."""
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1)
    return corrected
