"""Checks of attacks' options."""

from __future__ import annotations

from math import inf, isfinite

from reticent.errors import PlanError


def among(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise PlanError unless an option's value is one of the choices."""
    if value not in choices:
        raise PlanError(f"{name} = {value!r} was given; choose one of {', '.join(map(repr, choices))}")


def number(name: str, value: object, *, low: float = -inf, high: float = inf, or_else: str = "") -> None:
    """Raise PlanError unless an option's value is a number from low to high, or the word `or_else`."""
    if or_else and value == or_else:
        return
    if not isinstance(value, int | float) or not isfinite(value) or not low <= value <= high:
        bounds = f"from {low:g}" + (f" to {high:g}" if high < inf else " on")
        word = f", or {or_else!r}" if or_else else ""
        raise PlanError(f"{name} = {value!r} was given; give a number {bounds}{word}")
