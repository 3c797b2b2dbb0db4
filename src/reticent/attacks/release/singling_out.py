"""Singling out: what is true of one row of the release alone, and so perhaps of one person alone.

Giomi, Boenisch, Wehmeyer & Tasnádi, "A Unified Framework for Quantifying Privacy Risk in Synthetic Data",
PoPETs 2023, arXiv:2211.10459, after Cohen & Nissim, "Towards Formalizing the GDPR's Notion of
Singling Out", PNAS 117 (2020), arXiv:1904.06009.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import FloatArray
from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.options import number
from reticent.errors import DataError
from reticent.release import Condition, Knows, Predicate, Predicates, ReleaseScene, Table

TRIES = 100
"""Rows drawn for each predicate wanted, at most."""


@dataclass(frozen=True, kw_only=True)
class SinglingOut(ReleaseAttack):
    """A predicate that holds for one row of the release is said to hold for one person (Giomi et al. 2023).

    By several columns: of a row drawn, each number at least or at most its own, whichever lies farther out,
    and each category and missing value as it is. By one column: the least and the greatest number, values
    that occur once, a value missing once. Each row of the release is singled out once at most.

    Attributes:
        columns: of a predicate.
    """

    knows: ClassVar[Knows] = Knows.NOTHING
    source: ClassVar[str] = "Giomi et al. 2023, arXiv:2211.10459"
    caveat: ClassVar[str] = (
        "needs as many people whom the release never saw as it was made from; intervals take predicates as "
        "independent, which they are less the fewer the columns"
    )

    columns: int = 4

    def __post_init__(self) -> None:
        number("columns", self.columns, low=1)

    def guess(self, scene: ReleaseScene) -> Predicates:
        """Return up to as many predicates as are asked for.

        Raises:
            DataError: fewer columns in the release than in a predicate.
        """
        release = scene.release
        if self.columns > len(release.names):
            raise DataError(
                f"predicates of {self.columns} columns were asked for, and the release has "
                f"{len(release.names)}; ask for fewer"
            )
        found = (
            _by_one(release, scene.rng())
            if self.columns == 1
            else _by_several(release, self.columns, scene.guesses, scene.rng())
        )
        return Predicates(tuple(found.values())[: scene.guesses])


def _by_one(release: Table, rng: np.random.Generator) -> dict[int, Predicate]:
    """Row singled out -> the predicate, in random order."""
    found: list[tuple[int, Predicate]] = []
    for column, is_number in enumerate(release.numbers):
        values = np.asarray(release.values[:, column])
        tried = [Condition(column, "missing")]
        present, counts = np.unique(values[~np.isnan(values)], return_counts=True)
        tried += [Condition(column, "==", float(value)) for value in present[counts == 1]]
        if is_number and len(present):
            tried += [Condition(column, "<=", float(present[0])), Condition(column, ">=", float(present[-1]))]
        for condition in tried:
            rows = np.flatnonzero(condition.holds(values))
            found += [(int(rows[0]), (condition,))] if len(rows) == 1 else []
    order = rng.permutation(len(found))
    return {found[i][0]: found[i][1] for i in order}


def _by_several(release: Table, columns: int, wanted: int, rng: np.random.Generator) -> dict[int, Predicate]:
    """Row singled out -> the predicate."""
    present = [column[~np.isnan(column)] for column in release.values.T]
    medians: FloatArray = np.array([np.median(column) if len(column) else np.nan for column in present])
    found: dict[int, Predicate] = {}
    for _ in range(TRIES):
        rows = rng.integers(len(release), size=wanted)
        chosen = rng.random((wanted, len(release.names))).argsort(axis=1)[:, :columns]
        for row, places in zip(rows.tolist(), chosen.tolist(), strict=True):
            predicate = tuple(_condition(release, row, column, medians) for column in places)
            if len(release.where(predicate)) == 1:
                found.setdefault(row, predicate)
        if len(found) >= wanted:
            break
    return found


def _condition(release: Table, row: int, column: int, medians: FloatArray) -> Condition:
    value = float(release.values[row, column])
    if np.isnan(value):
        return Condition(column, "missing")
    if not release.numbers[column]:
        return Condition(column, "==", value)
    return Condition(column, ">=" if value > medians[column] else "<=", value)
