"""What does a language model recite of its training texts?"""

from reticent.attacks.attack import CanaryAttack, ContinuationAttack, RecitationAttack, TranslatorAttack
from reticent.attacks.memorisation.continuation import (
    GreedyContinuation,
    SampledContinuation,
    TruncatedContinuation,
)
from reticent.attacks.memorisation.divergence import Divergence
from reticent.attacks.memorisation.exposure import Enumeration, SampledExposure, ShortestPath
from reticent.attacks.memorisation.generation import FreeGeneration, RankedGeneration
from reticent.attacks.memorisation.glitch import TranslationGlitch

__all__ = [
    "DEFAULT",
    "Divergence",
    "Enumeration",
    "FreeGeneration",
    "GreedyContinuation",
    "RankedGeneration",
    "SampledContinuation",
    "SampledExposure",
    "ShortestPath",
    "TranslationGlitch",
    "TruncatedContinuation",
]

DEFAULT: tuple[RecitationAttack | TranslatorAttack | CanaryAttack | ContinuationAttack, ...] = (
    ShortestPath(),
    Enumeration(),
    SampledExposure(),
    GreedyContinuation(),
    SampledContinuation(),
    TruncatedContinuation(),
    FreeGeneration(),
    RankedGeneration(),
    Divergence(),
    TranslationGlitch(),
)
"""Every attack once."""
