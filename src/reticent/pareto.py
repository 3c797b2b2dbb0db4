"""What defences give and cost, side by side: usefulness against leak, and which to choose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from reticent.access import BoolArray
from reticent.defences.defence import Defence
from reticent.errors import PlanError
from reticent.measure.estimate import Estimate, Figure, Withheld, bootstrap_models_and_records
from reticent.recipe import Guarantee
from reticent.threshold import Threshold
from reticent.told import ROUNDS, Told

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["asked", "baseline", "part", "private"]
"""Why a row is there: it was asked for; nothing is defended; it is a part of what was asked for; it is
private training tuned to be as useful as the other defences."""

DEFAULT_LEAK = "tpr@0.1%"


KEPT = 0.9
"""The share of a leak that is left where a defence is said to have hidden it alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Row:
    """One defence on the frontier.

    Attributes:
        defence: what was done.
        role: why it is there.
        reason: why it was not measured; empty where it was.
        right: (models, test records) True where a model names the class rightly.
        canaries: what each attack said of the canaries; all know of the defence.
        clean: what LiRA on scores, and the loss alone, said of ordinary records.
        guarantee: what the training guarantees, or None.
        seconds: to train one model on one core, sub-models included.
        trainings: models trained for this row alone.
        note: what a reader should know besides.
    """

    defence: Defence
    role: Role = "asked"
    reason: str = ""
    right: BoolArray = field(default_factory=lambda: np.zeros((0, 0), bool), repr=False)
    canaries: tuple[Told, ...] = field(default=(), repr=False)
    clean: tuple[Told, ...] = field(default=(), repr=False)
    guarantee: Guarantee | None = None
    seconds: float = float("nan")
    trainings: int = 0
    note: str = ""

    @property
    def name(self) -> str:
        """The defence in words."""
        return str(self.defence)

    @property
    def measured(self) -> bool:
        """Whether there are figures."""
        return not self.reason

    @cached_property
    def accuracy(self) -> Figure:
        """Share of unseen records named rightly, mean over models."""
        if not self.measured:
            return Withheld(self.reason)
        return bootstrap_models_and_records(
            lambda right, _: float(right.mean()),
            self.right.astype(np.float64),
            self.right,
            rounds=ROUNDS,
            bounds=(0.0, 1.0),
        )

    def leak(self, figure: str = DEFAULT_LEAK) -> tuple[str, Figure]:
        """The attack that gets furthest on the canaries, and its figure.

        The interval is widened (Bonferroni) for the strongest having been picked among so many.
        """
        return self._strongest(self.canaries, figure)

    def on_clean(self, figure: str = DEFAULT_LEAK) -> tuple[str, Figure]:
        """The same of ordinary records, by attacks on scores."""
        return self._strongest(self.clean, figure)

    def _strongest(self, told: Sequence[Told], figure: str) -> tuple[str, Figure]:
        if not self.measured or not told:
            return "", Withheld(self.reason or "nothing was asked that shows it")
        known = [(value, t) for t in told if (value := t.point(figure)) is not None]
        if not known:
            return "", told[0].figure(figure)
        _, best = max(known, key=lambda pair: pair[0])
        return best.attack, best.figure(figure, level=1 - 0.05 / len(told))


