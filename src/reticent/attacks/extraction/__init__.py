"""What does asking a model give away of the model itself? Copies of it."""

from reticent.attacks.attack import ExtractionAttack

__all__ = ["DEFAULT"]

DEFAULT: tuple[ExtractionAttack, ...] = ()
"""Every attack once."""
