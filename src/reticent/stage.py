"""Lays out an audit: reads the two sides, finds what would spoil the truth, shuffles the candidates."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, IntArray, Target
from reticent.data import Overlap, Records, Roles, concat, is_table, overlap, records
from reticent.errors import DataError, ModelError

FEWEST = 20
"""Records needed on either side: with fewer no figure would mean anything."""


@dataclass(frozen=True, eq=False)
class Stage:
    """What the referee knows; attacks are shown `records` and `known` alone.

    Attributes:
        records: candidates in random order, then the population.
        known: (records,) True for the population: non-members that the attacker knows as such.
        members: (records,) the truth.
        rows: (records,) position in what was handed over on that side.
        overlap: copies between and within the two sides.
        handed: how many members and non-members were handed over.
    """

    records: Records
    known: BoolArray
    members: BoolArray
    rows: IntArray
    overlap: Overlap
    handed: tuple[int, int]

    @property
    def candidates(self) -> IntArray:
        """Positions of the records whose membership is in question."""
        return np.flatnonzero(~self.known)


def lay_out(
    target: Target,
    members: tuple[Any, Any],
    nonmembers: tuple[Any, Any],
    roles: Roles,
    *,
    population_share: float,
    drop_copies: bool,
    seed: int,
) -> Stage:
    """Read both sides and draw who is a candidate.

    Args:
        population_share: of the non-members, set aside as known.
        drop_copies: leave out, on both sides, records that are on both.

    Raises:
        DataError: sides too small, of different columns, of one class, or all copies of each other.
        ModelError: a model of fewer than two classes.
    """
    classes = np.asarray(target.classes)
    if len(classes) < 2:
        raise ModelError(f"the model knows {len(classes)} class; give a classifier of two or more")
    inside = records(*_pair(members, "members"), classes, roles=roles, what="members")
    outside = records(*_pair(nonmembers, "non-members"), classes, roles=roles, what="non-members")
    _same_columns(inside, outside)
    if is_table(inside.features):
        table: Any = outside.features
        outside = replace(outside, features=table[list(inside.features.columns)])
    if len(np.unique(inside.labels)) < 2:
        raise DataError("every member has the same label; give data of at least two classes")
    copies = overlap(inside, outside)
    alone = np.flatnonzero(~copies.shared_members if drop_copies else np.ones(len(inside), bool))
    kept = np.flatnonzero(~copies.shared if drop_copies else np.ones(len(outside), bool))
    for what, left, handed in (
        ("members", len(alone), len(inside)),
        ("non-members", len(kept), len(outside)),
    ):
        if left < FEWEST:
            dropped = f" (of {handed:,}; copies of the other side are left out)" if left < handed else ""
            raise DataError(
                f"{left:,} {what} are left to judge by{dropped}; give at least {FEWEST}, and a thousand for "
                "figures at low false-positive rates"
            )
    rng = np.random.default_rng([seed, 2])
    kept = rng.permutation(kept)
    aside = min(int(population_share * len(kept)), len(kept) - FEWEST)
    if outside.people is not None:
        order, aside = _by_person(outside.people[kept], aside, rng)
        kept = kept[order]
    both = concat([inside, outside])
    candidate = np.concatenate([alone, len(inside) + kept[aside:]])
    order = np.concatenate([rng.permutation(candidate), len(inside) + kept[:aside]])
    truth = np.concatenate([np.ones(len(inside), bool), np.zeros(len(outside), bool)])
    rows = np.concatenate([np.arange(len(inside)), np.arange(len(outside))])
    return Stage(
        records=both.take(order),
        known=np.arange(len(order)) >= len(candidate),
        members=truth[order],
        rows=rows[order],
        overlap=copies,
        handed=(len(inside), len(outside)),
    )


def _by_person(people: npt.NDArray[Any], aside: int, rng: np.random.Generator) -> tuple[IntArray, int]:
    """Positions in an order that keeps a person's records together, and how many of them to set aside.

    Nobody is set aside in part: who knows one record of a person would know much of the others. Persons are
    drawn, not records, or those with many records would mostly be set aside and the sides would differ.
    """
    _, person = np.unique(people, return_inverse=True)
    order = np.argsort(rng.permutation(int(person.max()) + 1)[person], kind="stable")
    ends = np.flatnonzero(np.diff(person[order], append=-1)) + 1
    whole = ends[ends <= aside]
    return order, int(whole[-1]) if len(whole) else 0


def _pair(side: tuple[Any, Any], what: str) -> tuple[Any, Any]:
    try:
        x, y = side
    except (TypeError, ValueError) as error:
        raise DataError(f"the {what} are not a pair; give (features, labels)") from error
    return x, y


def _same_columns(inside: Records, outside: Records) -> None:
    a: Any = inside.features
    b: Any = outside.features
    if is_table(a) != is_table(b):
        raise DataError("members and non-members are a table and an array; give both in the same form")
    if is_table(a):
        missing = [str(c) for c in a.columns if c not in b.columns]
        extra = [str(c) for c in b.columns if c not in a.columns]
        if missing or extra:
            raise DataError(
                f"the non-members lack the columns [{', '.join(missing[:5])}] of the members and have "
                f"[{', '.join(extra[:5])}] besides; give both with the same columns"
            )
    elif a.shape[1:] != b.shape[1:]:
        raise DataError(
            f"members have records of shape {a.shape[1:]} and non-members of {b.shape[1:]}; "
            "give both in the same shape"
        )
