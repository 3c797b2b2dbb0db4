"""A frontier for a reader: picture, table, what each defence can't do; on a page and on a terminal."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.measure.estimate import Estimate, Figure, Withheld
from reticent.report.plots import svg_text
from reticent.report.words import figure, readable, template, title, typeset
from reticent.store import write_text

if TYPE_CHECKING:
    from reticent.pareto import Frontier, Row

COLOURS = {"line": "#0072b2", "baseline": "#d55e00", "private": "#009e73", "beaten": "#9a9a9a"}
"""Okabe & Ito's, told apart by the colour-blind."""

ROLES = {
    "asked": "",
    "baseline": "no defence",
    "part": "part of another row",
    "private": "private training, as useful as the others",
}

LISTED = 24
"""Names beside the picture; where there are more rows, beaten ones have their number alone."""

LONGEST = 46
"""Characters of a name beside the picture."""


@dataclass(frozen=True)
class Line:
    """One defence's line of the table: words, no arithmetic."""

    number: int
    name: str
    role: str
    accuracy: tuple[str, str]
    leak: tuple[str, str]
    attack: str
    area: tuple[str, str]
    clean: tuple[str, str]
    epsilon: str
    cost: str
    beaten: bool
    hides: bool
    control: bool


def write_frontier(front: Frontier, path: Path, name: str) -> Path:
    """Write one self-contained page and return where it is.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    write_text(path, page(front, name))
    return path


def page(front: Frontier, name: str) -> str:
    """The page's text."""
    ordinary, canaries, tested, reference = front.records
    text: str = template("frontier.html.j2").render(
        name=name,
        models=front.models,
        ordinary=f"{ordinary:,}",
        canaries=f"{canaries:,}",
        tested=f"{tested:,}",
        reference=f"{reference:,}",
        leak=title(front.figure),
        area=front.figure != "auc",
        plot=svg_text(drawing(front, front.figure)),
        lines=lines(front),
        refused=[(row.name, row.reason) for row in front.rows if not row.measured],
        guarantees=[(row.name, row.guarantee) for row in front.measured if row.guarantee],
        notes=[(row.name, row.note) for row in front.measured if row.note],
        caveats=_caveats(front),
        version=metadata.version("reticent"),
    )
    return typeset(text)


def lines(front: Frontier) -> list[Line]:
    """Every measured row, the most useful first."""
    base = front.undefended
    found = []
    for number, row in enumerate(_ranked(front), 1):
        attack, leak = row.leak(front.figure)
        times = row.seconds / base.seconds if base.seconds else float("nan")
        found.append(
            Line(
                number=number,
                name=row.name,
                role=ROLES[row.role],
                accuracy=figure("accuracy", row.accuracy),
                leak=figure(front.figure, leak),
                attack=attack,
                area=figure("auc", row.leak("auc")[1]),
                clean=figure(front.figure, row.on_clean(front.figure)[1]),
                epsilon=f"{row.guarantee.epsilon:.3g}" if row.guarantee else "–",
                cost="" if np.isnan(times) else f"{times:.1f} ×",
                beaten=front.dominated(row),
                hides=front.hides(row),
                control=row.role == "baseline",
            )
        )
    return found


def drawing(front: Frontier, leak: str) -> Any:
    """Accuracy against leak, the line of what nothing beats, the rest in grey; numbers as in the table.

    Args:
        leak: the figure on the horizontal axis; of an area under the curve, from one half on.
    """
    from matplotlib.figure import Figure as Drawing

    drawn = Drawing(figsize=(9.4, 5.0), layout="constrained")
    axes: Any = drawn.add_subplot()
    placed = [p for row in _ranked(front) for p in _points(row, leak)]
    best = sorted(
        (p for p in placed if not front.dominated(p[0], leak)), key=lambda p: (p[1].value, p[2].value)
    )
    axes.plot([p[1].value for p in best], [p[2].value for p in best], color=COLOURS["line"], lw=1.4, zorder=1)
    for row, x, y in placed:
        colour = _colour(front, row, leak)
        spread = [[x.value - x.low], [x.high - x.value]]
        height = [[y.value - y.low], [y.high - y.value]]
        behind = colour == COLOURS["beaten"]
        axes.errorbar(
            *(x.value, y.value),
            xerr=spread,
            yerr=height,
            color=colour,
            fmt="o",
            ms=5,
            lw=0.7,
            alpha=0.9,
            zorder=2 if behind else 3,
        )
    axes.set_xlabel(f"leak: {title(leak)} of the strongest attack on canaries")
    axes.set_ylabel("accuracy on unseen records")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#88888833", lw=0.5)
    _name(axes, front, leak, placed)
    return drawn


