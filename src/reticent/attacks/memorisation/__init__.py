"""What does a language model recite of its training texts?"""

from reticent.attacks.attack import Attack

__all__ = ["DEFAULT"]

DEFAULT: tuple[Attack, ...] = ()
"""Every attack once."""
