"""What every attack on a property is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, FloatArray
from reticent.attacks.attack import _name, _title
from reticent.finding import Threat
from reticent.question import Question
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class PropertyAttack(ABC):
    """Guesses how many of a model's training records have a property that is not its task.

    It trains models of its own on either share, and compares the victim with them.

    Class attributes:
        needs, source, caveat: as for `MembershipAttack`.
        estimates: whether it gives a share among many; else it tells two worlds apart.
        shadows: whether it compares the victim with models of its own.
    """

    threat: ClassVar[Threat] = Threat.PROPERTY
    needs: ClassVar[Access]
    source: ClassVar[str]
    estimates: ClassVar[bool] = False
    shadows: ClassVar[bool] = True
    population: ClassVar[bool] = True
    costly: ClassVar[bool] = False
    caveat: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        """Its name in the catalogue: the class's words in lower case, joined by hyphens."""
        return _title(cls)

    @property
    def name(self) -> str:
        """Its title, with the options that differ from the defaults."""
        return _name(self)  # type: ignore[arg-type]  # a frozen dataclass with a title, as the others are

    @property
    def poison(self) -> float:
        """Share of everyone's training data that it slips in."""
        return 0.0

    @property
    @abstractmethod
    def questions(self) -> tuple[Question, ...]:
        """What it asks of every victim and of its own models."""

    @abstractmethod
    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return one number for each victim, (victims,).

        Two worlds: a score, above 0 for the second share. Where it `estimates`: the share.
        """
