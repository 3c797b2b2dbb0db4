"""What the evidence of an attack shows a reader: each figure beside its control, and pictures to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from numpy.typing import NDArray

from reticent.access import FloatArray
from reticent.measure.estimate import Figure

Unit = Literal["share", "points", "number"]
"""How a figure is shown: in percent, in percentage points with its sign, or as it is."""


@dataclass(frozen=True)
class Beside:
    """What was reached, beside what is reached without the model.

    Attributes:
        what: in a few words, as a table's heading has them: "recovered, error under 1e-4".
        figure: the attack's.
        control: what stands beside it: "the mean public record".
        without: the control's figure, of the same kind.
        unit: how both are shown.
        worse: what an attacker wants of the figure.
    """

    what: str
    figure: Figure
    control: str
    without: Figure
    unit: Unit = "share"
    worse: Literal["higher", "lower"] = "higher"


@dataclass(frozen=True, eq=False)
class Strip:
    """A row of pictures under one heading, the same people or records in every row of a sheet.

    Attributes:
        heading: "the training picture nearest to it".
        pictures: (pictures, height, width) or with channels, all from `low` to `high`.
    """

    heading: str
    pictures: FloatArray
    low: float = 0.0
    high: float = 1.0


@runtime_checkable
class Exhibit(Protocol):
    """Evidence that a report can show whatever the attack was."""

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name. Raises ValueError where none has that name."""

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Every figure that a reader should see, each with its control, the one that matters most first."""

    def note(self) -> str:
        """A sentence that a reader needs beside the figures; empty where none."""

    def strips(self) -> tuple[Strip, ...]:
        """Rows of pictures, where a person would rather look than read; else none."""

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What a run folder keeps: right or wrong, errors, trial by trial; never a record's own values."""
