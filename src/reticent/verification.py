"""What a trial of a claim found."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from reticent.access import BoolArray, FloatArray
from reticent.claim import Claim, Sight
from reticent.measure.epsilon import EpsilonBound

SLACK = 1.01
"""By how much two accountants may differ over the same steps before their difference is one of claims."""


class Outcome(Enum):
    """How a trial ends."""

    VIOLATED = "violated"
    """The claim can't be true."""

    NOT_REFUTED = "not refuted"
    """The trial could have refuted it, and did not: which does not make it true."""

    NO_POWER = "no power"
    """The trial could not have refuted it, and says nothing."""


@dataclass(frozen=True)
class RecordTried:
    """How well runs were told apart, against what the recorded steps allow.

    Attributes:
        chance: how often at most a training of those steps would let its runs be told so well.
        error: at or below which chance that is too rare: the record is refuted.
        by: the reading.
    """

    chance: float
    error: float
    by: str

    @property
    def refuted(self) -> bool:
        """Whether those steps were not taken."""
        return self.chance <= self.error


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What a trial of a training's claim found.

    Attributes:
        claim: what was claimed.
        bound: the better of the two lower bounds on epsilon; both hold together at 95 %.
        many_runs, one_run: by trainings with one outlier or without, and by one training with many; None
            where it was not held.
        gaussian: the bound of the many runs if the mechanism is Gaussian: how tight they are, no refutation.
        accounted: epsilon of the recorded steps, by the accountant; None where they were not recorded.
        recorded: those steps in words.
        record: whether the runs refute that those steps were taken; None where they were not recorded.
        sight: how much of the trainings was seen.
        reading: what the many runs were told by.
        strength: what the outlier was seen to add over what the recorded steps let it add; None where
            unknown.
        trainings: how many models were trained.
        reach: the largest bound that so many runs can show.
        silence: why the trial has no power; None where it has.
        remarks: what else the reader should know.
        scores, included: (runs,) what the coins of the test were told by, and those coins.
    """

    claim: Claim
    bound: EpsilonBound
    many_runs: EpsilonBound | None
    one_run: EpsilonBound | None
    gaussian: EpsilonBound | None
    accounted: float | None
    recorded: str
    record: RecordTried | None
    sight: Sight
    reading: str
    strength: float | None
    trainings: int
    reach: float
    silence: str | None
    remarks: tuple[str, ...] = ()
    scores: FloatArray = field(repr=False, compare=False)
    included: BoolArray = field(repr=False, compare=False)

    @property
    def measured(self) -> bool:
        """Whether runs refute the claim, or the steps on which it rests."""
        refuted = self.record is not None and self.record.refuted
        return self.bound.value > self.claim.epsilon or refuted

    @property
    def reckoned(self) -> bool:
        """Whether the recorded steps, taken at their word, cost more than is claimed."""
        return self.accounted is not None and self.accounted > SLACK * self.claim.epsilon

    @property
    def outcome(self) -> Outcome:
        """How it ends. What refutes counts even where the trial is weak in general."""
        if self.measured or self.reckoned:
            return Outcome.VIOLATED
        return Outcome.NO_POWER if self.silence is not None else Outcome.NOT_REFUTED

    @property
    def sentence(self) -> str:
        """The outcome in a sentence or two."""
        by = f"{self.bound.value:.2f} at delta {self.claim.delta:g}"
        if self.bound.value > self.claim.epsilon:
            said = f"The claim of {self.claim} is violated with 95 % confidence: epsilon is at least {by}."
        elif self.measured:
            said = (
                f"The claim of {self.claim} is violated with 95 % confidence: it rests on the recorded "
                f"steps, and no training of those steps ({self.recorded}) lets its records be told so well."
            )
        elif self.reckoned:
            said = (
                f"The claim of {self.claim} is violated by the training's own record: {self.recorded} cost "
                f"epsilon {self.accounted:.2f}."
            )
        elif self.silence is not None:
            return f"No power: {self.silence}. Nothing is said for the claim of {self.claim}."
        else:
            return (
                f"The claim of {self.claim} is not refuted: epsilon is at least {by}, with 95 % confidence; "
                "it may be larger."
            )
        if self.measured and self.reckoned:
            said += f" The recorded steps say so too: they cost epsilon {self.accounted:.2f}."
        return said

    @property
    def details(self) -> tuple[str, ...]:
        """Further lines: what each part found."""
        lines = [f"{self.trainings:,} trainings, of which was seen: {self.sight}."]
        if self.many_runs is not None and self.gaussian is not None:
            lines.append(
                f"Many runs, told by the {self.reading}: {self.many_runs}; so many can show at most "
                f"{self.reach:.2f}. If the mechanism is Gaussian: {self.gaussian}."
            )
        if self.one_run is not None:
            lines.append(f"One run with {self.one_run.n:,} outliers: {self.one_run}.")
        if self.accounted is not None:
            lines.append(f"Recorded: {self.recorded}; by the accountant epsilon {self.accounted:.2f}.")
        if self.record is not None:
            lines.append(
                f"Such steps let runs be told as well by the {self.record.by} with a chance of at most "
                f"{self.record.chance:.2g}."
            )
        return (*lines, *self.remarks)
