"""Defences compose: `a | b` is a, then b, written as it reads."""

from __future__ import annotations

from dataclasses import Field, dataclass, fields
from enum import IntEnum
from typing import Any, ClassVar

from reticent.canary import Canary
from reticent.errors import PlanError
from reticent.fingerprint import fingerprint

LONGEST = 200
"""Characters of an option that are shown."""


class Stage(IntEnum):
    """When a defence acts."""

    DATA = 1
    TRAINING = 2
    ANSWERS = 3

    def __str__(self) -> str:
        return {1: "the data", 2: "the training", 3: "the answers"}[self.value]


class Defence:
    """What all defences share: `|`, and being written as a word with its options.

    Attributes:
        word: what a user writes.
        source: where it comes from.
        stage: when it acts.
        canary: the kind of record that it protects least.
        caveat: what it can't do.
    """

    word: ClassVar[str]
    source: ClassVar[str]
    stage: ClassVar[Stage]
    canary: ClassVar[Canary] = Canary.MISLABELLED
    caveat: ClassVar[str] = ""

    @property
    def parts(self) -> tuple[Defence, ...]:
        """The single defences that it is made of, in order."""
        return (self,)

    def __or__(self, other: Defence) -> Composed:
        if not isinstance(other, Defence):
            return NotImplemented
        return Composed((*self.parts, *other.parts))

    def __str__(self) -> str:
        shown = [f"{f.name}={_shown(getattr(self, f.name))}" for f in _options(self)]
        return f"{self.word}({', '.join(shown)})"


@dataclass(frozen=True)
class Composed(Defence):
    """Defences one after another; without any, none.

    Attributes:
        members: the single defences, in order.

    Raises:
        PlanError: one that acts earlier stands after one that acts later.
    """

    members: tuple[Defence, ...] = ()

    def __post_init__(self) -> None:
        for before, after in zip(self.members, self.members[1:], strict=False):
            if after.stage < before.stage:
                raise PlanError(
                    f"{before.word} works on {before.stage} and {after.word} on {after.stage}, which come "
                    f"first; write {after} | {before}"
                )

    @property
    def parts(self) -> tuple[Defence, ...]:
        """The single defences that it is made of, in order."""
        return self.members

    def __str__(self) -> str:
        return " | ".join(str(part) for part in self.members) or "none()"


def none() -> Composed:
    """No defence: what the others are measured beside."""
    return Composed()


def canary_of(defence: Defence) -> Canary:
    """The kind of record that a defence protects least: twins where a part of it calls for them."""
    kinds = {part.canary for part in defence.parts}
    return Canary.TWINS if Canary.TWINS in kinds else Canary.MISLABELLED


def _shown(value: object) -> str:
    """A value as it is written; of a long one, such as what every column may hold, a name for its content."""
    written = repr(value)
    return written if len(written) <= LONGEST else f"<{fingerprint(value)[:8]}>"


def _options(defence: Any) -> list[Field[Any]]:
    """The fields that are set to something else than their default."""
    return [f for f in fields(defence) if getattr(defence, f.name) != f.default]
