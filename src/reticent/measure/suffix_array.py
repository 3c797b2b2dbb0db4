"""Which parts of one text stand verbatim in another: a suffix array, sorted by prefix doubling.

Manber & Myers, "Suffix arrays: a new method for on-line string searches", SIAM Journal on Computing 22
(1993):
suffixes sorted by their first 2k symbols are sorted by 4k from the ranks that they have already. Matching
walks down the array one symbol at a time, all places of the query at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reticent.measure._checked import Ints

BETWEEN = -1
"""Stands between two texts, so that nothing is found that runs over from one into the next."""


@dataclass(frozen=True, eq=False)
class SuffixArray:
    """A text of symbols from 0 on, and the order of its suffixes.

    Attributes:
        text: (length,) symbols, `BETWEEN` two texts.
        order: (length,) where the suffixes start, in lexicographic order.
    """

    text: Ints
    order: Ints

    @classmethod
    def of(cls, texts: Sequence[str]) -> SuffixArray:
        """Sort the suffixes of texts, by characters."""
        return cls.of_symbols([symbols(t) for t in texts])

    @classmethod
    def of_symbols(cls, texts: Sequence[Ints]) -> SuffixArray:
        """Sort the suffixes of sequences of symbols: characters, bytes or tokens."""
        ends = np.array([BETWEEN])
        text = np.concatenate([np.zeros(0, np.int64), *(part for t in texts for part in (t, ends))])
        return cls(text, _sorted_suffixes(text))

    def reach(self, text: Ints, *, most: int = 1000) -> Ints:
        """(length,) how many symbols from each place of `text` on stand in here verbatim, `most` at most."""
        reached = np.zeros(len(text), dtype=np.int64)
        going = np.arange(len(text))
        low, high = np.zeros(len(text), dtype=np.int64), np.full(len(text), len(self.order))
        for deep in range(min(most, len(text))):
            inside = going + deep < len(text)
            going, low, high = going[inside], low[inside], high[inside]
            wanted = text[going + deep]
            low, high = self._first(wanted, low, high, deep), self._first(wanted + 1, low, high, deep)
            found = low < high
            going, low, high = going[found], low[found], high[found]
            if not len(going):
                break
            reached[going] = deep + 1
        return reached

    def _first(self, wanted: Ints, low: Ints, high: Ints, deep: int) -> Ints:
        """The first suffix from `low` on, before `high`, whose symbol `deep` in is at least the one wanted.

        Within each stretch all suffixes agree on the symbols before, so those there are in order.
        """
        low, high = low.copy(), high.copy()
        while (searching := low < high).any():
            middle = (low + high) // 2
            places = np.minimum(
                self.order[np.minimum(middle, len(self.order) - 1)] + deep, len(self.text) - 1
            )
            below = searching & (self.text[places] < wanted)
            low = np.where(below, middle + 1, low)
            high = np.where(searching & ~below, middle, high)
        return low


def symbols(text: str) -> Ints:
    """(length,) the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.int64)


def _sorted_suffixes(text: Ints) -> Ints:
    ranks = np.unique(text, return_inverse=True)[1].astype(np.int64)
    order, step = np.argsort(ranks, kind="stable"), 1
    while len(text) and ranks[order[-1]] < len(text) - 1:
        after = np.zeros_like(ranks)
        after[:-step] = ranks[step:] + 1
        keys = ranks * (len(text) + 1) + after
        order = np.argsort(keys, kind="stable")
        ranks[order] = np.concatenate([[0], np.cumsum(np.diff(keys[order]) > 0)])
        step *= 2
    return order
