"""What an attack is handed, and nothing more.

Candidates are shuffled and carry no truth; the target is capped at the rung granted; the shadow models'
answers, on the same records, come with who trained on what, since the attacker trained them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reticent.access import Access, BoolArray, IntArray, Metered
from reticent.data import Records
from reticent.question import Question, Scores
from reticent.shadows.signals import Answers, Signals


@dataclass(frozen=True, eq=False)
class Scene:
    """One audit's stage.

    Attributes:
        target: the model under audit, metered and capped.
        records: (records,) candidates and known non-members together.
        known: (records,) True where the attacker knows that the record is a non-member (the population).
        answers: what the target answered to each question, over `records`.
        signals: what the shadow models answered to each question, over `records`.
        seed: of everything random that an attack does.
    """

    target: Metered
    records: Records
    known: BoolArray
    answers: Mapping[Question, Answers] = field(default_factory=dict)
    signals: Mapping[Question, Signals] = field(default_factory=dict)
    seed: int = 0

    @property
    def access(self) -> Access:
        """The rung granted."""
        return self.target.access

    @property
    def candidates(self) -> IntArray:
        """Positions of the records whose membership is in question."""
        return np.flatnonzero(~self.known)

    @property
    def population(self) -> Records:
        """The known non-members."""
        return self.records.take(self.known)

    def target_answers(self, question: Question | None = None) -> Answers:
        """The target's answers (1, records, variants, channels)."""
        return self.answers[question or Scores()]

    def shadow_signals(self, question: Question | None = None) -> Signals:
        """The shadow models' answers (models, records, variants, channels)."""
        return self.signals[question or Scores()]

    def rng(self) -> np.random.Generator:
        """A fresh generator: the same seed, the same draws, whichever attack ran before."""
        return np.random.default_rng(self.seed)
