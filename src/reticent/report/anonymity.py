"""A page about a table that was made anonymous: risk and utility, before and after."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.report.plots import COLOURS, svg_text
from reticent.report.words import percent, template, typeset
from reticent.store import write_text

if TYPE_CHECKING:
    from reticent.anonymised import Anonymised
    from reticent.anonymity.risk import Risk

WORST = 10
THRESHOLDS = ((1 / 5, "over 1 in 5"), (1 / 20, "over 1 in 20"))
"""Of a row's risk."""


@dataclass(frozen=True, kw_only=True)
class View:
    """What the template shows: words, no arithmetic."""

    name: str
    asked: str
    rows: str
    classes: str
    smallest: str
    figures: tuple[tuple[str, str, str], ...]  # what, before, after
    lost: tuple[tuple[str, str], ...]  # column, how much
    utility: tuple[tuple[str, str], ...]
    worst: tuple[tuple[int, int, int, str], ...]  # row, alike before, alike after, risk
    quasi: str
    sensitive: str
    others: str
    dropped: str
    picture: str
    version: str


def write_anonymity(made: Anonymised, path: Path, *, name: str = "the table") -> Path:
    """Write the page and return where it is.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    text: str = template("anonymity.html.j2").render(v=view(made, name))
    write_text(path, typeset(text))
    return path


def view(made: Anonymised, name: str) -> View:
    """Put a table into words; no value of anybody is among them."""
    lost = made.utility
    return View(
        name=name,
        asked=made.asked,
        rows=f"{len(made.rows):,}",
        classes=f"{made.proof.classes:,}",
        smallest=f"{made.proof.smallest:,}",
        figures=_figures(made.before, made.risk),
        lost=tuple((column, percent(share)) for column, share in lost.columns),
        utility=(
            ("normalised certainty penalty", percent(lost.penalty)),
            ("discernibility (sum of squared class sizes)", f"{lost.discernibility:,}"),
            ("mean class size over k", f"{lost.average_class:.2f}"),
            ("rows suppressed", f"{lost.suppressed:,}"),
        ),
        worst=_worst(made),
        quasi=", ".join(made.quasi),
        sensitive=", ".join(made.sensitive),
        others=", ".join(made.others),
        dropped=", ".join(made.dropped),
        picture=risk_plot(made.before, made.risk),
        version=metadata.version("reticent"),
    )


def _figures(before: Risk, after: Risk) -> tuple[tuple[str, str, str], ...]:
    rows = [
        ("highest risk of a row (prosecutor)", percent(before.prosecutor), percent(after.prosecutor)),
        ("share of people found by guessing (marketer)", percent(before.marketer), percent(after.marketer)),
        ("rows like no other", percent(before.unique), percent(after.unique)),
    ]
    for threshold, said in THRESHOLDS:
        rows.append(
            (f"rows at a risk {said}", percent(before.above(threshold)), percent(after.above(threshold)))
        )
    if after.journalist is not None:
        rows.append(("highest risk within the population (journalist)", "–", percent(after.journalist)))
    return tuple(rows)


def _worst(made: Anonymised) -> tuple[tuple[int, int, int, str], ...]:
    """The rows that are most at risk now; of those alike, the ones that were most at risk before."""
    was, now = made.before.sizes[made.rows], made.risk.sizes
    order = np.lexsort((made.rows, was, now))[:WORST]
    return tuple(
        (int(made.rows[i]) + 1, int(was[i]), int(now[i]), percent(1 / float(now[i]))) for i in order.tolist()
    )


def risk_plot(before: Risk, after: Risk) -> str:
    """How many rows are in classes of each size, and how many are at each risk or a higher one."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import (
        FuncFormatter,
        LogLocator,
        NullFormatter,
        StrMethodFormatter,
    )

    drawing = Figure(figsize=(9.2, 3.5), layout="constrained")
    left, right = drawing.subplots(1, 2)
    sides: tuple[tuple[str, Any, str], ...] = (("before", before, COLOURS[1]), ("after", after, COLOURS[0]))
    largest = max(int(risk.sizes.max(initial=1)) for _, risk, _ in sides)
    edges = np.unique(np.geomspace(1, largest + 1, 25).astype(int))
    for name, risk, colour in sides:
        many = np.full(len(risk.sizes), 1 / max(1, len(risk.sizes)))
        left.hist(risk.sizes, edges, weights=many, color=colour, alpha=0.55, label=name)
        at, count = np.unique(risk.rows, return_counts=True)
        reached = np.cumsum(count[::-1])[::-1] / max(1, len(risk.rows))
        right.plot(np.r_[at, 1], np.r_[reached, 0], color=colour, lw=1.6, drawstyle="steps-pre", label=name)
    for axes in (left, right):
        axes.set_xscale("log")
        if largest < 100:  # too few powers of ten to read by
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.3g} %"))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="#88888833", lw=0.5)
    left.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    left.set_xlabel("rows that look alike")
    left.set_ylabel("share of rows")
    right.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"1 in {1 / x:,.0f}"))
    right.set_xlabel("risk of being found")
    right.set_ylabel("rows at this risk or a higher one")
    left.legend(frameon=False, fontsize=8.5)
    return svg_text(drawing)
