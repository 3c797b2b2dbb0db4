"""Labels only: the class and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, Outputs
from reticent.defences.outputs.answering import Stateless


@dataclass(frozen=True)
class LabelsOnly(Stateless):
    """Answer the class and nothing else (Shokri et al. 2017, arXiv:1610.05820, section VIII)."""

    word: ClassVar[str] = "labels_only"
    source: ClassVar[str] = "Shokri et al. 2017, arXiv:1610.05820, section VIII"
    caveat: ClassVar[str] = "attacks that disturb a record and watch its label still see it"
    needs: ClassVar[Access] = Access.LABELS
    leaves: ClassVar[Access] = Access.LABELS

    def answer(self, outputs: Outputs) -> Outputs:
        """Return the labels."""
        return Outputs.from_labels(outputs.labels)
