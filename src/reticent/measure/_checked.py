"""The one check that every figure shares: are these scores and this truth fit to be measured?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


def checked(scores: ArrayLike, members: ArrayLike) -> tuple[Floats, Bools]:
    """Return scores (records,) as float64 and members (records,) as bool.

    Raises ValueError where the shapes differ, a score is NaN, the truth is not 0/1, or one of the
    two sides is empty. Infinite scores are scores like any other.
    """
    s = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(members)
    if s.ndim != 1 or s.shape != truth.shape:
        raise ValueError(
            f"scores have shape {s.shape} and members {truth.shape}: both must be (records,), one a record."
        )
    if truth.dtype != np.bool_ and not np.isin(truth, (0, 1)).all():
        raise ValueError("members must be booleans (or 0 and 1): true where the record was trained on.")
    b = truth.astype(np.bool_)
    if np.isnan(s).any():
        raise ValueError(
            f"{int(np.isnan(s).sum())} of {s.size} scores are NaN: an attack must give every record a score."
        )
    inside = int(b.sum())
    if inside == 0 or inside == b.size:
        raise ValueError(
            f"{inside} members and {b.size - inside} non-members given: at least one of each is needed."
        )
    return s, b


def checked_level(level: float) -> float:
    """Return the probability of error 1 − level; raises ValueError unless ½ ≤ level < 1."""
    if not 0.5 <= level < 1:
        raise ValueError(f"level is {level}: the probability that an interval holds must be in [0.5, 1).")
    return 1.0 - level
