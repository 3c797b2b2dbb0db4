"""A threshold for each class, set on shadow models: classes differ in how hard they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.metrics import Metric
from reticent.errors import PlanError
from reticent.shadows.signals import Answers, Signals


@dataclass(frozen=True, kw_only=True)
class PerClass(SignalsAttack):
    """Metric with a threshold a class, set on shadow models (Song & Mittal 2021, arXiv:2003.10595).

    The score is the metric less its class's threshold: above 0 the record is called a member.

    Attributes:
        metric: what is read off one answer.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Song & Mittal 2021, arXiv:2003.10595, section 3.1"
    shadows: ClassVar[bool] = True
    caveat: ClassVar[str] = "tells classes apart, not records: hard records still look like non-members"

    metric: Metric = Metric.MODIFIED_ENTROPY

    def __post_init__(self) -> None:
        try:  # a plan file names it by its word
            object.__setattr__(self, "metric", Metric(self.metric))
        except ValueError as error:
            raise PlanError(
                f"metric = {self.metric!r} was given; choose one of {', '.join(map(str, Metric))}"
            ) from error

    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return metric − threshold of the record's class, shape (records,)."""
        return self.against(target, shadows)

    def against(self, target: Answers, shadows: Signals) -> FloatArray:
        """The same where the shadow models were asked about records of their own."""
        scores = self.metric.of(np.asarray(target.values[0, :, 0]), target.labels)
        theirs = np.stack([self.metric.of(np.asarray(v[:, 0]), shadows.labels) for v in shadows.values])
        for label in np.unique(target.labels):
            of_class = shadows.labels == label
            if of_class.any():
                inside = shadows.members[:, of_class]
                scores[target.labels == label] -= best_threshold(theirs[:, of_class].ravel(), inside.ravel())
        return scores


def best_threshold(values: FloatArray, members: BoolArray) -> float:
    """The value from which on "member" has the best balanced accuracy; the highest of several.

    Of values (n,) and the truth (n,). Where one side is empty nothing can be learnt: the median.
    """
    if members.all() or not members.any():
        return float(np.median(values))
    order = np.argsort(values, kind="stable")
    ordered, inside = values[order], members[order]
    kept = 1 - (np.cumsum(inside) - inside) / inside.sum()  # members at or above each value
    gone = (np.cumsum(~inside) - ~inside) / (~inside).sum()  # non-members below it
    first = np.append(True, ordered[1:] != ordered[:-1])  # no threshold parts equal values
    accuracy = np.where(first, kept + gone, -1.0)
    return float(ordered[np.flatnonzero(accuracy >= accuracy.max() - 1e-12)[-1]])
