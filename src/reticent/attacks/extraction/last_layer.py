"""A language model's hidden dimension and last layer, from its answers alone.

Carlini et al. 2024, "Stealing part of a production language model" (ICML, arXiv:2403.06634), sections 4.1
and 4.2: logits are a linear function of the hidden state, so however many answers are stacked, their rank
is the hidden dimension, and their right singular vectors span the layer's columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import LayerAttack
from reticent.errors import ModelError
from reticent.language import MeteredLanguage, OutputLayer

FLOOR = 1e-12
"""Share of the greatest singular value below which all are alike: the arithmetic's own noise."""


UNEXPLAINED = 1e-2
"""Share of the answers' squares that what lies beyond the width may hold."""


@dataclass(frozen=True, kw_only=True)
class LastLayer(LayerAttack):
    """Counts the singular values of many answers, and takes the vectors that go with them.

    Attributes:
        length: tokens of each random text; every place of it is an answer.
        most: answers beyond which no gap is expected.
        gap: by how much, in nats, singular values must drop at the width.
    """

    needs: ClassVar[Access] = Access.LOGITS
    source: ClassVar[str] = "Carlini et al. 2024, sections 4.1 and 4.2 (arXiv:2403.06634)"
    caveat: ClassVar[str] = (
        "The layer is told up to an invertible matrix, and each token's weights less their mean. After a "
        "normalisation that takes off the mean (LayerNorm) the width told is one too small. Answers "
        "rounded to whole nats hide it."
    )
    length: int = 32
    most: int = 16_384
    gap: float = 1.0

    def recover(self, model: MeteredLanguage, seed: int) -> OutputLayer:
        """Return the layer, up to an invertible matrix from the right.

        Raises:
            ModelError: no width stands out of the answers, or there are fewer tokens than hidden dimensions.
        """
        rng, answers = np.random.default_rng(seed), np.zeros((0, model.vocabulary))
        wanted = 128
        while len(answers) < min(self.most, 4 * model.vocabulary):
            texts = [
                rng.integers(model.vocabulary, size=min(self.length, model.longest))
                for _ in range(-(-(wanted - len(answers)) // min(self.length, model.longest)))
            ]
            told = np.concatenate(list(model.distributions(texts)))
            # A distribution is logits less a number of its own: what is left of them is centred
            answers = np.concatenate([answers, told - told.mean(axis=1, keepdims=True)])
            _, sizes, right = np.linalg.svd(answers, full_matrices=False)
            drop = -np.diff(np.log(np.maximum(sizes, FLOOR * sizes[0])))
            left = np.square(sizes)[::-1].cumsum()[::-1][1:] / np.square(sizes).sum()
            drop[left > UNEXPLAINED] = 0.0  # a width must make up the answers, not just their greatest part
            width = int(drop.argmax()) + 1
            if drop.max() >= self.gap and width <= len(answers) // 2 and width < min(answers.shape) - 1:
                weight = right[:width].T * sizes[:width] / np.sqrt(len(answers))
                return OutputLayer(width, weight, sizes, len(answers))
            wanted *= 2
        raise ModelError(
            f"no hidden dimension stands out of {len(answers):,} answers of {model.vocabulary:,} "
            "tokens: they are rounded too coarsely, or there are fewer tokens than hidden dimensions"
        )


def turned(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    """(tokens, width) ours, by the matrix that brings it nearest to theirs (least squares)."""
    matrix, *_ = np.linalg.lstsq(ours, theirs, rcond=None)
    return np.asarray(ours @ matrix)
