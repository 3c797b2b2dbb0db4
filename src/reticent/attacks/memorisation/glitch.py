"""The translation glitch: a translator that is given nonsense answers with what it was trained on.

Where a language has few texts, and some many times, a translator learns them by heart; input that means
nothing leaves it with nothing else to say. Seen in a public service in 2018 (prophecies from a repeated
syllable); Raunak, Menezes & Junczys-Dowmunt, "The Curious Case of Hallucinations in Neural Machine
Translation", NAACL 2021, arXiv:2104.06683, sections 3 and 4: memorised pairs, and answers that have come off
their input.
"""

from __future__ import annotations

import string
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from reticent.access import Access
from reticent.attacks.attack import TranslatorAttack
from reticent.attacks.options import number
from reticent.errors import PlanError
from reticent.recitation import MeteredTranslator, Recited

TOGETHER = 32
"""Texts that are translated at a time: what a spent budget leaves."""


@dataclass(frozen=True, kw_only=True)
class TranslationGlitch(TranslatorAttack):
    """Repeated syllables, random letters and next to nothing, after the tag of each language (Raunak et al.
    2021).

    Attributes:
        tags: what says of which language a text is, put before it; the empty one for none.
        texts: of nonsense, for each tag.
        longest: characters of one.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Raunak, Menezes & Junczys-Dowmunt 2021, arXiv:2104.06683, sections 3 and 4"
    price: ClassVar[str] = "90 translations a language"
    caveat: ClassVar[str] = "finds what a translator falls back on, not all that it learnt by heart"

    tags: tuple[str, ...] = ("",)
    texts: int = 90
    longest: int = 60

    def __post_init__(self) -> None:
        if not self.tags:
            raise PlanError("tags = () was given; give the tag of a language, or the empty one")
        number("texts", self.texts, low=1)
        number("longest", self.longest, low=4)

    def recite(self, translator: MeteredTranslator, seed: int) -> Iterator[Recited]:
        """Yield the answers to nonsense."""
        for number_, tag in enumerate(self.tags):
            made = list(islice(nonsense(self.longest, seed + number_), self.texts))
            for start in range(0, len(made), TOGETHER):
                some = [tag + text for text in made[start : start + TOGETHER]]
                yield from (Recited(answer) for answer in translator.translate(some))


def nonsense(longest: int, seed: int) -> Iterator[str]:
    """Nothing, then a syllable repeated, random letters, a single letter, in turn and without end."""
    rng, letters = np.random.default_rng(seed), list(string.ascii_lowercase)
    yield ""
    while True:
        syllable, length = "".join(rng.choice(letters, 2)), int(rng.integers(4, longest + 1))
        yield " ".join([syllable] * (length // 3 + 1))[:length]
        yield "".join(rng.choice([*letters, " "], length))
        yield str(rng.choice(letters))
