"""Choosing among ways to score by trying them on shadow models, each taken as the target in turn.

Of a shadow model the attacker knows who it trained on, so the choice uses no truth about the target.

Where each record is in exactly half of the models, leaving one model out leaves one model fewer on the side
where it was, and a way to score might live on that count. So models are held out by twos: one is the target,
both are missing from its shadows, and only records on which exactly one of the two trained are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.measure.roc import Roc
from reticent.shadows.signals import Answers, Signals

TARGETS = 4
"""How many shadow models are taken as the target, one after another."""

RECORDS = 10_000
"""How many records the ways are tried on, at most; evenly spaced."""

FALSE_POSITIVE_RATES = np.geomspace(0.001, 0.1, 21)
"""Ways are compared by their mean true positive rate at these."""


def best_way(shadows: Signals, scores: Callable[[Answers, Signals], Iterable[FloatArray]]) -> int:
    """Position of the way whose scores part members best at low false positive rates.

    Args:
        scores: (records,) scores of a target by each of the ways, given its shadow models.

    Returns:
        The first of equals; 0 where there are too few shadow models to try (fewer than four).
    """
    power: list[list[float]] = []
    if shadows.models >= 4:
        for model in range(min(TARGETS, shadows.models)):
            held = (model, (model + 1) % shadows.models)
            tried = shadows.part(_evenly(shadows.members[held[0]] ^ shadows.members[held[1]]))
            members = tried.members[model]
            if members.any() and not members.all():
                rest = np.setdiff1d(np.arange(shadows.models), held)
                target = Answers(tried.values[model : model + 1], tried.labels)
                others = Signals(tried.values[rest], tried.labels, tried.members[rest])
                power.append([_power(s, members) for s in scores(target, others)])
    return int(np.mean(power, axis=0).argmax()) if power else 0


def _evenly(marked: BoolArray) -> IntArray:
    """Positions of the records marked, no more than `RECORDS`."""
    found = np.flatnonzero(marked)
    return found[:: -(-len(found) // RECORDS) or 1]


def _power(scores: FloatArray, members: BoolArray) -> float:
    roc = Roc.of(scores, members)
    last = np.searchsorted(roc.fpr, FALSE_POSITIVE_RATES, side="right") - 1
    return float(roc.tpr[last].mean())
