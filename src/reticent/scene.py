"""What an attack is handed, and nothing more.

Candidates are shuffled and carry no truth; the target is capped at the rung granted; the shadow models'
answers, on the same records, come with who trained on what, since the attacker trained them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered
from reticent.data import Records
from reticent.question import Question, Scores
from reticent.secret import Secret
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


@dataclass(frozen=True, eq=False)
class SecretScene:
    """What an attack on a sensitive column is handed: everyone's records without it.

    Attributes:
        target: the model under audit, metered and capped.
        records: (records,) candidates and known non-members together, the column taken out.
        secret: the column and the values it may have.
        known: (records,) position of the value of those whose value the attacker knows, −1 of all others.
        answers: what the target answered to each question, over `records`.
        seed: of everything random that an attack does.
    """

    target: Metered
    records: Records
    secret: Secret
    known: IntArray
    answers: Mapping[Question, Answers] = field(default_factory=dict)
    seed: int = 0

    @property
    def auxiliary(self) -> BoolArray:
        """(records,) True where the attacker knows the value."""
        return np.asarray(self.known >= 0)

    def log_prior(self) -> FloatArray:
        """(values,) log of each value's share among the known ones, none of them nought."""
        counts = np.bincount(self.known[self.auxiliary], minlength=len(self.secret.values)) + 0.5
        shares: FloatArray = np.log(counts / counts.sum())
        return shares


@dataclass(frozen=True, eq=False)
class ClassScene:
    """What an attack that draws the people of each class is handed: the model, and public pictures.

    Attributes:
        target: the model under audit, metered and capped.
        public: (pictures, ...) records that the model never saw, of people of other classes than those drawn.
        classes: (classes,) positions of the classes to draw.
        low, high: the range of a picture's values.
        seed: of everything random that an attack does.
    """

    target: Metered
    public: FloatArray
    classes: IntArray
    low: float
    high: float
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """A fresh generator: the same seed, the same draws."""
        return np.random.default_rng(self.seed)
