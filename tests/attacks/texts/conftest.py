"""Language models in closed form: one that remembers texts word for word, and one that knows nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from reticent.access import Access
from reticent.language import MeteredLanguage
from reticent.text_scene import TextScene

LETTERS = " abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."


class Heart:
    """Expects the letter that followed the last two in what it learnt by heart, all letters alike
    elsewhere."""

    vocabulary = len(LETTERS)

    def __init__(
        self,
        texts: Sequence[str] = (),
        *,
        longest: int = 16,
        access: Access = Access.LOGITS,
        sure: float = 6.0,
    ) -> None:
        self.access, self.longest, self.sure = access, longest, sure
        self.follows: dict[tuple[int, int], set[int]] = {}
        for text in texts:
            tokens = self.encode(text).tolist()
            for a, b, c in zip(tokens, tokens[1:], tokens[2:], strict=False):
                self.follows.setdefault((a, b), set()).add(c)

    def encode(self, text: str) -> Any:
        return np.array([LETTERS.index(c) for c in text], dtype=np.int64)

    def decode(self, tokens: Any) -> str:
        return "".join(LETTERS[t] for t in tokens)

    def distributions(self, texts: Any) -> Any:
        for text in texts:
            logits = np.zeros((len(text), self.vocabulary))
            for place in range(1, len(text)):
                after = self.follows.get((int(text[place - 1]), int(text[place])), ())
                logits[place, list(after)] = self.sure
            yield logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def log_probs(self, texts: Any) -> Any:
        told = self.distributions(texts)
        return tuple(d[np.arange(len(t) - 1), t[1:]] for t, d in zip(texts, told, strict=True))

    def generate(self, prompts: Any, **options: Any) -> Any:
        raise NotImplementedError

    def fingerprint(self) -> str:
        return f"heart {sorted(self.follows)}"


def sentences(count: int, seed: int) -> list[str]:
    """Words of random letters; some begin with a capital."""
    rng = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))

    def word() -> str:
        made = "".join(rng.choice(letters, size=rng.integers(2, 7)))
        return made.capitalize() if rng.random() < 0.4 else made

    return [" ".join(word() for _ in range(rng.integers(4, 9))) + "." for _ in range(count)]


@pytest.fixture
def heart() -> type[Heart]:
    """The model."""
    return Heart


@pytest.fixture
def texts() -> Any:
    """Makes texts."""
    return sentences


@pytest.fixture
def text_scene() -> Any:
    """Makes a scene: texts learnt by heart, others, and some known to be no members, which end it."""

    def make(
        model: Any, members: list[str], others: list[str], known: list[str], **options: Any
    ) -> TextScene:
        every = [*members, *others, *known]
        flags = np.arange(len(every)) >= len(members) + len(others)
        return TextScene(MeteredLanguage(model), every, flags, **options)

    return make
