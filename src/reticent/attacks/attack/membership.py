"""Attacks on membership: a score for each record, higher for a member."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack.named import name_of, title_of
from reticent.finding import Threat
from reticent.question import Question, Scores
from reticent.scene import Scene
from reticent.shadows.signals import Answers, Signals

MANY = 1_000
"""Records over which the answers that an attack needs are spread."""


@dataclass(frozen=True, kw_only=True)
class MembershipAttack(ABC):
    """Says of each record how much it looks like a member.

    Class attributes:
        needs: the lowest rung of access.
        source: paper and place it comes from, for the catalogue.
        shadows: whether it compares the target with shadow models.
        population: whether it needs records known to be non-members.
        costly: whether it asks ten queries a record or more, so that it runs only when named, or where
            nothing but labels is granted.
        caveat: what it can't do, for the reader of a report.
        control: what its figure is set beside.
        defences: what helps against it.
    """

    threat: ClassVar[Threat] = Threat.MEMBERSHIP
    control: ClassVar[str] = "a classifier of the two sides that never sees the model"
    defences: ClassVar[str] = "differential privacy (a bound); regularisation, fewer epochs, more data"
    needs: ClassVar[Access]
    source: ClassVar[str]
    shadows: ClassVar[bool] = False
    population: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    caveat: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        """Its name in the catalogue: the class's words in lower case, joined by hyphens."""
        return title_of(cls)

    @property
    def name(self) -> str:
        """Its title, with the options that differ from the defaults: lira, lira(mode=offline)."""
        return name_of(self.title(), self)

    @classmethod
    def cost(cls) -> str:
        """What it takes with its usual options, for the catalogue."""
        answers = sum(q.queries(MANY) for q in cls().questions) // MANY
        asked = (
            f"{answers:,} answer{'s' if answers > 1 else ''} a record" if answers else "a gradient a record"
        )
        return f"{asked}, here and of every shadow model" if cls.shadows else asked

    @property
    def questions(self) -> tuple[Question, ...]:
        """What it asks of the target, and of every shadow model where it uses them."""
        return (Scores(),)

    @abstractmethod
    def guess(self, scene: Scene) -> FloatArray:
        """Return one score per record of the scene, shape (records,), higher = member.

        Scores of the records that are known to be non-members are not looked at.
        """


@dataclass(frozen=True, kw_only=True)
class SignalsAttack(MembershipAttack):
    """An attack that is a pure function of what models say: no model is asked anything more."""

    def guess(self, scene: Scene) -> FloatArray:
        """Score the target's answers by the shadow models' answers to the same question."""
        (question,) = self.questions
        return self.score(scene.target_answers(question), scene.shadow_signals(question), scene.known)

    @abstractmethod
    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return one score per record, shape (records,), higher = member.

        Args:
            target: (1, records, variants, channels).
            shadows: (models, records, variants, channels) and who trained on what.
            known: (records,) records known to be non-members of the target; may be all False.
        """
