"""Linkability: what two parties know of a person, put together through the release.

Giomi, Boenisch, Wehmeyer & Tasnádi, "A Unified Framework for Quantifying Privacy Risk in Synthetic Data",
PoPETs 2023, arXiv:2211.10459.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.options import number
from reticent.attacks.release.neighbours import near
from reticent.release import Knows, Links, ReleaseScene, Table


@dataclass(frozen=True, kw_only=True)
class Linkability(ReleaseAttack):
    """Two sets of columns of one person are linked by a row near to both (Giomi et al. 2023).

    The one party's records are in an order of their own, so that nothing but the release can link them. Rows
    as near as the last of the nearest count too.

    Attributes:
        neighbours: nearest rows of the release to either half.
    """

    knows: ClassVar[Knows] = Knows.HALVES
    source: ClassVar[str] = "Giomi et al. 2023, arXiv:2211.10459"
    caveat: ClassVar[str] = (
        "says that a row links both halves of a person, not that it links no others': where many rows are "
        "equally near, people whom the release never saw are linked as well"
    )

    neighbours: int = 1

    def __post_init__(self) -> None:
        number("neighbours", self.neighbours, low=1)

    def guess(self, scene: ReleaseScene) -> Links:
        """Return the rows of the release nearest to each half."""
        one, other = scene.people
        return Links((self._near(one, scene.release), self._near(other, scene.release)))

    def _near(self, half: Table, release: Table) -> npt.NDArray[np.uint8]:
        return np.concatenate([np.packbits(b, axis=1) for b in near(half, release, self.neighbours)])
