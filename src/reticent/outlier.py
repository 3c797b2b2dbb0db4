"""Records made so that a single one of them shows most of what a private training lets through.

Differential privacy is promised for all records there may be, so its judge may choose them. What one record
adds is seen best along a direction that no other record uses much: a lone record far out, whose gradient any
clipping must cut, against many that each pull a little the other way (a clipped *sum* is turned round by it).
Nasr et al. 2021 (arXiv:2101.04535) and 2023 (arXiv:2302.07956) on such worst cases.

Where batches have a fixed size, others that pull the other way as hard as clipping lets them show the outlier
twice: it adds its own pull and takes the place of one of theirs (Chua et al. 2024, arXiv:2403.17673). In
Poisson samples their random number buries it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reticent.access import FloatArray
from reticent.data import Records, concat, is_table
from reticent.errors import DataError, PlanError

WIDEST = 2000
"""Columns up to which the least used direction is looked for."""

LOUD = 2.0
"""The pull of a loud crowd: a gradient of norm 1 in a logistic regression that knows nothing yet. Others that
lie farther out are fitted sooner, and then pull no more."""


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Records of the judge's own making, of two classes, 0 and 1.

    Attributes:
        records: how many there are with the outlier.
        columns: numbers a record; None where the training takes records of any width, which also lets one
            run hold many outliers, each in a column of its own.
        reach: how far out the outlier lies.
        pull: how far out, the other way, all others lie.

    Raises:
        PlanError: too few records or columns.
    """

    records: int = 500
    columns: int | None = None
    reach: float = 10.0
    pull: float = 0.05

    def __post_init__(self) -> None:
        if self.records < 10 or (self.columns is not None and self.columns < 1):
            raise PlanError(
                f"a crowd of {self.records} records of {self.columns} columns was asked for; give at least "
                "10 records of one column"
            )

    @property
    def loud(self) -> Crowd | None:
        """The same with others that pull as hard as clipping lets them; None where these do already."""
        return None if self.pull >= LOUD else replace(self, pull=LOUD)

    def planted(self) -> Records:
        """The others, a stand-in that is one of them, and the outlier, in this order."""
        others = self._others(self.records, self.columns or 4)
        return concat([others, _plain(self.reach * np.eye(1, self.columns or 4), np.array([1]))])

    def many(self, canaries: int) -> Records | None:
        """The others, and then so many outliers, each in a column of its own; None where columns are few."""
        if self.columns is not None and self.columns < canaries:
            return None
        width = self.columns or canaries
        others = self._others(self.records, width)
        return concat([others, _plain(self.reach * np.eye(canaries, width), np.ones(canaries, np.int64))])

    def _others(self, count: int, width: int) -> Records:
        """Both classes, each pulling down what the outlier pulls up; their pulls on a bias cancel."""
        labels = np.arange(count) % 2
        x = np.zeros((count, width))
        x[:, 0] = self.pull * (1 - 2 * labels)
        return _plain(x, labels)


@dataclass(frozen=True, kw_only=True)
class Within:
    """The user's own records, and one far out along the direction that they use least.

    Attributes:
        data: the records; numbers alone.
        reach: how far out the outlier lies, in norms of the record farthest out.

    Raises:
        DataError: fewer than 10 records, features that are no numbers, or one class alone.
    """

    data: Records
    reach: float = 3.0

    def __post_init__(self) -> None:
        if len(self.data) < 10 or len(self.data.classes) < 2:
            raise DataError(
                f"{len(self.data)} records of {len(self.data.classes)} classes were given; a training is "
                "judged on at least 10 records of two classes"
            )
        _numbers(self.data)

    @property
    def loud(self) -> None:
        """None: there is one crowd, the user's."""

    def planted(self) -> Records:
        """The others, a stand-in that is one of them, and the outlier, in this order."""
        x = _numbers(self.data)
        flat = x.reshape(len(x), -1)
        farthest = float(np.linalg.norm(flat, axis=1).max()) or 1.0
        at = (self.reach * farthest * _unused(flat)).reshape(1, *x.shape[1:])
        counts = np.bincount(self.data.labels, minlength=len(self.data.classes))
        last = self.data.take(np.array([0]))
        label = np.array([int(counts.argmin())])
        return concat([self.data, replace(last, features=_like(self.data, at), labels=label)])

    def many(self, canaries: int) -> Records | None:
        """None: one direction is least used, not many."""
        return None

    def fingerprint(self) -> str:
        """A hash of the records and the reach."""
        from reticent.fingerprint import fingerprint

        return fingerprint("within", self.data.fingerprint(), self.reach)


World = Crowd | Within


def _plain(x: FloatArray, labels: np.typing.NDArray[np.integer]) -> Records:
    return Records(x, np.asarray(labels, np.int64), np.arange(2))


def _numbers(data: Records) -> FloatArray:
    try:
        x = np.asarray(data.features.to_numpy() if is_table(data.features) else data.features, np.float64)
    except (TypeError, ValueError):  # whose message would show a value
        raise DataError(
            "the records hold columns that are not numbers, so none can be set far out; give records as the "
            "training's first layer takes them, or none: the judge makes its own"
        ) from None
    if not np.isfinite(x).all():
        raise DataError("the records lack values, so none can be set far out; fill them in first")
    return x


def _like(data: Records, x: FloatArray) -> np.typing.NDArray[np.generic]:
    if not is_table(data.features):
        return x
    import pandas as pd

    table: np.typing.NDArray[np.generic] = pd.DataFrame(x, columns=data.features.columns)  # type: ignore[assignment]
    return table


def _unused(x: FloatArray) -> FloatArray:
    """(columns,) the unit direction along which the records have least length; the last column's where they
    have too many columns."""
    if x.shape[1] > WIDEST:
        last: FloatArray = np.eye(1, x.shape[1], x.shape[1] - 1)[0]
        return last
    _, directions = np.linalg.eigh(x.T @ x)
    found = directions[:, 0] * np.sign(directions[np.abs(directions[:, 0]).argmax(), 0])
    unit: FloatArray = np.asarray(found, np.float64)
    return unit