@dataclass(frozen=True)
class Choice:
    """The most useful defence within a limit, or none.

    Attributes:
        row: the defence; None where none is within the limit.
        sentence: the outcome in words.
    """

    row: Row | None
    sentence: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """Defences side by side.

    Attributes:
        rows: the undefended model first, then in the order asked for, parts and the private row last.
        models: shadow models a row.
        records: (ordinary records, canaries, test records, reference records).
        classes: how many.
    """

    rows: tuple[Row, ...]
    models: int
    records: tuple[int, int, int, int]
    classes: int

    def __getitem__(self, defence: str | Defence) -> Row:
        """The row of a defence, as it is written.

        Raises:
            PlanError: no such defence is on the frontier.
        """
        for row in self.rows:
            if str(defence) == row.name:
                return row
        known = ", ".join(row.name for row in self.rows)
        raise PlanError(f"no defence {str(defence)!r} is on this frontier; those that are: {known}")

    @property
    def measured(self) -> tuple[Row, ...]:
        """Rows with figures."""
        return tuple(row for row in self.rows if row.measured)

    @property
    def undefended(self) -> Row:
        """The row without any defence."""
        return next(row for row in self.rows if row.role == "baseline")

    @property
    def figure(self) -> str:
        """The leak that is shown: at the lowest false positive rate, down to 0.1 %, that canaries resolve."""
        for name in ("tpr@0.1%", "tpr@1%"):
            if any(isinstance(row.leak(name)[1], Estimate) for row in self.measured):
                return name
        return "auc"

    def best(self, max_leak: str) -> Choice:
        """The most useful defence whose leak on the canaries is within a limit, such as "tpr@0.1% < 0.005".

        "tpr@0.1% high < 0.005" asks that the upper end of the interval be within it too. A row that stands
        there for comparison (no defence, a part) may be chosen as well.

        Raises:
            PlanError: the limit does not read.
        """
        limit, surely = read_limit(max_leak)
        found: list[tuple[float, Row, Estimate]] = []
        for row in self.measured:
            _, leak = row.leak(limit.figure)
            if not isinstance(leak, Estimate) or not isinstance(row.accuracy, Estimate):
                continue
            if (leak.high if surely else leak.value) <= limit.limit:
                found.append((row.accuracy.value, row, leak))
        if not found:
            least = self._least(limit.figure)
            return Choice(None, f"None of {len(self.rows)} defences leaks as little as {max_leak}{least}.")
        _, row, leak = max(found, key=lambda f: (f[0], -f[2].value))
        sure = "" if leak.high <= limit.limit else " (probably: the interval reaches over the limit)"
        right = row.accuracy
        return Choice(row, f"{row.name}: accuracy {right}, {limit.figure} {leak}, within {max_leak}{sure}.")

    def dominated(self, row: Row, figure: str | None = None) -> bool:
        """Whether some other row is as useful and leaks less, or leaks no more and is more useful."""
        figure = figure or self.figure
        mine = self._place(row, figure)
        places = [self._place(other, figure) for other in self.measured if other is not row]
        return mine is not None and any(
            p is not None and p != mine and p[0] >= mine[0] and p[1] <= mine[1] for p in places
        )

    def hides(self, row: Row) -> bool:
        """Whether its leak falls only by attacks that do not adapt to it.

        By the loss alone, as is often reported, ordinary records are told less surely than without any
        defence (intervals apart), or not at all for want of scores; and the strongest attack on canaries
        keeps nine tenths of what it finds without the defence, by AUC and by the figure that is shown.
        """
        if not row.measured or row.role == "baseline" or not self.undefended.clean:
            return False
        before = _told(self.undefended.clean, "loss", "auc")
        naive = _told(row.clean, "loss", "auc")
        if isinstance(naive, Estimate) and isinstance(before, Estimate) and naive.high >= before.low:
            return False
        return all(self._kept(row, figure) >= KEPT for figure in dict.fromkeys(("auc", self.figure)))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One line a defence: usefulness, leak with intervals, guarantee, cost."""
        import pandas as pd

        lines = []
        for row in self.rows:
            attack, leak = row.leak(self.figure)
            _, area = row.leak("auc")
            _, clean = row.on_clean(self.figure)
            lines.append(
                {
                    "defence": row.name,
                    "role": row.role,
                    **_columns("accuracy", row.accuracy),
                    **_columns("leak", leak),
                    "by": attack,
                    **_columns("auc", area),
                    **_columns("clean leak", clean),
                    "epsilon": row.guarantee.epsilon if row.guarantee else np.nan,
                    "seconds": row.seconds,
                    "on the line": row.measured and not self.dominated(row),
                    "hides only": self.hides(row),
                    "reason": row.reason,
                }
            )
        return pd.DataFrame(lines)

    def json(self) -> str:
        """The table and what it rests on, for machines."""
        ordinary, canaries, tested, reference = self.records
        about = {
            "models": self.models,
            "records": {"ordinary": ordinary, "canaries": canaries, "test": tested, "reference": reference},
            "figure": self.figure,
            "rows": json.loads(self.table.to_json(orient="records", double_precision=6)),
            "guarantees": {row.name: row.guarantee.by for row in self.rows if row.guarantee},
            "notes": {row.name: row.note for row in self.rows if row.note},
        }
        return json.dumps(about, indent=1)

    def plot(self, figure: str | None = None) -> Any:
        """A matplotlib figure: accuracy against leak, the line of what nothing beats, the rest grey."""
        from reticent.report.frontier import drawing

        return drawing(self, figure or self.figure)

    def report(self, path: str | Path, *, name: str = "the model") -> Path:
        """Write one self-contained HTML page: the picture, the table, what each defence can't do."""
        from reticent.report.frontier import write_frontier

        return write_frontier(self, Path(path), name)

    def __rich__(self) -> Any:
        from reticent.report.frontier import terminal_table

        return terminal_table(self)

    def _kept(self, row: Row, figure: str) -> float:
        """What is left of the leak above chance, as a share of the undefended model's."""
        now, before = (r.leak(figure)[1] for r in (row, self.undefended))
        if isinstance(now, Withheld) or isinstance(before, Withheld):
            return 0.0
        chance = 0.5 if figure == "auc" else float(figure[4:-1]) / 100
        return (now.value - chance) / max(before.value - chance, 1e-9)

    def _place(self, row: Row, figure: str) -> tuple[float, float] | None:
        _, leak = row.leak(figure)
        right = row.accuracy
        if isinstance(leak, Estimate) and isinstance(right, Estimate):
            return right.value, leak.value
        return None

    def _least(self, figure: str) -> str:
        places = [(p[1], row) for row in self.measured if (p := self._place(row, figure))]
        if not places:
            return ""
        leak, row = min(places, key=lambda p: p[0])
        return f"; the least is {leak:.3g}, by {row.name}"


def read_limit(text: str) -> tuple[Threshold, bool]:
    """A limit written "FIGURE < SHARE", and whether the interval's upper end is to be within it ("FIGURE
    high <").

    Raises:
        PlanError: it does not read.
    """
    left, less, right = text.partition("<")
    words = left.split()
    surely = words[-1:] == ["high"]
    try:
        if not less:
            raise PlanError("")
        return Threshold.parse(f"{' '.join(words[:-1] if surely else words)}>{right.strip()}"), surely
    except PlanError:
        raise PlanError(
            f"the limit {text!r} does not read; write a figure (auc, advantage, balanced accuracy, "
            "tpr@0.1%), optionally 'high', then '<' and a share, as in 'tpr@0.1% < 0.005'"
        ) from None


def _told(told: Sequence[Told], attack: str, figure: str) -> Figure:
    for one in told:
        if one.attack == attack:
            return one.figure(figure)
    return Withheld(f"{attack} was not run")


def _columns(name: str, of: Figure) -> dict[str, float]:
    if isinstance(of, Withheld):
        return {name: np.nan, f"{name} low": np.nan, f"{name} high": np.nan}
    return {name: of.value, f"{name} low": of.low, f"{name} high": of.high}
