"""Defences on the records, before a model sees them: data -> data, a file a defence."""

from reticent.defences.data.anonymise import Anonymise
from reticent.defences.data.pseudonymise import Pseudonymise
from reticent.defences.data.randomise import Randomise
from reticent.defences.data.redact import Redact
from reticent.defences.data.suppress import Suppress
from reticent.defences.data.synthesise import Synthesise

__all__ = ["Anonymise", "Pseudonymise", "Randomise", "Redact", "Suppress", "Synthesise"]
