"""Who was among a language model's training texts?"""

from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.loss import TextLoss
from reticent.attacks.texts.lowercase import Lowercase
from reticent.attacks.texts.min_k import MinK, MinKPlusPlus
from reticent.attacks.texts.neighbour import Neighbour
from reticent.attacks.texts.reference import ReferenceRatio
from reticent.attacks.texts.zlib_ratio import ZlibRatio

__all__ = [
    "DEFAULT",
    "Lowercase",
    "MinK",
    "MinKPlusPlus",
    "Neighbour",
    "ReferenceRatio",
    "TextLoss",
    "ZlibRatio",
]

DEFAULT: tuple[TextMembershipAttack, ...] = (
    TextLoss(),
    ReferenceRatio(),
    ZlibRatio(),
    Lowercase(),
    Neighbour(),
    MinK(),
    MinKPlusPlus(),
)
"""Every attack once."""
