"""Canaries among texts: sentences with a random part, put into training texts to see what a model keeps.

Carlini, Liu, Erlingsson, Kos & Song, "The Secret Sharer: Evaluating and Testing Unintended Memorization in
Neural Networks", USENIX Security 2019, arXiv:1802.08232, section 4.
"""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod

import numpy as np

from reticent.errors import DataError

_SLOT = re.compile(r"\{(digits|letters):([1-9][0-9]?)\}")
_SYMBOLS = {"digits": string.digits, "letters": string.ascii_lowercase}


@dataclass(frozen=True)
class Form:
    """A sentence with places to fill: "the random number is {digits:9}", "{letters:4} lives in {digits:5}".

    Raises:
        DataError: it has no place to fill, or one that does not read.
    """

    text: str

    def __post_init__(self) -> None:
        if not _SLOT.search(self.text) or "{" in _SLOT.sub("", self.text):
            raise DataError(
                f"the form {self.text!r} was given; give a sentence with places such as {{digits:9}} or "
                "{letters:4}"
            )

    @cached_property
    def places(self) -> tuple[str, ...]:
        """The symbols that may stand at each place of the text; a single one where it is fixed."""
        found, end = list[str](), 0
        for slot in _SLOT.finditer(self.text):
            found += [*self.text[end : slot.start()], *[_SYMBOLS[slot[1]]] * int(slot[2])]
            end = slot.end()
        return (*found, *self.text[end:])

    @property
    def size(self) -> int:
        """Sentences of this form: |R|."""
        return prod(map(len, self.places))

    @property
    def head(self) -> str:
        """The fixed text before the first place to fill."""
        return "".join(self.places[: self._free[0]])

    @property
    def tail(self) -> str:
        """The fixed text after the last place to fill."""
        return "".join(self.places[self._free[-1] + 1 :])

    @property
    def _free(self) -> list[int]:
        return [i for i, symbols in enumerate(self.places) if len(symbols) > 1]

    def holds(self, sentence: str) -> bool:
        """Whether a sentence is of this form."""
        return len(sentence) == len(self.places) and all(
            c in p for c, p in zip(sentence, self.places, strict=True)
        )

    def all(self) -> list[str]:
        """Every sentence of this form, in order."""
        return ["".join(filled) for filled in product(*self.places)]

    def draw(self, count: int, seed: int) -> list[str]:
        """As many sentences of this form, each place filled at random."""
        rng = np.random.default_rng(seed)
        columns = [rng.choice(list(symbols), count) for symbols in self.places]
        return ["".join(filled) for filled in zip(*columns, strict=True)]


@dataclass(frozen=True)
class Planted:
    """A sentence that was put into training texts.

    Attributes:
        form: what everybody knows of it.
        sentence: what nobody should.
        times: how often it was put in; 0 for one that stays outside, with which the others are compared.

    Raises:
        DataError: the sentence is not of its form, or the times are below 0.
    """

    form: Form
    sentence: str
    times: int

    def __post_init__(self) -> None:
        if not self.form.holds(self.sentence):
            raise DataError(
                f"a canary of {len(self.sentence)} characters was given that is not of the form "
                f"{self.form.text!r}; draw it with Form.draw"
            )
        if self.times < 0:
            raise DataError(f"times = {self.times} was given for a canary; give 0 or more")


def canaries(form: str, times: Sequence[int], *, each: int = 1, seed: int = 0) -> tuple[Planted, ...]:
    """Draw canaries of a form, all different.

    Args:
        form: such as "the random number is {digits:9}".
        times: how often to put in those of each group.
        each: canaries of a group.

    Raises:
        DataError: the form does not read, or has fewer sentences than are to be drawn.
    """
    made = Form(form)
    wanted = each * len(times)
    if made.size < 2 * wanted:
        raise DataError(
            f"{wanted} canaries were wanted of {made.size} of the form {form!r}; give a longer one"
        )
    drawn = dict.fromkeys(made.draw(wanted, seed))
    while len(drawn) < wanted:
        seed += 1_000_003
        drawn |= dict.fromkeys(made.draw(wanted - len(drawn), seed))
    return tuple(Planted(made, s, times[i // each]) for i, s in enumerate(drawn))


def plant(texts: Sequence[str], planted: Sequence[Planted], *, seed: int = 0) -> list[str]:
    """Put canaries between texts, each as often as it says, at places drawn at random."""
    copies = [p.sentence for p in planted for _ in range(p.times)]
    rng = np.random.default_rng(seed)
    where = rng.integers(len(texts) + 1, size=len(copies))
    found = list[str]()
    for place in range(len(texts) + 1):
        found += [copies[i] for i in np.flatnonzero(where == place)]
        found += texts[place : place + 1]
    return found
