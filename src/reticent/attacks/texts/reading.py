"""What a language model says of texts of any length, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.errors import DataError
from reticent.language import LanguageModel, MeteredLanguage


def windows(tokens: IntArray, longest: int) -> list[IntArray]:
    """A text in pieces that a model can read, each beginning with the last token of the one before, so that
    each token after the first is scored once.
    """
    step = longest - 1
    return [tokens[i : i + longest] for i in range(0, max(len(tokens) - 1, 1), step)]


def encoded(model: LanguageModel | MeteredLanguage, texts: Sequence[str]) -> list[IntArray]:
    """The tokens of each text.

    Raises:
        DataError: a text of less than two tokens, of which nothing is scored.
    """
    tokens = [model.encode(text) for text in texts]
    short = [n for n, t in enumerate(tokens) if len(t) < 2]
    if short:
        raise DataError(
            f"text {short[0]} has less than two tokens, so nothing of it is scored; leave out texts "
            "that short"
        )
    return tokens


def token_log_probs(model: LanguageModel | MeteredLanguage, texts: Sequence[str]) -> list[FloatArray]:
    """(tokens - 1,) of each text: the log-probability of each token after the first, in nats.

    Raises:
        DataError: a text of less than two tokens.
    """
    pieces = [windows(t, model.longest) for t in encoded(model, texts)]
    told = iter(model.log_probs([piece for text in pieces for piece in text]))
    return [np.concatenate([next(told) for _ in text]) for text in pieces]


def mean_log_probs(model: LanguageModel | MeteredLanguage, texts: Sequence[str]) -> FloatArray:
    """(texts,) the mean log-probability of a token, in nats."""
    return np.array([scores.mean() for scores in token_log_probs(model, texts)])


def lowest(scores: FloatArray, share: float) -> float:
    """The mean of the lowest share of some scores, of one at least."""
    count = max(1, int(share * len(scores)))
    return float(np.sort(scores)[:count].mean())
