"""Whether epsilon, delta and noise promise anything: one check, and one sentence for each mistake."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from reticent.errors import PlanError


def check_privacy(epsilon: Any, delta: Any, word: str, *, pure: bool = False) -> None:
    """Refuse what is no guarantee.

    Args:
        pure: a delta of 0 is one too: a guarantee without any.

    Raises:
        PlanError: epsilon no number above 0, delta none between 0 and 1.
    """
    if not _number(epsilon) or not 0 < epsilon < math.inf:
        raise PlanError(f"{word} was given epsilon={epsilon!r}; give one above 0, such as 1")
    if not _number(delta) or not 0 <= delta < 1 or not (delta or pure):
        either = "0, or " if pure else ""
        raise PlanError(
            f"{word} was given delta={delta!r}; give {either}a share below one over the records, such as 1e-5"
        )


def check_noise(epsilon: Any, delta: Any, noise: Any, word: str) -> None:
    """Refuse what is no budget, given as an epsilon or as noise.

    Args:
        noise: standard deviation over what one record may add.

    Raises:
        PlanError: epsilon or noise not above 0, both or neither given, delta not between 0 and 1.
    """
    if (epsilon is None) == (noise is None):
        raise PlanError(
            f"{word} was given epsilon={epsilon} and noise={noise}; give one of the two: the other follows"
        )
    if noise is not None and (not _number(noise) or not 0 < noise < math.inf):
        raise PlanError(
            f"{word} was given noise={noise!r}; give a multiple of the clipping norm above 0, such as 1"
        )
    check_privacy(1 if epsilon is None else epsilon, delta, word)


def empty_promise(delta: float, records: int) -> str | None:
    """What is wrong with a delta of so many records; None if it is small enough."""
    if records and delta >= 1 / records:
        return (
            f"delta={delta:g} is not below one over {records:,} records: publishing one of them, drawn at "
            f"random, would meet it; give delta below {1 / records:.1g}"
        )
    return None


def _number(given: Any) -> bool:
    return isinstance(given, Real) and not isinstance(given, bool)
