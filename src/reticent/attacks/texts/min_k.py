"""How likely the model finds the unlikeliest tokens of a text.

Shi et al. 2024, "Detecting pretraining data from large language models" (ICLR, arXiv:2310.16789): a text
that was learnt from has few tokens that surprise. Zhang et al. 2024, "Min-K%++" (arXiv:2404.02936): each
token's log-probability measured against all tokens that might have stood in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import encoded, lowest, token_log_probs, windows
from reticent.text_scene import TextScene

NARROWEST = 1e-6
"""Spread of the log-probabilities at a place below which it says nothing."""


@dataclass(frozen=True, kw_only=True)
class MinK(TextMembershipAttack):
    """Scores a text by the mean log-probability of its unlikeliest tokens (Min-K% Prob).

    Attributes:
        share: of the tokens that are looked at.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Shi et al. 2024 (arXiv:2310.16789)"
    caveat: ClassVar[str] = "A simple text has no surprising tokens, whether it was learnt from or not."
    share: float = 0.2

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) in nats."""
        return np.array([lowest(told, self.share) for told in token_log_probs(scene.target, scene.texts)])


@dataclass(frozen=True, kw_only=True)
class MinKPlusPlus(TextMembershipAttack):
    """Scores a text by its most surprising tokens, in standard deviations at their places (Min-K%++).

    Attributes:
        share: of the tokens that are looked at.
    """

    needs: ClassVar[Access] = Access.LOGITS
    source: ClassVar[str] = "Zhang et al. 2024 (arXiv:2404.02936), equation 3"
    caveat: ClassVar[str] = "Needs the probability of every token at every place, which few endpoints give."
    price: ClassVar[str] = "the distributions at every place of a text"
    share: float = 0.2

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) in standard deviations."""
        pieces = [windows(t, scene.target.longest) for t in encoded(scene.target, scene.texts)]
        told = scene.target.distributions([piece for text in pieces for piece in text])
        found = []
        for text in pieces:
            scores = [standardised(next(told), piece[1:]) for piece in text]
            found.append(lowest(np.concatenate(scores), self.share))
        return np.array(found)


def standardised(log_probs: FloatArray, tokens: IntArray) -> FloatArray:
    """(tokens,) how far each token's log-probability lies from the mean at its place, in standard
    deviations, both taken over what the model expects there.

    Args:
        log_probs: (length, vocabulary) of what comes after each place; the last place has no token.
    """
    before = log_probs[: len(tokens)]
    chance = np.exp(before)
    finite = np.where(chance > 0, before, 0.0)  # what can't come has no weight
    mean = (chance * finite).sum(axis=1)
    spread = np.sqrt(np.maximum((chance * np.square(finite)).sum(axis=1) - np.square(mean), 0))
    own = before[np.arange(len(tokens)), tokens]
    return np.asarray((own - mean) / np.maximum(spread, NARROWEST))
