"""What somebody who wants a model to recite is handed, and what comes of it: never a training text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from reticent.access import FloatArray
from reticent.errors import DataError, QueryLimit
from reticent.language import LanguageModel, MeteredLanguage
from reticent.planted import Form


@dataclass(frozen=True)
class Recited:
    """A text that a model was brought to write.

    Attributes:
        text: what it wrote, without what it was given.
        plain: whether it was written without the attack's trick, to see what the trick adds.
    """

    text: str
    plain: bool = False


@dataclass(frozen=True, eq=False)
class RecitationScene:
    """A language model to be brought to recite.

    Attributes:
        target: the model, capped at the rung granted and metered.
        prompts: beginnings, such as an attacker finds on the internet; the empty one alone where none were
            given.
        reference: another model of such texts, to tell what is likely anyway; None where the attacker has
            none.
        seed: of everything random that an attack does.
    """

    target: MeteredLanguage
    prompts: Sequence[str] = ("",)
    reference: LanguageModel | None = None
    seed: int = 0


@dataclass(frozen=True, eq=False)
class CanaryScene:
    """A language model, and the form of canaries that may be in it.

    Attributes:
        target: the model, capped at the rung granted and metered.
        form: of the canaries.
        seed: of everything random that an attack does.
    """

    target: MeteredLanguage
    form: Form
    seed: int = 0


@dataclass(frozen=True)
class Filling:
    """A sentence of a form, and its log-probability in nats, all tokens after the first."""

    sentence: str
    log_prob: float


class Translator(Protocol):
    """A model of sequences to sequences: a text in, a text out."""

    def translate(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The answer to each text."""


class MeteredTranslator:
    """What an attack on a translator is given: texts are counted, and only so many answered.

    Attributes:
        queries: texts translated.
    """

    def __init__(self, translator: Translator, *, limit: int | None = None) -> None:
        self._translator, self.limit, self.queries = translator, limit, 0

    def translate(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The answer to each text.

        Raises:
            QueryLimit: more texts than are still allowed; none is translated then.
        """
        if self.limit is not None and self.queries + len(texts) > self.limit:
            raise QueryLimit(
                f"{len(texts):,} more texts were needed and {self.limit - self.queries:,} of {self.limit:,} "
                "are left; raise the query limit or ask fewer"
            )
        self.queries += len(texts)
        return self._translator.translate(texts)


def sentence_log_probs(target: MeteredLanguage, sentences: Sequence[str]) -> FloatArray:
    """(sentences,) the log-probability of each, in nats, all tokens after the first.

    Raises:
        TargetError, QueryLimit: as the target's `log_probs`.
    """
    return np.array([float(f.sum()) for f in target.log_probs([target.encode(s) for s in sentences])])


def check_round_trip(model: LanguageModel, corpus: Sequence[str], *, tried: int = 20) -> None:
    """Raise DataError where texts are not what their tokens decode to: nothing verbatim could be found."""
    wrong = sum(model.decode(model.encode(text)) != text for text in corpus[:tried])
    if wrong:
        raise DataError(
            f"{wrong} of {len(corpus[:tried])} training texts are not what the model's tokens decode to; "
            "give them as the tokenizer reads and writes them (its case, spaces and line ends)"
        )
