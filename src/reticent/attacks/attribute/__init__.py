"""What is this person like? A sensitive column guessed from the model and the rest of the record."""

from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.by_membership import ByMembership
from reticent.attacks.attribute.csmia import Csmia
from reticent.attacks.attribute.embedding import Embedding
from reticent.attacks.attribute.fredrikson import MaximumPosterior
from reticent.attacks.attribute.learnt_prior import LearntPrior
from reticent.attacks.attribute.lomia import Lomia
from reticent.attacks.attribute.neurons import Neurons

__all__ = [
    "DEFAULT",
    "ByMembership",
    "Csmia",
    "Embedding",
    "LearntPrior",
    "Lomia",
    "MaximumPosterior",
    "Neurons",
]

DEFAULT: tuple[AttributeAttack, ...] = (
    Csmia(),
    Lomia(),
    MaximumPosterior(),
    ByMembership(),
    LearntPrior(),
    Neurons(),
    Embedding(),
)
"""Every attack once."""
