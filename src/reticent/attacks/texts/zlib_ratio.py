"""How likely the model finds a text for how much there is in it.

Carlini et al. 2021 (USENIX Security, arXiv:2012.07805), section 5.2: the model's surprise beside the size
to which zlib compresses the text, which knows repetition and nothing else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import token_log_probs
from reticent.text_scene import TextScene


@dataclass(frozen=True, kw_only=True)
class ZlibRatio(TextMembershipAttack):
    """Scores a text by its log-probability, over its size once compressed."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2021, section 5.2 (arXiv:2012.07805)"
    caveat: ClassVar[str] = "Of short texts the compressed size is mostly overhead."

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) log-probability a compressed bit, in nats."""
        told = np.array([scores.sum() for scores in token_log_probs(scene.target, scene.texts)])
        bits = np.array([8 * len(zlib.compress(text.encode())) for text in scene.texts])
        return np.asarray(told / bits)
