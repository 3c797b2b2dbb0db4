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


@dataclass(frozen=True, eq=False)
class Line:
    """A line of a drawing.

    Attributes:
        name: for the legend.
        x, y: (points,) where it goes.
        low, high: (points,) the interval about each point; None where there is none.
        control: whether it is what the others are to be compared with: drawn dashed, in grey.
    """

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None
    control: bool = False


@dataclass(frozen=True, eq=False)
class Curve:
    """Lines in one pair of axes.

    Attributes:
        heading: what it shows.
        x, y: what the axes measure, with their unit: "queries", "agreement".
        lines: in the order of the legend.
        log: whether the x axis is logarithmic.
        bounds: of the y axis; None for what the lines span.
    """

    heading: str
    x: str
    y: str
    lines: tuple[Line, ...]
    log: bool = True
    bounds: tuple[float, float] | None = None


@runtime_checkable
class Curved(Protocol):
    """Evidence that has more to show than figures: how they grow with what is spent."""

    def curves(self, *, level: float = 0.95) -> tuple[Curve, ...]:
        """What to draw, one picture each."""


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
