"""What a user will not accept, and whether it was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from reticent.errors import PlanError
from reticent.finding import Finding
from reticent.measure.estimate import Estimate, Withheld

_FORM = re.compile(
    r"(?P<figure>auc|advantage|balanced accuracy|leak|tpr@\d+(?:\.\d+)?%)"
    r"\s*(?P<edge>low)?\s*>\s*(?P<limit>\d*\.?\d+)"
)


@dataclass(frozen=True)
class Threshold:
    """The most that a figure may be, written "tpr@0.1%>0.01": fail if it is more.

    Attributes:
        figure: "auc", "advantage", "balanced accuracy" or "tpr@P%"; "leak" of the sensitive columns.
        limit: fail above it.
        edge: "value" compares the figure itself, "low" the lower end of its interval
            ("tpr@0.1% low>0.01"): fail only on what is sure.
    """

    figure: str
    limit: float
    edge: Literal["value", "low"] = "value"

    @classmethod
    def parse(cls, text: str) -> Threshold:
        """Read "FIGURE>LIMIT" or "FIGURE low>LIMIT".

        Raises:
            PlanError: it does not read, or the limit is no share.
        """
        match = _FORM.fullmatch(text.strip().lower())
        if match is None or not 0 <= float(match["limit"]) <= 1 or not _resolvable(match["figure"]):
            raise PlanError(
                f"the threshold {text!r} does not read; write a figure (auc, advantage, balanced accuracy, "
                "leak, tpr@0.1%), optionally 'low', then '>' and a share from 0 to 1, as in 'tpr@0.1%>0.01'"
            )
        return cls(match["figure"], float(match["limit"]), "low" if match["edge"] else "value")

    def __str__(self) -> str:
        limit = np.format_float_positional(self.limit, trim="-")  # every digit, and never an exponent
        return f"{self.figure}{' low' if self.edge == 'low' else ''}>{limit}"


def _resolvable(figure: str) -> bool:
    """Whether a "tpr@P%" has a P over 0 and under 100; other figures have none."""
    return not figure.startswith("tpr@") or 0 < float(figure[4:-1]) < 100


def read_thresholds(text: str) -> tuple[Threshold, ...]:
    """Read one or several thresholds, separated by commas.

    Raises:
        PlanError: one of them does not read.
    """
    return tuple(Threshold.parse(part) for part in text.split(","))


def default_thresholds(nonmembers: int, *, secrets: bool = False) -> tuple[Threshold, ...]:
    """What holds where a user asks for nothing: few surely named, and not many better than guessed.

    Either alone gives a false all-clear. A tree that knows its records by heart answers with ties, so
    that nobody is named at a low false-positive rate; a model may name a few surely and hide all others.
    Where there are sensitive columns (`secrets`), a leak of five points is the limit.
    """
    membership = dict.fromkeys((default_threshold(nonmembers), Threshold("auc", 0.6)))
    return (*membership, *((Threshold("leak", 0.05),) if secrets else ()))


def default_threshold(nonmembers: int) -> Threshold:
    """The strictest common limit that so many non-members can resolve.

    Ten members named for each non-member named wrongly at 0.1 % (five at 1 %) is what a person in the data
    would call being found; the limits are ours, and a user should set their own.
    """
    if nonmembers >= 1_000:
        return Threshold("tpr@0.1%", 0.01)
    if nonmembers >= 100:
        return Threshold("tpr@1%", 0.05)
    return Threshold("auc", 0.6)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The worst figure beside the threshold.

    Attributes:
        threshold: what was asked for.
        state: "exceeded" (the figure is over it), "met" (it is under it), or "unproven" (nothing was
            measured, or the sample is too small for the figure: no all-clear).
        attack: the attack that got furthest; empty where none was measured.
        figure: its figure, with an interval that holds for the worst of all attacks together.
        sure: whether the interval lies wholly on the state's side of the limit.
        spoilt: whether the control that never looks at the model tells the two sides apart.
    """

    threshold: Threshold
    state: Literal["exceeded", "met", "unproven"]
    attack: str
    figure: Estimate | Withheld
    sure: bool
    spoilt: bool

    @property
    def failed(self) -> bool:
        """Whether a gate must close: over the limit, or not shown to be under it."""
        return self.state != "met" or self.spoilt

    @property
    def sentence(self) -> str:
        """The verdict in a sentence that needs no training to read."""
        name = self.threshold.figure.upper() if self.threshold.figure == "auc" else self.threshold.figure
        if isinstance(self.figure, Withheld):
            text = f"No verdict: {name} was withheld ({self.figure.reason})."
        else:
            value = f"{name} {self.figure} by {self.attack}"
            side = {"exceeded": "over", "met": "within", "unproven": "beside"}[self.state]
            text = f"{value}: {'' if self.sure else 'probably '}{side} the limit of {self.threshold.limit:g}."
        if self.spoilt:
            text += (
                " But members and non-members can be told apart without the model, so the figures say little "
                "about it: give non-members from the same source as the members."
            )
        return text


def judge(findings: Sequence[Finding], threshold: Threshold, *, spoilt: bool) -> Verdict:
    """Hold the worst measured figure against the threshold.

    The interval is widened (Bonferroni) for the worst having been picked among so many attacks.
    """
    measured = [f for f in findings if f.outcome == "measured"]
    figures = [(f.title, f.figure(threshold.figure, attacks=len(measured))) for f in measured]
    known = [(attack, figure) for attack, figure in figures if isinstance(figure, Estimate)]
    if not known:
        reason = figures[0][1] if figures else Withheld("no attack could be run")
        return Verdict(
            threshold=threshold, state="unproven", attack="", figure=reason, sure=False, spoilt=spoilt
        )

    def compared(figure: Estimate) -> float:
        return float(figure.low if threshold.edge == "low" else figure.value)

    attack, worst = max(known, key=lambda pair: (compared(pair[1]), pair[1].value))
    over = compared(worst) > threshold.limit
    sure = worst.low > threshold.limit if over else max(f.high for _, f in known) <= threshold.limit
    return Verdict(
        threshold=threshold,
        state="exceeded" if over else "met",
        attack=attack,
        figure=worst,
        sure=sure,
        spoilt=spoilt,
    )


def gravest(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that a reader must see first: a limit exceeded, then one not shown to hold."""
    return min(verdicts, key=lambda v: (("exceeded", "unproven", "met").index(v.state), not v.sure))
