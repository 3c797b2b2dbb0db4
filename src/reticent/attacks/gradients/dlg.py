"""Deep leakage from gradients: records and labels whose gradient is the one shared.

Zhu, Liu & Han, "Deep Leakage from Gradients", NeurIPS 2019, arXiv:1906.08935; with the label read off first:
Zhao, Mopuri & Bilen, "iDLG: Improved Deep Leakage from Gradients", 2020, arXiv:2001.02610.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import GradientAttack
from reticent.attacks.gradients.labels import label_counts, single_label
from reticent.attacks.options import number
from reticent.observation import Observation, Reconstruction


@dataclass(frozen=True, kw_only=True)
class Dlg(GradientAttack):
    """L-BFGS over records and soft labels at once (Zhu, Liu & Han 2019).

    Attributes:
        starts: random starts, until one matches.
        iterations: of each start, at most, in rounds of 200.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Zhu, Liu & Han 2019, arXiv:1906.08935"
    caveat: ClassVar[str] = "needs smooth activations, untrained weights and few records"

    starts: int = 2
    iterations: int = 1000

    def __post_init__(self) -> None:
        for name in ("starts", "iterations"):
            number(name, getattr(self, name), low=1)

    def reconstruct(self, observation: Observation, seed: int) -> Reconstruction:
        """Return the best of the starts."""
        from reticent.attacks.gradients.matching import match_by_lbfgs

        return match_by_lbfgs(observation, None, starts=self.starts, iterations=self.iterations, seed=seed)


@dataclass(frozen=True, kw_only=True)
class Idlg(GradientAttack):
    """The labels are read off the last layer, then L-BFGS finds the records (Zhao, Mopuri & Bilen 2020).

    Attributes:
        starts: random starts, until one matches.
        iterations: of each start, at most, in rounds of 200.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Zhao, Mopuri & Bilen 2020, arXiv:2001.02610"
    caveat: ClassVar[str] = "needs smooth activations and untrained weights; of batches it guesses the labels"

    starts: int = 2
    iterations: int = 8000

    def __post_init__(self) -> None:
        for name in ("starts", "iterations"):
            number(name, getattr(self, name), low=1)

    def reconstruct(self, observation: Observation, seed: int) -> Reconstruction:
        """Return the best of the starts; labels of a batch in the order of the classes."""
        from reticent.attacks.gradients.matching import match_by_lbfgs

        if observation.batch == 1:
            labels = np.array([single_label(observation)])
        else:
            counts = label_counts(observation)
            labels = np.repeat(np.arange(len(counts)), counts)
        return match_by_lbfgs(observation, labels, starts=self.starts, iterations=self.iterations, seed=seed)
