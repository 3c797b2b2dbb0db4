"""What do the people of a class look like? Pictures drawn from the model."""

from reticent.attacks.attack import InversionAttack
from reticent.attacks.inversion.generative import GenerativeInversion
from reticent.attacks.inversion.mi_face import MiFace
from reticent.attacks.inversion.repelling import BoundaryRepelling

__all__ = ["DEFAULT", "BoundaryRepelling", "GenerativeInversion", "MiFace"]

DEFAULT: tuple[InversionAttack, ...] = (MiFace(), GenerativeInversion(), BoundaryRepelling())
"""Every attack once."""
