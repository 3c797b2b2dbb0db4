"""How far a synthetic table is from the people it was made from: their marginals, one by one.

Measured on the people themselves, without noise: what is said here is under no guarantee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from reticent.access import FloatArray, IntArray
from reticent.domain import Domain
from reticent.synthesis.selection import Edge, counts

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Distance:
    """How far the tables of columns are from each other: total variation, the share of people who would have
    to move.

    Attributes:
        columns: mean over columns.
        pairs: mean over pairs of columns.
        worst: the pair that is furthest off, and how far.
    """

    columns: float
    pairs: float
    worst: tuple[str, str] | None = None
    worst_pair: float = 0.0


def distance(one: pd.DataFrame, other: pd.DataFrame, domain: Domain) -> Distance:
    """How far one table is from another of the same domain."""
    here, there = domain.encode(one), domain.encode(other)
    return _over(domain, lambda c: _shares(here, domain, c), lambda c: _shares(there, domain, c))


def independence(table: pd.DataFrame, domain: Domain) -> Distance:
    """How far a table is from endless rows with the same columns, drawn independently."""
    cells = domain.encode(table)

    def product(columns: tuple[int, ...]) -> FloatArray:
        alone = [_shares(cells, domain, (c,)) for c in columns]
        return alone[0] if len(alone) == 1 else np.outer(alone[0], alone[1]).ravel()

    return _over(domain, lambda c: _shares(cells, domain, c), product)


def _shares(cells: IntArray, domain: Domain, columns: tuple[int, ...]) -> FloatArray:
    return counts(cells, domain.shape, columns).ravel() / len(cells)


def _over(
    domain: Domain,
    one: Callable[[tuple[int, ...]], FloatArray],
    other: Callable[[tuple[int, ...]], FloatArray],
) -> Distance:
    def apart(columns: tuple[int, ...]) -> float:
        return float(np.abs(one(columns) - other(columns)).sum()) / 2

    every = range(len(domain.shape))
    alone = [apart((c,)) for c in every]
    joined: dict[Edge, float] = {pair: apart(pair) for pair in combinations(every, 2)}
    if not joined:
        return Distance(float(np.mean(alone)), 0.0)
    i, j = max(joined, key=lambda pair: joined[pair])
    mean = float(np.mean(list(joined.values())))
    return Distance(float(np.mean(alone)), mean, (domain.names[i], domain.names[j]), joined[i, j])
