"""What an attack on the members of a language model's training texts is handed: texts, and no truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticent.access import BoolArray
from reticent.language import LanguageModel, MeteredLanguage


@dataclass(frozen=True, eq=False)
class TextScene:
    """Texts in question, and texts that the attacker knows the model never saw.

    Attributes:
        target: the model, capped at the rung granted and metered.
        texts: all of them.
        known: (texts,) True where the attacker knows that the text is no member.
        reference: another model of such texts, which was trained on none of those in question; None where the
            attacker has none.
        seed: of everything random that an attack does.
    """

    target: MeteredLanguage
    texts: Sequence[str]
    known: BoolArray
    reference: LanguageModel | None = None
    seed: int = 0

    def rng(self) -> np.random.Generator:
        """A fresh generator: the same seed, the same draws."""
        return np.random.default_rng(self.seed)
