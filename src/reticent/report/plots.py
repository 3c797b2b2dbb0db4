"""Pictures for the report, as SVG text: drawn without a display, the same bits each time."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.report.words import readable

if TYPE_CHECKING:
    from reticent.exhibit import Curve, Strip
    from reticent.result import Audit

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00")
"""Okabe & Ito's, told apart by the colour-blind."""

NAMED = len(COLOURS)
POINTS = 120

MARKED = 30
"""Points of a line from which they are no longer marked one by one."""

LONGEST = 40
"""Characters of a name in the legend."""


def roc_plot(audit: Audit) -> str:
    """Log-log ROC of every measured attack: the strongest in colour, the rest in grey, chance dashed.

    The axes end where the sample does: at one non-member, one member.
    """
    from matplotlib.figure import Figure

    blind = audit.checks.blind.roc
    floor = 0.7 / blind.nonmembers, 0.7 / blind.members
    drawing = Figure(figsize=(6.2, 4.6), layout="constrained")
    axes: Any = drawing.add_subplot()
    ranked = sorted(
        (f for f in audit.measured if f.subject == "record"), key=lambda f: -_low_end(f.roc.fpr, f.roc.tpr)
    )
    for finding in reversed(ranked[NAMED:]):
        axes.plot(
            *_visible(finding.roc.points(POINTS), floor), color="#bbbbbb", lw=0.8, drawstyle="steps-post"
        )
    for colour, finding in zip(COLOURS, ranked, strict=False):
        points = _visible(finding.roc.points(POINTS), floor)
        name = readable(finding.attack)[:LONGEST].replace("$", r"\$")  # a dollar would start a formula
        axes.plot(*points, color=colour, lw=1.6, drawstyle="steps-post", label=name)
    axes.plot(*_visible(blind.points(POINTS), floor), color="#888888", lw=1.2, ls=":", label="blind control")
    axes.plot([1e-9, 1], [1e-9, 1], color="#888888", lw=1, ls="--", label="guessing")
    axes.set(xscale="log", yscale="log", xlim=(floor[0], 1), ylim=(floor[1], 1.15))
    axes.set_xlabel("non-members wrongly named (FPR)")
    axes.set_ylabel("members rightly named (TPR)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#88888833", lw=0.5)
    axes.legend(frameon=False, fontsize=8.5, loc="lower right")
    return svg_text(drawing)


def _low_end(fpr: Any, tpr: Any) -> float:
    """Area under the curve over log FPR: what stands highest at the left of the picture."""
    grid = np.geomspace(1e-3, 1, 60)
    return float(np.mean(np.log(tpr[np.searchsorted(fpr, grid, side="right") - 1] + 1e-4)))


def _visible(points: Any, floor: tuple[float, float]) -> tuple[Any, Any]:
    """Points with zeros put just outside the picture, since a log axis has none."""
    fpr, tpr = points
    return np.maximum(fpr, floor[0] / 2), np.maximum(tpr, floor[1] / 2)


def curve_plot(curve: Curve) -> str:
    """Lines with their intervals, controls dashed in grey."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    drawing = Figure(figsize=(6.2, 3.6), layout="constrained")
    axes: Any = drawing.add_subplot()
    colours = iter(np.resize(COLOURS, len(curve.lines)))
    for line in curve.lines:
        colour, style = ("#666666", "--") if line.control else (str(next(colours)), "-")
        name = readable(line.name)[:LONGEST].replace("$", r"\$")
        marker = "o" if len(line.x) < MARKED else ""
        axes.plot(line.x, line.y, color=colour, ls=style, lw=1.5, marker=marker, ms=3.5, label=name)
        if line.low is not None and line.high is not None:
            axes.fill_between(line.x, line.low, line.high, color=colour, alpha=0.15, lw=0)
    if curve.log:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.12g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if curve.bounds is not None:
        axes.set_ylim(*curve.bounds)
    axes.set_xlabel(curve.x)
    axes.set_ylabel(curve.y)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#88888833", lw=0.5)
    axes.legend(frameon=False, fontsize=8.5)
    return svg_text(drawing)


def svg_text(drawing: Any) -> str:
    """A drawing as SVG text, the same bits each time."""
    import matplotlib as mpl

    text = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": "reticent", "svg.fonttype": "none", "font.family": "sans-serif"}):
        drawing.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    svg = text.getvalue()
    # Groups' names repeat from picture to picture, and one page holds several; what is referred to is a hash.
    return re.sub(r'<g id="[^"]*">', "<g>", svg[svg.index("<svg") :])


def sheet(strips: Sequence[Strip]) -> str:
    """Rows of pictures under their headings, as a PNG in a data URI."""
    import base64

    from matplotlib.figure import Figure

    wide = max(len(s.pictures) for s in strips)
    drawing = Figure(figsize=(0.8 * max(wide, 4) + 0.2, 1.15 * len(strips)), dpi=110, layout="constrained")
    rows: Any = drawing.subfigures(len(strips), 1, squeeze=False)[:, 0]
    for row, strip in zip(rows, strips, strict=True):
        row.suptitle(strip.heading, fontsize=8, x=0.01, ha="left")
        places: Any = row.subplots(1, wide, squeeze=False)[0]
        for place in places:
            place.set_axis_off()
        for place, picture in zip(places, strip.pictures, strict=False):
            place.imshow(_upright(picture, strip.low, strip.high), cmap="gray", vmin=0, vmax=1)
    out = io.BytesIO()
    drawing.savefig(out, format="png", metadata={"Software": None})
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def _upright(picture: Any, low: float, high: float) -> Any:
    """(height, width) or (height, width, 3) from 0 to 1, whichever axis holds the channels."""
    scaled = np.clip((picture - low) / max(high - low, 1e-12), 0, 1)
    if scaled.ndim == 3 and scaled.shape[0] in (1, 3):
        scaled = np.moveaxis(scaled, 0, -1)
    return scaled[..., 0] if scaled.ndim == 3 and scaled.shape[-1] == 1 else scaled
