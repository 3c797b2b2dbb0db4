"""A language model under attack, and how much of it the attacker sees.

The ladder is the classifiers': LABELS gives texts alone, SCORES the log-probabilities of the tokens it is
shown, LOGITS those of every token of the vocabulary at every place, WEIGHTS the module.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.errors import QueryLimit, TargetError


class LanguageModel(Protocol):
    """A model of texts, token by token.

    A text is an array of tokens (length,), with whatever the model wants before it: `encode` puts it there.
    The first token is given, never scored.

    Attributes:
        access: the highest rung that it grants.
        vocabulary: tokens that there are; 0 where that is not told.
        longest: tokens that it reads at a time.
    """

    @property
    def access(self) -> Access: ...

    @property
    def vocabulary(self) -> int: ...

    @property
    def longest(self) -> int: ...

    def encode(self, text: str) -> IntArray:
        """(length,) the tokens of a text, after those that the model wants before it."""

    def decode(self, tokens: IntArray) -> str:
        """The text of tokens, without those that stand for no text."""

    def log_probs(self, texts: Sequence[IntArray]) -> tuple[FloatArray, ...]:
        """(length - 1,) for each text: the log-probability of each token after the first, in nats."""

    def distributions(self, texts: Sequence[IntArray]) -> Iterator[FloatArray]:
        """(length, vocabulary) for each text: log-probabilities of what comes after each token, in nats."""

    def generate(
        self,
        prompts: Sequence[IntArray],
        *,
        length: int,
        temperature: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> tuple[IntArray, ...]:
        """Up to `length` tokens that follow each prompt, without it.

        Args:
            temperature: 0 for the likeliest token every time.
            top_k: likeliest tokens drawn from; 0 for all.
            seed: the same seed, the same texts, where the model can promise it.
        """

    def fingerprint(self) -> str:
        """A hash of the model's content, never of its name."""


@dataclass(frozen=True, eq=False)
class OutputLayer:
    """The last layer of a language model, as its answers tell it.

    Attributes:
        width: its inputs: the model's hidden dimension. weight: (vocabulary, width) its weights, up to an
        invertible matrix from the right, each token's less the
            mean of all tokens': answers that are log-probabilities hold no more.
        sizes: (up to answers,) the singular values that told the width, greatest first.
        answers: distributions that were looked at.
    """

    width: int
    weight: FloatArray
    sizes: FloatArray
    answers: int


class MeteredLanguage:
    """What an attack on texts is given: a model capped at a rung, each text and token counted.

    Attributes:
        queries: texts asked about, and texts asked for.
        tokens: of all of them together: what an endpoint would charge for.
    """

    def __init__(
        self, model: LanguageModel, access: Access | None = None, *, limit: int | None = None
    ) -> None:
        self._model = model
        self.access = model.access if access is None else min(access, model.access)
        self.vocabulary, self.longest = model.vocabulary, model.longest
        self.limit = limit
        self.queries, self.tokens = 0, 0

    def encode(self, text: str) -> IntArray:
        """(length,) the tokens of a text."""
        return self._model.encode(text)

    def decode(self, tokens: IntArray) -> str:
        """The text of tokens."""
        return self._model.decode(tokens)

    def log_probs(self, texts: Sequence[IntArray]) -> tuple[FloatArray, ...]:
        """(length - 1,) for each text: the log-probability of each token after the first, in nats.

        Raises:
            TargetError: the rung gives no log-probabilities.
            QueryLimit: more texts than are still allowed; none is asked then.
        """
        self._granted(Access.SCORES)
        self._count(texts)
        return self._model.log_probs(texts)

    def distributions(self, texts: Sequence[IntArray]) -> Iterator[FloatArray]:
        """(length, vocabulary) for each text: log-probabilities of what comes after each token, in nats.

        Raises:
            TargetError, QueryLimit: as in `log_probs`.
        """
        self._granted(Access.LOGITS)
        self._count(texts)
        return self._model.distributions(texts)

    def generate(
        self,
        prompts: Sequence[IntArray],
        *,
        length: int,
        temperature: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> tuple[IntArray, ...]:
        """Up to `length` tokens that follow each prompt, without it.

        Raises:
            QueryLimit: as in `log_probs`.
        """
        self._count(prompts)
        made = self._model.generate(prompts, length=length, temperature=temperature, top_k=top_k, seed=seed)
        self.tokens += sum(map(len, made))
        return made

    def _granted(self, needed: Access) -> None:
        if self.access < needed:
            what = {
                Access.SCORES: "log-probabilities of tokens",
                Access.LOGITS: "those of the whole vocabulary",
            }
            raise TargetError(f"{what[needed]} are needed, and {self.access} are granted")

    def _count(self, texts: Sequence[IntArray]) -> None:
        if self.limit is not None and self.queries + len(texts) > self.limit:
            raise QueryLimit(
                f"{len(texts):,} more texts were needed and {self.limit - self.queries:,} of {self.limit:,} "
                "are left; raise the query limit or attack fewer texts"
            )
        self.queries += len(texts)
        self.tokens += int(np.sum([len(t) for t in texts]))
