"""What do released weights show of the training records? Records read back from the model alone."""

from reticent.attacks.attack import WeightsAttack
from reticent.attacks.weights.informed import InformedAdversary
from reticent.attacks.weights.kkt import KktReconstruction

__all__ = ["DEFAULT", "InformedAdversary", "KktReconstruction"]

DEFAULT: tuple[WeightsAttack, ...] = (InformedAdversary(), KktReconstruction())
"""Every attack once."""
