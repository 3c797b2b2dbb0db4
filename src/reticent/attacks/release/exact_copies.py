"""Exact copies: people who stand in the release as they are.

The plainest failure of a synthesiser. Common kinds of people are found in any table; how many of those whom
the release never saw are found says how many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.attacks.attack import ReleaseAttack
from reticent.release import Found, Knows, ReleaseScene


@dataclass(frozen=True, kw_only=True)
class ExactCopies(ReleaseAttack):
    """Whoever stands in the release, equal in every column, is said to be behind it.

    It needs to know all of a person, so what it tells is that the person was in the original, no more.
    """

    knows: ClassVar[Knows] = Knows.ALL
    source: ClassVar[str] = "plain counting of equal rows"
    caveat: ClassVar[str] = "a copy with one cell changed escapes it"

    def guess(self, scene: ReleaseScene) -> Found:
        """Return whether each person has an equal in the release, (people,)."""
        (people,) = scene.people
        return Found(np.isin(people.keys(), scene.release.keys()))
