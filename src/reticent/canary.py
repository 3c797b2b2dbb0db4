"""Records made to be remembered: put into training data by coin flips, they show what a training keeps.

Mislabelled records are the worst case of many defences, and mislabelled twins that of those which let some
models vouch for what others were not shown (Aerni, Zhang & Tramèr, CCS 2024, arXiv:2404.17399, section 4).
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum

import numpy as np

from reticent.access import IntArray
from reticent.data import Records, concat
from reticent.errors import DataError


class Canary(Enum):
    """What a canary is."""

    NATURAL = "natural"
    """A record as it is: what an ordinary person in the data is exposed to."""

    MISLABELLED = "mislabelled"
    """A record with another label, drawn at random: it can only be known by heart, so it shows more."""

    TWINS = "mislabelled twins"
    """A mislabelled record that is there twice, or not at all: a model that was not shown the one learns its
    label from the other."""

    @property
    def copies(self) -> int:
        """How many equal records make one canary."""
        return 2 if self is Canary.TWINS else 1


def with_canaries(data: Records, canaries: int, canary: Canary, seed: int) -> Records:
    """The records, `canaries` of them drawn at random, turned into what `canary` says and put last.

    Twins stand beside each other.

    Raises:
        DataError: fewer than one ordinary record would be left for each canary.
    """
    if canaries < 1 or len(data) < 2 * canaries:
        raise DataError(
            f"{canaries:,} canaries were asked for among {len(data):,} records; give at most half"
        )
    if canary is not Canary.NATURAL and len(data.classes) < 2:
        raise DataError("the records know one class and a canary needs another; give natural canaries")
    rng = np.random.default_rng([seed, 5])
    order = rng.permutation(len(data))
    base, last = data.take(order[canaries:]), data.take(order[:canaries])
    if canary is not Canary.NATURAL:
        shift = rng.integers(1, len(data.classes), canaries)
        last = _relabelled(last, (last.labels + shift) % len(data.classes))
    return concat([base, last.take(np.repeat(np.arange(canaries), canary.copies))])


def _relabelled(data: Records, labels: IntArray) -> Records:
    return replace(data, labels=labels)
