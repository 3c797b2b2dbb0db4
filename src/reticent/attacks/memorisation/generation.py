"""Free generation: have the model write a great deal, and look first at what it finds too likely.

Carlini, Tramèr, Wallace, Jagielski, Herbert-Voss, Lee, Roberts, Brown, Song, Erlingsson, Oprea & Raffel,
"Extracting Training Data from Large Language Models", USENIX Security 2021, arXiv:2012.07805, sections 4
and 5.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import RecitationAttack
from reticent.attacks.options import among, number
from reticent.errors import DataError
from reticent.recitation import RecitationScene, Recited

TOGETHER = 32
"""Texts that are generated at a time: what a spent budget leaves."""

Rank = Literal["perplexity", "zlib", "reference"]


@dataclass(frozen=True, kw_only=True)
class FreeGeneration(RecitationAttack):
    """Texts drawn from the start or after each prompt, all of them looked at (Carlini et al. 2021).

    Attributes:
        texts: to generate; prompts take turns.
        length: of each, in tokens.
        temperature: by which log-probabilities are divided.
        top_k: likeliest tokens drawn from; 0 for all.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Carlini et al. 2021, arXiv:2012.07805, section 4"
    price: ClassVar[str] = "200 generations of 128 tokens"
    caveat: ClassVar[str] = "finds what a model recites by itself, a small part of what it has memorised"

    texts: int = 200
    length: int = 128
    temperature: float = 1.0
    top_k: int = 40

    def __post_init__(self) -> None:
        number("texts", self.texts, low=1)
        number("length", self.length, low=1)
        number("temperature", self.temperature, low=0)
        number("top_k", self.top_k, low=0)

    def recite(self, scene: RecitationScene) -> Iterator[Recited]:
        """Yield every text."""
        return generated(
            scene,
            scene.prompts,
            count=self.texts,
            length=self.length,
            temperature=self.temperature,
            top_k=self.top_k,
        )


@dataclass(frozen=True, kw_only=True)
class RankedGeneration(RecitationAttack):
    """Texts drawn, and of them those that the model finds likelier than it should (Carlini et al. 2021).

    Attributes:
        rank: by perplexity; by bits of the model over bits of zlib; or by perplexity over that of a reference
            model, each lowest first.
        texts: to generate; prompts take turns.
        kept: of them.
        length: of each, in tokens.
        temperature: by which log-probabilities are divided.
        top_k: likeliest tokens drawn from; 0 for all.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Carlini et al. 2021, arXiv:2012.07805, section 5.1"
    price: ClassVar[str] = "200 generations of 128 tokens, and an answer for each"
    caveat: ClassVar[str] = (
        "a text that repeats itself is likely too; zlib and a reference model find that out"
    )

    rank: Rank = "zlib"
    texts: int = 200
    kept: int = 50
    length: int = 128
    temperature: float = 1.0
    top_k: int = 40

    def __post_init__(self) -> None:
        among("rank", self.rank, get_args(Rank))
        number("texts", self.texts, low=1)
        number("kept", self.kept, low=1, high=self.texts)
        number("length", self.length, low=1)
        number("temperature", self.temperature, low=0)
        number("top_k", self.top_k, low=0)

    def recite(self, scene: RecitationScene) -> Iterator[Recited]:
        """Yield the texts that rank first, first.

        Raises:
            DataError: a reference model is needed, and there is none.
        """
        if self.rank == "reference" and scene.reference is None:
            raise DataError("rank = 'reference' needs a reference model; give one, or rank by zlib")
        made = [
            text.text
            for text in generated(
                scene,
                scene.prompts,
                count=self.texts,
                length=self.length,
                temperature=self.temperature,
                top_k=self.top_k,
            )
            if text.text
        ]
        for place in np.argsort(self._scores(scene, made), kind="stable")[: self.kept]:
            yield Recited(made[place])

    def _scores(self, scene: RecitationScene, made: list[str]) -> FloatArray:
        """(texts,) lower for what is rather memorised."""
        texts = [scene.target.encode(t)[: scene.target.longest] for t in made]
        told = scene.target.log_probs(texts)
        if self.rank == "zlib":
            read = [scene.target.decode(t) for t in texts]
            return np.array(
                [-f.sum() / len(zlib.compress(r.encode())) for f, r in zip(told, read, strict=True)]
            )
        surprise = np.array([-f.mean() if len(f) else np.inf for f in told])
        if self.rank == "perplexity" or scene.reference is None:
            return surprise
        asked = [scene.reference.encode(t)[: scene.reference.longest] for t in made]
        # The ratio of two perplexities, in logarithms
        usual = [f.mean() if len(f) else 0.0 for f in scene.reference.log_probs(asked)]
        return np.asarray(surprise + np.array(usual))


def generated(
    scene: RecitationScene,
    prompts: Sequence[str],
    *,
    count: int,
    length: int,
    temperature: float,
    top_k: int,
) -> Iterator[Recited]:
    """Texts after prompts that take turns, a few at a time.

    Raises:
        TargetError, QueryLimit: as the target's `generate`.
    """
    for start in range(0, count, TOGETHER):
        some = [
            scene.target.encode(prompts[i % len(prompts)]) for i in range(start, min(start + TOGETHER, count))
        ]
        made = scene.target.generate(
            some, length=length, temperature=temperature, top_k=top_k, seed=scene.seed + start
        )
        yield from (Recited(scene.target.decode(tokens)) for tokens in made)
