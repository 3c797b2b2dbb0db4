"""Discoverable extraction: given the beginning of a training text, does the model write the rest?

Carlini, Ippolito, Jagielski, Lee, Tramèr & Zhang, "Quantifying Memorization Across Neural Language Models",
ICLR 2023, arXiv:2202.07646: greedily, 50 tokens after 50 (definition 3.1). Hayes, Swanberg, Chaudhari, Yona,
Shumailov, Nasr, Choquette-Choo, Lee & Cooper, "Measuring memorization in language models via probabilistic
extraction", NAACL 2025, arXiv:2410.19482: in n draws of a sampling scheme with probability p, that is where
1 - (1 - p_z)^n >= p (section 4), p_z being the product of the scheme's probabilities of the rest's tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.attacks.attack import ContinuationAttack
from reticent.attacks.options import number
from reticent.language import MeteredLanguage


@dataclass(frozen=True, kw_only=True)
class GreedyContinuation(ContinuationAttack):
    """Always the likeliest token after the beginning of a text (Carlini et al. 2023)."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Carlini et al. 2023, arXiv:2202.07646, definition 3.1"
    price: ClassVar[str] = "a generation a text"
    caveat: ClassVar[str] = "one try: what comes with the second likeliest token it misses"
    draws: ClassVar[bool] = False

    def log_chances(
        self, target: MeteredLanguage, beginnings: Sequence[IntArray], rests: Sequence[IntArray]
    ) -> FloatArray:
        """Return (texts,) nought where the model writes the rest, else minus infinity."""
        made = target.generate(beginnings, length=max(map(len, rests)), temperature=0)
        same = [np.array_equal(m[: len(rest)], rest) for m, rest in zip(made, rests, strict=True)]
        return np.where(same, 0.0, -np.inf)


@dataclass(frozen=True, kw_only=True)
class SampledContinuation(ContinuationAttack):
    """Tokens drawn as the model says (Hayes et al. 2024, at temperature 1)."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Hayes et al. 2024, arXiv:2410.19482, section 4"
    price: ClassVar[str] = "an answer a text"
    caveat: ClassVar[str] = "says what n draws would bring: it does not draw them"

    def log_chances(
        self, target: MeteredLanguage, beginnings: Sequence[IntArray], rests: Sequence[IntArray]
    ) -> FloatArray:
        """Return (texts,) the sum of the log-probabilities of the rest's tokens."""
        texts = [np.concatenate(both) for both in zip(beginnings, rests, strict=True)]
        found = target.log_probs(texts)
        return np.array([f[len(f) - len(rest) :].sum() for f, rest in zip(found, rests, strict=True)])


@dataclass(frozen=True, kw_only=True)
class TruncatedContinuation(ContinuationAttack):
    """Tokens drawn among the likeliest, at a temperature (Hayes et al. 2024).

    Attributes:
        top_k: likeliest tokens drawn from; 0 for all.
        temperature: by which log-probabilities are divided.
    """

    needs: ClassVar[Access] = Access.LOGITS
    source: ClassVar[str] = "Hayes et al. 2024, arXiv:2410.19482, section 4"
    price: ClassVar[str] = "the distributions at every place of a text"
    caveat: ClassVar[str] = "says what n draws would bring: it does not draw them"

    top_k: int = 40
    temperature: float = 1.0

    def __post_init__(self) -> None:
        number("top_k", self.top_k, low=0)
        number("temperature", self.temperature, low=1e-6)

    def log_chances(
        self, target: MeteredLanguage, beginnings: Sequence[IntArray], rests: Sequence[IntArray]
    ) -> FloatArray:
        """Return (texts,) the sum of the scheme's log-probabilities; -inf where a token is cut off."""
        texts = [np.concatenate(both) for both in zip(beginnings, rests, strict=True)]
        told = zip(target.distributions(texts), rests, strict=True)
        return np.array([self._chance(found[-len(rest) - 1 : -1], rest) for found, rest in told])

    def _chance(self, told: FloatArray, rest: IntArray) -> float:
        """Of one rest (length,) by the distributions (length, vocabulary) before each of its tokens."""
        scores = told / self.temperature
        if self.top_k:
            kept = min(self.top_k, scores.shape[1])
            least = np.partition(scores, -kept, axis=1)[:, -kept]
            scores = np.where(scores < least[:, None], -np.inf, scores)
        highest = scores.max(axis=1)
        whole = highest + np.log(np.exp(scores - highest[:, None]).sum(axis=1))
        return float((scores[np.arange(len(rest)), rest] - whole).sum())
