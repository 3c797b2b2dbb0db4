"""What an attack found: the guess against the truth, with interval, baseline and cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Figure, Withheld, clopper_pearson
from reticent.measure.guesses import gain, gain_difference
from reticent.measure.roc import Roc


class Threat(Enum):
    """What is given away."""

    MEMBERSHIP = "membership inference"
    ATTRIBUTE = "attribute inference"
    PROPERTY = "property inference"
    RECONSTRUCTION = "reconstruction"
    EXTRACTION = "model extraction"
    MEMORISATION = "memorised data"

    @property
    def survey(self) -> str:
        """Which of the four kinds of Rigaki & Garcia (2023, arXiv:2007.07646) it is."""
        four = (Threat.MEMBERSHIP, Threat.PROPERTY, Threat.EXTRACTION)
        return self.value if self in four else "reconstruction"

    @property
    def nist(self) -> str:
        """Its name in NIST AI 100-2 E2025, section 2.4 (2.4.1 counts attributes as data to reconstruct)."""
        return {"reconstruction": "data reconstruction"}.get(self.survey, self.survey)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an attack took.

    Attributes:
        queries: records that the target was asked, beyond what other attacks had asked already.
        trainings: shadow or reference models it compares with.
        seconds: wall time of the attack itself, its share of training and asking aside.
    """

    queries: int = 0
    trainings: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Evidence:
    """An attack's guesses beside the truth: figures are derived from it, never stored instead of it.

    Attributes:
        scores: (records,) higher means member.
        members: (records,) the truth.
    """

    scores: FloatArray
    members: BoolArray


SUREST = 100
"""People whom an attacker is surest of, and who are looked at by themselves."""

FEWEST_GUESSED = 30
"""Records on a side below which a share of right guesses is withheld."""


