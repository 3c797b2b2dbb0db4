"""What do released weights show of the training records, and those of fine-tunings of their hidden base?"""

from reticent.attacks.attack import DescendantsAttack, WeightsAttack
from reticent.attacks.weights.informed import InformedAdversary
from reticent.attacks.weights.kkt import KktReconstruction
from reticent.attacks.weights.spectral_detuning import SpectralDetuning

__all__ = ["DEFAULT", "InformedAdversary", "KktReconstruction", "SpectralDetuning"]

DEFAULT: tuple[WeightsAttack | DescendantsAttack, ...] = (
    InformedAdversary(),
    KktReconstruction(),
    SpectralDetuning(),
)
"""Every attack once."""
