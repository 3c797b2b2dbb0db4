"""What an attack found: the guess against the truth, with interval, baseline and cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.measure.estimate import Figure
from reticent.measure.roc import Roc


class Threat(Enum):
    """What is given away, in the words of NIST AI 100-2 E2025 and Rigaki & Garcia's four kinds."""

    MEMBERSHIP = "membership inference"
    ATTRIBUTE = "attribute inference"
    PROPERTY = "property inference"
    RECONSTRUCTION = "reconstruction"
    EXTRACTION = "model extraction"
    MEMORISATION = "memorised data"


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


@dataclass(frozen=True, kw_only=True, eq=False)
class Finding:
    """One attack's result.

    Attributes:
        attack: its name in the catalogue.
        outcome: "measured", "refused" (known before anything was computed) or "failed".
        reason: why it was refused or how it failed; empty where measured.
        access: the rung that it used.
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
    evidence: Evidence | None = None
    baseline: Roc | None = None
    cost: Cost = field(default_factory=Cost)
    subject: Literal["record", "person"] = "record"
    about: str = ""
    source: str = ""
    caveat: str = ""

    @property
    def roc(self) -> Roc:
        """The ROC curve of the guesses.

        Raises:
            LookupError: nothing was measured.
        """
        if self.evidence is None:
            raise LookupError(f"{self.attack} was {self.outcome}: {self.reason}")
        if "_roc" not in self.__dict__:
            object.__setattr__(self, "_roc", Roc.of(self.evidence.scores, self.evidence.members))
        roc: Roc = self.__dict__["_roc"]
        return roc

    def figure(self, name: str, *, attacks: int = 1) -> Figure:
        """A figure by its name, as thresholds and tables write it.

        Args:
            name: "auc", "advantage", "balanced accuracy" or "tpr@P%" (true positives at P % false positives).
            attacks: how many attacks the figure will be picked from as the worst; its interval is widened
                (Bonferroni) to hold for all of them together.

        Raises:
            LookupError: nothing was measured.
            ValueError: no figure has that name.
        """
        level = 1 - 0.05 / attacks
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
        if self.evidence is None:
            raise LookupError(f"{self.attack} was {self.outcome}: {self.reason}")
        outside = np.sort(self.evidence.scores[~self.evidence.members])
        below: FloatArray = np.searchsorted(outside, self.evidence.scores) / len(outside)
        return below
