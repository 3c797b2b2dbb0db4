"""Inference: a secret column, read off the rows of the release that are nearest to a person.

Giomi, Boenisch, Wehmeyer & Tasnádi, "A Unified Framework for Quantifying Privacy Risk in Synthetic Data",
PoPETs 2023, arXiv:2211.10459.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import FloatArray
from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.options import number
from reticent.attacks.release.neighbours import near
from reticent.release import Knows, ReleaseScene, Values


@dataclass(frozen=True, kw_only=True)
class InferenceRisk(ReleaseAttack):
    """The secret of a person is that of the nearest row in all other columns (Giomi et al. 2023).

    Of a category, the commonest value among the nearest rows; of numbers, their median.

    Attributes:
        neighbours: nearest rows of the release; those as near as the last of them count too.
    """

    knows: ClassVar[Knows] = Knows.REST
    source: ClassVar[str] = "Giomi et al. 2023, arXiv:2211.10459"
    caveat: ClassVar[str] = "what is true of everybody is guessed of anybody: the risk alone says what leaked"

    neighbours: int = 1

    def __post_init__(self) -> None:
        number("neighbours", self.neighbours, low=1)

    def guess(self, scene: ReleaseScene) -> Values:
        """Return (people,) the secret of each."""
        (people,) = scene.people
        told = scene.release.take(~np.isnan(scene.release.column(scene.secret)))
        secrets = told.column(scene.secret)
        middle = np.median if told.numbers[told.names.index(scene.secret)] else _commonest
        guessed = [
            float(middle(secrets[row])) for block in near(people, told, self.neighbours) for row in block
        ]
        return Values(np.array(guessed))


def _commonest(codes: FloatArray) -> float:
    return float(np.bincount(codes.astype(np.int64)).argmax())