def terminal_table(front: Frontier) -> Any:
    """Something that rich can print, within eighty columns."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("defence", overflow="fold", max_width=34)
    area = ["AUC"] if front.figure != "auc" else []  # else it is the leak that is shown
    for heading in ("accuracy", title(front.figure), *area, "ε", "cost"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines(front):
        style = "dim" if line.beaten else "bold" if line.control else ""
        mark = " *" if line.hides else ""
        beside = [line.area[0]] if area else []
        cells = (line.accuracy[0], line.leak[0], *beside, line.epsilon, line.cost)
        table.add_row(Text(readable(line.name) + mark, style=style), *(Text(c, style=style) for c in cells))
    unmeasured = [row for row in front.rows if not row.measured]
    for row in unmeasured:
        table.add_row(Text(readable(row.name)), "not run", style="dim")
    if any(line.hides for line in lines(front)):
        table.caption = "* leaks less only by attacks that do not adapt to it"
    why = [
        Text(f"{row.name.partition('(')[0]} was not run: {row.reason}.", style="dim") for row in unmeasured
    ]
    return Group(table, *why)


def _colour(front: Frontier, row: Row, leak: str) -> str:
    if row.role in ("baseline", "private"):
        return COLOURS[row.role]
    return COLOURS["beaten" if front.dominated(row, leak) else "line"]


def _points(row: Row, leak: str) -> list[tuple[Row, Estimate, Estimate]]:
    """Where the row stands; nowhere if a figure is withheld."""
    x, y = row.leak(leak)[1], row.accuracy
    return [(row, x, y)] if isinstance(x, Estimate) and isinstance(y, Estimate) else []


def _ranked(front: Frontier) -> list[Row]:
    """Measured rows, the most useful first."""
    return sorted(front.measured, key=lambda row: -_value(row.accuracy))


def _name(axes: Any, front: Frontier, leak: str, placed: list[tuple[Row, Estimate, Estimate]]) -> None:
    """A number at each point, and names to the numbers down the right margin."""
    numbers = {row.name: number for number, row in enumerate(_ranked(front), 1)}
    for row, x, y in placed:
        axes.annotate(
            str(numbers[row.name]),
            xy=(x.value, y.value),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=6.5,
            color=_colour(front, row, leak),
        )
    coloured = [(row, _colour(front, row, leak)) for row, _, _ in placed]
    if len(coloured) > LISTED:
        coloured = [(row, colour) for row, colour in coloured if colour != COLOURS["beaten"]]
    for place, (row, colour) in enumerate(coloured):
        name = readable(row.name)
        shown = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        axes.annotate(
            f"{numbers[row.name]}  {shown}".replace("$", r"\$"),
            xy=(1.02, 0.98 - 0.042 * place),
            xycoords="axes fraction",
            fontsize=7.5,
            color=colour,
            va="center",
            annotation_clip=False,
        )


def _caveats(front: Frontier) -> list[tuple[str, str]]:
    """What each single defence can't do, once."""
    found: dict[str, str] = {}
    for row in front.measured:
        for part in row.defence.parts:
            if part.caveat:
                found.setdefault(part.word, part.caveat)
    return list(found.items())


def _value(of: Figure) -> float:
    return -1.0 if isinstance(of, Withheld) else of.value
