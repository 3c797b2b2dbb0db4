"""How much likelier the model finds a text than the same text with some words changed.

Mattern, Mireshghallah, Jin, Schölkopf, Sachan & Berg-Kirkpatrick 2023 (Findings of ACL, arXiv:2305.18462).
The paper has a masked language model propose words that fit; here they are drawn from texts that the
attacker knows to be no members, as often as they occur there, so that no further model is needed. Such
neighbours fit less well, of members and others alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import mean_log_probs
from reticent.errors import DataError
from reticent.text_scene import TextScene


@dataclass(frozen=True, kw_only=True)
class Neighbour(TextMembershipAttack):
    """Scores a text by its mean log-probability, less the mean over copies of it with words changed.

    Attributes:
        copies: with words changed.
        share: of the words that are changed in each, one at least.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Mattern et al. 2023 (arXiv:2305.18462), with words drawn from known texts"
    caveat: ClassVar[str] = (
        "Words are drawn as they occur, not as they fit: neighbours are worse than the paper's."
    )
    price: ClassVar[str] = "an answer a text, and one for each of its copies"
    population: ClassVar[bool] = True
    copies: int = 10
    share: float = 0.1

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) how far a text lies above its neighbours, in nats a token.

        Raises:
            DataError: no text is known to be no member, from which words could be drawn.
        """
        known = [text for text, is_known in zip(scene.texts, scene.known, strict=True) if is_known]
        words = [word for text in known for word in text.split(" ") if word]
        if not words:
            raise DataError("needs texts that are known to be no members, to draw words from")
        rng = scene.rng()
        changed = [self._changed(text, words, rng) for text in scene.texts for _ in range(self.copies)]
        own = mean_log_probs(scene.target, scene.texts)
        near = mean_log_probs(scene.target, changed).reshape(len(scene.texts), self.copies)
        return np.asarray(own - near.mean(axis=1))

    def _changed(self, text: str, words: list[str], rng: np.random.Generator) -> str:
        parts = text.split(" ")
        for place in rng.permutation(len(parts))[: max(1, int(self.share * len(parts)))]:
            parts[place] = words[rng.integers(len(words))]
        return " ".join(parts)
