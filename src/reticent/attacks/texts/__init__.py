"""Who was among a language model's training texts?"""

from reticent.attacks.attack import TextMembershipAttack

__all__ = ["DEFAULT"]

DEFAULT: tuple[TextMembershipAttack, ...] = ()
"""Every attack once."""
