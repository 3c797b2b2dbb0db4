"""What an attack said of the same records in every model, and its figures.

A point and the resamples of its interval are of plain arrays, scores and truth, models and records together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.errors import PlanError
from reticent.measure.estimate import Figure, Withheld, bootstrap_models_and_records

ROUNDS = 200
"""Resamples of an interval."""


@dataclass(frozen=True, eq=False)
class Told:
    """What one attack said of the same records in every model.

    Attributes:
        attack: its name.
        scores: (models, records) higher for a member.
        members: (models, records) the truth.
    """

    attack: str
    scores: FloatArray
    members: BoolArray
    _figures: dict[tuple[str, float], Figure] = field(default_factory=dict, init=False, repr=False)

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """Return "auc", "advantage", "balanced accuracy" or "tpr@P%", by bootstrap over models and
        records."""
        if (name, level) not in self._figures:
            self._figures[name, level] = self._bootstrapped(name, level)
        return self._figures[name, level]

    def point(self, name: str) -> float | None:
        """The same without an interval; None where it is withheld."""
        statistic, _ = _statistic(name, int((~self.members).sum()))
        return statistic(self.scores, self.members) if statistic else None

    def _bootstrapped(self, name: str, level: float) -> Figure:
        statistic, reason = _statistic(name, int((~self.members).sum()))
        if statistic is None:
            return Withheld(reason)
        return bootstrap_models_and_records(
            statistic,
            self.scores.astype(np.float64),
            self.members,
            rounds=ROUNDS,
            level=level,
            bounds=(0.0, 1.0),
        )


def tpr_at(rate: float) -> Callable[[FloatArray, BoolArray], float]:
    """The share of members above every threshold that at most `rate` of the others exceed."""

    def statistic(scores: FloatArray, members: BoolArray) -> float:
        others = np.sort(scores[~members])
        above = int(rate * len(others))
        return float((scores[members] > others[len(others) - 1 - above]).mean())

    return statistic


def auc(scores: FloatArray, members: BoolArray) -> float:
    """The chance that a member outscores another record, ties one half."""
    from scipy.stats import rankdata

    flat, truth = scores.ravel(), members.ravel()
    ranks = rankdata(flat)[truth]
    inside, outside = int(truth.sum()), int((~truth).sum())
    return float((ranks.sum() - inside * (inside + 1) / 2) / (inside * outside))


def advantage(scores: FloatArray, members: BoolArray) -> float:
    """The largest difference of true and false positive rates over all thresholds."""
    inside, outside = np.sort(scores[members]), np.sort(scores[~members])
    at = np.unique(scores)
    below = np.searchsorted(inside, at) / len(inside), np.searchsorted(outside, at) / len(outside)
    return float(np.max(below[1] - below[0], initial=0.0))


def _statistic(name: str, others: int) -> tuple[Callable[[FloatArray, BoolArray], float] | None, str]:
    """The figure of that name, or None and why so few `others` (answers about non-members) do not show it."""
    if name == "auc":
        return auc, ""
    if name == "advantage":
        return advantage, ""
    if name == "balanced accuracy":
        return lambda s, m: (1 + advantage(s, m)) / 2, ""
    if name.startswith("tpr@"):
        rate = float(name[4:-1]) / 100
        if rate * others < 1:
            return (
                None,
                f"{others:,} answers of models that did not see the canary resolve no rate of {name[4:]}",
            )
        return tpr_at(rate), ""
    raise PlanError(f"there is no figure {name!r}; known: auc, advantage, balanced accuracy, tpr@P%")
