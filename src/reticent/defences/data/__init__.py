"""Defences on the records, before a model sees them: anonymise, aggregate, reduce."""

from reticent.defences.data.randomise import Randomise
from reticent.defences.data.synthesise import Synthesise

__all__ = ["Randomise", "Synthesise"]
