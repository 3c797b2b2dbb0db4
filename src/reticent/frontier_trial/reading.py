"""What attacks make of the answers of models behind a defence, each model judged by means of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.membership import Lira, Rmia
from reticent.frontier_trial.asked import Questions
from reticent.frontier_trial.layout import FrontierPlan
from reticent.question import Question
from reticent.shadows.signals import Answers, Signals
from reticent.told import Told

ATTACKS: tuple[SignalsAttack, ...] = (
    Lira(variance="global"),
    Lira(variance="per-record"),
    Lira(variance="global", statistic="hinge"),
    Rmia(temperature=2.0),
)
"""What reads answers; each is told what the other shadow models say, through the defence."""


@dataclass(frozen=True, eq=False)
class Read:
    """What the answers of models behind one defence tell; each part as in `pareto.Row`."""

    right: BoolArray
    canaries: tuple[Told, ...]
    clean: tuple[Told, ...]


def read(asked: Questions, signals: Mapping[Question, Signals], plan: FrontierPlan) -> Read:
    """Attack each model by means of the others, on everything that was asked."""
    labels = signals[asked.labels]
    tested = labels.values if asked.scores is not None else labels.values[:, plan.last :]
    told: list[Told] = []
    clean: tuple[Told, ...] = ()
    if asked.scores is not None:
        scores = signals[asked.scores]
        told += _told(scores.part(plan.one_of_each), ATTACKS, "")
        ordinary = scores.part(slice(0, plan.ordinary))
        loss = Told("loss", ordinary.log_confidence()[:, :, 0], np.asarray(ordinary.members))
        clean = (*_told(ordinary, (ATTACKS[0], ATTACKS[2]), ""), loss)
    for question, attacks, how in (
        (asked.scores_of_copies, ATTACKS[:1], " on copies"),
        (asked.labels_of_copies, (ATTACKS[0], ATTACKS[3]), " on labels"),
        (asked.again, (ATTACKS[0], ATTACKS[3]), " asked again"),
    ):
        if question is not None:
            told += _told(signals[question], attacks, how)
    return Read(np.asarray(tested[:, :, 0, 0] > 0.5), tuple(told), clean)


def _told(signals: Signals, attacks: Sequence[SignalsAttack], how: str) -> list[Told]:
    """What attacks say of the same records in every model, each model judged by means of the others."""
    known = np.zeros(signals.records, dtype=bool)
    whole = Signals(np.asarray(signals.values), signals.labels, np.asarray(signals.members))
    each = [whole.leave_one_out(model) for model in range(whole.models)]

    def scores(read: Callable[[Answers, Signals, BoolArray], FloatArray]) -> FloatArray:
        return np.stack([read(target, others, known) for target, others in each])

    return [Told(f"{_called(a)}{how}", scores(a.score), whole.members) for a in attacks]


def _called(attack: SignalsAttack) -> str:
    """The attack, and the option that tells it from its like."""
    if not isinstance(attack, Lira):
        return attack.name
    if attack.statistic == "hinge":
        return "lira (hinge)"
    return "lira" if attack.variance == "global" else "lira (own variance)"
