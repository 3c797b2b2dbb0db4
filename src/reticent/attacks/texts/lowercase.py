"""How much less likely the model finds a text in lower case.

Carlini et al. 2021 (USENIX Security, arXiv:2012.07805), section 5.2: what was learnt by heart is known as
it was written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import token_log_probs
from reticent.text_scene import TextScene


@dataclass(frozen=True, kw_only=True)
class Lowercase(TextMembershipAttack):
    """Scores a text by its log-probability, less that of the same text in lower case."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2021, section 5.2 (arXiv:2012.07805)"
    caveat: ClassVar[str] = "Says nothing of texts without capitals, nor of models that know none."
    price: ClassVar[str] = "two answers a text"

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) the difference over the text's tokens, in nats a token."""
        whole = token_log_probs(scene.target, scene.texts)
        lower = token_log_probs(scene.target, [text.lower() for text in scene.texts])
        return np.array([(w.sum() - x.sum()) / len(w) for w, x in zip(whole, lower, strict=True)])
