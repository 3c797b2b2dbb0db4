"""Defences on the records, data -> data: a file a defence."""

from reticent.defences.data.anonymise import Anonymise
from reticent.defences.data.pseudonymise import Pseudonymise
from reticent.defences.data.redact import Redact
from reticent.defences.data.suppress import Suppress

__all__ = ["Anonymise", "Pseudonymise", "Redact", "Suppress"]
