"""How likely the model finds a text: the plainest sign that it learnt from it.

Yeom, Giacomelli, Fredrikson & Jha 2018 (CSF, arXiv:1709.01604); for language models Carlini et al. 2021,
"Extracting training data from large language models" (USENIX Security, arXiv:2012.07805), by perplexity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts.reading import mean_log_probs
from reticent.text_scene import TextScene


@dataclass(frozen=True, kw_only=True)
class TextLoss(TextMembershipAttack):
    """Scores a text by the mean log-probability of its tokens."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Yeom et al. 2018 (arXiv:1709.01604); Carlini et al. 2021 (arXiv:2012.07805)"
    caveat: ClassVar[str] = "Simple texts are likely to any model: they look like members."

    def guess(self, scene: TextScene) -> FloatArray:
        """(texts,) mean log-probability, in nats."""
        return mean_log_probs(scene.target, scene.texts)
