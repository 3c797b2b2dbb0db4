"""How figures read: percentages with as many digits as they deserve."""

from __future__ import annotations

from math import isnan

from reticent.measure.estimate import Estimate, Figure, Withheld

FPRS = ("10", "1", "0.1", "0.01")
"""False-positive rates of the tables, in percent."""

FIGURES = ("auc", *(f"tpr@{fpr}%" for fpr in FPRS))
"""Figures of the tables, in order."""


def percent(share: float) -> str:
    """A share as a percentage."""
    if isnan(share):
        return "not asked"
    value = 100 * share
    return (
        f"{value:.0f} %"
        if value >= 10 or value == 0
        else f"{value:.1f} %"
        if value >= 1
        else f"{value:.2g} %"
    )


def figure(name: str, of: Figure) -> tuple[str, str]:
    """A figure and its interval, each as text; a withheld one has no interval."""
    if isinstance(of, Withheld):
        return "withheld", ""
    return value(name, of.value), f"{value(name, of.low)} – {value(name, of.high)}"


def value(name: str, number: float) -> str:
    """One number of the figure called `name`."""
    return percent(number) if name.startswith("tpr@") else f"{number:.3f}"


def estimate(of: Estimate) -> str:
    """A count with its interval."""
    return f"{of.value:,.0f} ({of.low:,.0f} to {of.high:,.0f})"


def title(name: str) -> str:
    """A figure's heading."""
    return "AUC" if name == "auc" else f"TPR @ {name[4:-1]} %" if name.startswith("tpr@") else name
