"""Exposure: how much earlier than by chance a planted sentence comes among all of its form.

Carlini, Liu, Erlingsson, Kos & Song 2019, arXiv:1802.08232. Exposure = log2 |R| - log2 rank (definition 3),
by the rank itself (section 7, a shortest path through prefixes, or every sentence) or by sentences drawn at
random (section 4.4).
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

import numpy as np

from reticent.access import Access, IntArray
from reticent.attacks.attack import CanaryAttack
from reticent.attacks.options import number
from reticent.errors import DataError
from reticent.language import MeteredLanguage
from reticent.recitation import CanaryScene, Filling, sentence_log_probs

TOGETHER = 64
"""Prefixes that are asked about at a time."""


@dataclass(frozen=True, kw_only=True)
class ShortestPath(CanaryAttack):
    """Sentences likeliest first, by a shortest path over prefixes (Carlini et al. 2019, section 7).

    No sentence is likelier than a prefix of it, so the first whole sentence that comes up is the likeliest of
    those left (Dijkstra). Places to fill must be a token a symbol.

    Attributes:
        most: sentences that are listed; of a canary that is not among them it is known that it comes later.
    """

    needs: ClassVar[Access] = Access.LOGITS
    source: ClassVar[str] = "Carlini et al. 2019, arXiv:1802.08232, section 7"
    price: ClassVar[str] = (
        "a distribution for each prefix that is as likely as the canary: few where it is known"
    )
    caveat: ClassVar[str] = "only of forms whose places to fill are a token a symbol"
    ordered: ClassVar[bool] = True

    most: int = 20_000

    def __post_init__(self) -> None:
        number("most", self.most, low=1)

    def fillings(self, scene: CanaryScene) -> Iterator[Filling]:
        """Yield sentences of the form, likeliest first.

        Raises:
            DataError: the tokenizer joins symbols of the form's places, or gives none before the first.
        """
        return islice(self._all(scene), self.most)

    def _all(self, scene: CanaryScene) -> Iterator[Filling]:
        places, head, tail = scene.form.places, scene.form.head, scene.form.tail
        end = len(places) - len(tail)
        if not len(scene.target.encode(head)):
            raise DataError(
                "the form begins with a place to fill, and the model wants a token before it; begin the form "
                "with a word"
            )
        start = scene.target.log_probs([scene.target.encode(head)])[0].sum()
        waiting: list[tuple[float, str]] = [(-float(start), head)]
        while waiting:
            if len(waiting[0][1]) == len(places):
                cost, sentence = heapq.heappop(waiting)
                yield Filling(sentence, -cost)
                continue
            some = [heapq.heappop(waiting)]
            while waiting and len(some) < TOGETHER and len(waiting[0][1]) < len(places):
                some.append(heapq.heappop(waiting))
            short = [(cost, prefix) for cost, prefix in some if len(prefix) < end]
            for cost, prefix in _longer(scene.target, short, places):
                heapq.heappush(waiting, (cost, prefix))
            filled = [(cost, prefix) for cost, prefix in some if len(prefix) == end]
            for cost, sentence in _ended(scene.target, filled, tail):
                heapq.heappush(waiting, (cost, sentence))


def _longer(
    target: MeteredLanguage, some: list[tuple[float, str]], places: tuple[str, ...]
) -> Iterator[tuple[float, str]]:
    """Every prefix with every symbol that may come next, at what it costs in nats."""
    texts = [target.encode(prefix) for _, prefix in some]
    for (cost, prefix), text, told in zip(some, texts, target.distributions(texts), strict=True):
        for symbol in places[len(prefix)]:
            token = _after(text, target.encode(prefix + symbol))
            if len(token) != 1:
                raise DataError(
                    "the model's tokenizer joins symbols of the form's places, so that no prefix stands for "
                    "itself; use enumeration or sampled-exposure"
                )
            yield cost - float(told[-1, token[0]]), prefix + symbol


def _ended(target: MeteredLanguage, some: list[tuple[float, str]], tail: str) -> Iterator[tuple[float, str]]:
    texts = [target.encode(prefix) for _, prefix in some]
    whole = [target.encode(prefix + tail) for _, prefix in some]
    for (cost, prefix), text, all_of_it, found in zip(
        some, texts, whole, target.log_probs(whole), strict=True
    ):
        rest = len(_after(text, all_of_it))
        if not rest:
            raise DataError(
                "the model's tokenizer joins the form's last symbol to what follows it; use enumeration or "
                "sampled-exposure"
            )
        yield cost - float(found[len(found) - rest :].sum()), prefix + tail


def _after(text: IntArray, longer: IntArray) -> IntArray:
    """The tokens that come after a text's; none where the longer text is not cut the same way."""
    return longer[len(text) :] if np.array_equal(longer[: len(text)], text) else longer[:0]


@dataclass(frozen=True, kw_only=True)
class Enumeration(CanaryAttack):
    """Every sentence of the form, sorted by its likelihood (Carlini et al. 2019, definition 3).

    Attributes:
        most: sentences of a form, above which it refuses.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2019, arXiv:1802.08232, section 4.2"
    price: ClassVar[str] = "an answer for every sentence of the form"
    caveat: ClassVar[str] = "only of small forms"
    ordered: ClassVar[bool] = True

    most: int = 100_000

    def __post_init__(self) -> None:
        number("most", self.most, low=2)

    def fillings(self, scene: CanaryScene) -> Iterator[Filling]:
        """Yield every sentence of the form, likeliest first.

        Raises:
            DataError: the form has more sentences than `most`.
        """
        if scene.form.size > self.most:
            raise DataError(
                f"the form has {scene.form.size:,} sentences and most = {self.most:,} are enumerated; use "
                "shortest-path or sampled-exposure"
            )
        sentences = scene.form.all()
        found = sentence_log_probs(scene.target, sentences)
        for place in np.argsort(-found, kind="stable"):
            yield Filling(sentences[place], float(found[place]))


@dataclass(frozen=True, kw_only=True)
class SampledExposure(CanaryAttack):
    """Sentences of the form drawn at random (Carlini et al. 2019, section 4.4).

    The share that is likelier than the canary has an exact interval; beyond one in `draws` a skew-normal law
    of the log-probabilities says which value within it.

    Attributes:
        draws: sentences.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2019, arXiv:1802.08232, section 4.4"
    price: ClassVar[str] = "2,000 answers for all canaries of a form"
    caveat: ClassVar[str] = "an exposure of more than log2 of the draws is known from below alone"
    ordered: ClassVar[bool] = False

    draws: int = 2_000

    def __post_init__(self) -> None:
        number("draws", self.draws, low=10)

    def fillings(self, scene: CanaryScene) -> Iterator[Filling]:
        """Yield sentences of the form, any of them as likely as any other."""
        drawn = scene.form.draw(self.draws, scene.seed)
        for sentence, found in zip(drawn, sentence_log_probs(scene.target, drawn), strict=True):
            yield Filling(sentence, float(found))