@dataclass(frozen=True, eq=False)
class Guesses:
    """Guesses of a secret value, beside the truth and beside those of someone who never sees the model.

    Attributes:
        scores: (records, values) higher means that the record more likely has the value.
        control: (records, values) the same by imputation from the rest of the record.
        truth: (records,) position of the value that each has.
        members: (records,) whether the model was trained on the record.
        places: (records,) its position among the candidates: those without a known value are left out.
    """

    scores: FloatArray
    control: FloatArray
    truth: IntArray
    members: BoolArray
    places: IntArray

    @property
    def right(self) -> BoolArray:
        """(records,) where the likeliest value is the true one."""
        return np.asarray(self.scores.argmax(axis=1) == self.truth)

    @property
    def control_right(self) -> BoolArray:
        """(records,) where imputation guesses rightly."""
        return np.asarray(self.control.argmax(axis=1) == self.truth)

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name.

        Args:
            name: "right" or "imputed", the share guessed rightly by the attack or without the model; "gain",
                the first less the second; each of members, or "... outside" of the others; "leak", the gain
                on members less that on others; "surest" and "surest imputed", the shares of the hundred
                members whom the attack is surest of.

        Raises:
            ValueError: no figure has that name.
        """
        inside, outside = self.members, ~self.members
        if min(inside.sum(), outside.sum()) < FEWEST_GUESSED:
            return Withheld(f"fewer than {FEWEST_GUESSED} members or others have a known value")
        kind = name.removesuffix(" outside")
        where = outside if name != kind else inside
        if kind in ("right", "imputed"):
            return _share((self.right if kind == "right" else self.control_right)[where], level)
        if kind == "gain":
            return gain(self.right[where], self.control_right[where], level)
        if name == "leak":
            within, without = ((self.right[side], self.control_right[side]) for side in (inside, outside))
            return gain_difference(within, without, level)
        if name in ("surest", "surest imputed"):
            return _share((self.right if name == "surest" else self.control_right)[self.surest], level)
        raise ValueError(f"no figure is called {name!r}")

    @property
    def ahead(self) -> FloatArray:
        """(records,) how far the best value's score lies above the next one's: how sure the attack is."""
        best = np.sort(self.scores, axis=1)
        return np.asarray(best[:, -1] - best[:, -2])

    @property
    def surest(self) -> IntArray:
        """(up to 100,) the members whom the attack is surest of."""
        order = np.argsort(np.where(self.members, -self.ahead, np.inf), kind="stable")
        return order[: min(SUREST, int(self.members.sum()))]


def _share(right: BoolArray, level: float) -> Figure:
    return clopper_pearson(int(right.sum()), len(right), level)


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """One attack's result.

    Attributes:
        attack: its name in the catalogue.
        outcome: "measured", "refused" (known before anything was computed) or "failed".
        reason: why it was refused or how it failed; empty where measured.
        access: the rung that it used.
        secret: the sensitive column that was guessed; empty for membership.
        evidence: per-record guesses and truth, where measured.
        baseline: the same curve for the attacker who never sees the model, where measured.
        subject: what a row of the evidence is: a record, or a person with several.
        about, source, caveat: what the attack is, where it comes from and what it can't do.
    """

    attack: str
    threat: Threat
    access: Access
    outcome: Literal["measured", "refused", "failed"]
    reason: str = ""
    secret: str = ""
    evidence: Evidence | Guesses | Exhibit | None = None
    baseline: Roc | None = None
    cost: Cost = field(default_factory=Cost)
    subject: Literal["record", "person"] = "record"
    about: str = ""
    source: str = ""
    caveat: str = ""

    @property
    def title(self) -> str:
        """The attack, and what it guesses where that is a column."""
        return f"{self.attack} on {self.secret}" if self.secret else self.attack

    @property
    def guesses(self) -> Guesses:
        """The guesses of a column.

        Raises:
            LookupError: nothing was measured, or membership was guessed.
        """
        if self.evidence is None:
            raise LookupError(f"{self.title} was {self.outcome}: {self.reason}")
        if not isinstance(self.evidence, Guesses):
            raise LookupError(f"{self.attack} guesses no column")
        return self.evidence

    @property
    def exhibit(self) -> Exhibit:
        """What was found, as figures beside their controls.

        Raises:
            LookupError: nothing was measured, or what was is membership or a column.
        """
        if self.evidence is None:
            raise LookupError(f"{self.title} was {self.outcome}: {self.reason}")
        if not isinstance(self.evidence, Exhibit):
            raise LookupError(f"{self.title} guesses membership or a column")
        return self.evidence

    @property
    def membership(self) -> Evidence:
        """The guesses of who is a member.

        Raises:
            LookupError: nothing was measured, or something else was guessed.
        """
        if self.evidence is None:
            raise LookupError(f"{self.attack} was {self.outcome}: {self.reason}")
        if not isinstance(self.evidence, Evidence):
            raise LookupError(f"{self.title} says nothing of membership")
        return self.evidence

    @property
    def roc(self) -> Roc:
        """The ROC curve of the guesses.

        Raises:
            LookupError: nothing was measured.
        """
        if "_roc" not in self.__dict__:
            told = self.membership
            object.__setattr__(self, "_roc", Roc.of(told.scores, told.members))
        roc: Roc = self.__dict__["_roc"]
        return roc

    def figure(self, name: str, *, attacks: int = 1) -> Figure:
        """A figure by its name, as thresholds and tables write it.

        Args:
            name: "auc", "advantage", "balanced accuracy" or "tpr@P%" (true positives at P % false positives);
                for a secret value those of `Guesses.figure`, for what has its own evidence those of that.
            attacks: how many attacks the figure will be picked from as the worst; its interval is widened
                (Bonferroni) to hold for all of them together.

        Raises:
            LookupError: nothing was measured.
            ValueError: no figure has that name.
        """
        if self.evidence is None:
            raise LookupError(f"{self.attack} was {self.outcome}: {self.reason}")
        level = 1 - 0.05 / attacks
        if not isinstance(self.evidence, Evidence):
            return self.evidence.figure(name, level=level)
        if name == "auc":
            return self.roc.auc(level=level)
        if name == "advantage":
            return self.roc.advantage(level=level)
        if name == "balanced accuracy":
            return self.roc.balanced_accuracy(level=level)
        if name.startswith("tpr@") and name.endswith("%"):
            return self.roc.tpr_at(float(name[4:-1]) / 100, level=level)
        raise ValueError(f"no figure is called {name!r}")

    def ranks(self) -> FloatArray:
        """(records,) share of the non-members that each record's score exceeds."""
        told = self.membership
        outside = np.sort(told.scores[~told.members])
        below: FloatArray = np.searchsorted(outside, told.scores) / len(outside)
        return below
