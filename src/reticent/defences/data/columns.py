"""Reads records as one table, beside what a plan states that its columns may hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.data import Records, is_table
from reticent.domain import Categories, Column, Domain, Numbers, Stated, stated
from reticent.errors import DataError, PlanError

if TYPE_CHECKING:
    import pandas as pd

LABEL = "the label"
"""What the column of labels is called beside the features."""


def tabled(
    data: Records, columns: Stated | Domain, word: str, without: Sequence[str] = ()
) -> tuple[pd.DataFrame, dict[str, Column]]:
    """The records as one table, their labels the last column, and what its columns may hold but for those
    `without`.

    Columns that are not stated are those of a categorical dtype, whose categories are then taken as public,
    and truth values.

    Raises:
        DataError: records that are pictures or texts.
        PlanError: a column whose values are neither stated nor told by its dtype, or one that is not there.
    """
    frame, known = _frame(data, word), stated(columns, word)
    names = [str(name) for name in frame.columns]
    if odd := [name for name in known if name not in names]:
        raise PlanError(f"{word} was given a domain for {odd[0]!r}, and the records have no such column")
    if odd := [name for name in without if name not in (*names, LABEL)]:
        raise PlanError(f"{word} was to leave {odd[0]!r} as it is, and the records have no such column")
    asked = [name for name in names if name not in without]
    whole = {name: known.get(name) or _told(frame[name], name, word) for name in asked}
    for name, column in whole.items():
        if isinstance(column, Numbers) and frame[name].dtype.kind in "iu":
            whole[name] = replace(column, whole=True)
    if LABEL not in without:
        whole[LABEL] = Categories(tuple(range(len(data.classes))))
    return frame.assign(**{LABEL: data.labels}), whole


def restored(made: pd.DataFrame, data: Records) -> Records:
    """Records of the given ones' form from a table as `tabled` makes it; they are nobody's."""
    labels = made[LABEL].to_numpy(np.int64)
    features: Any = made.drop(columns=[LABEL])
    given: Any = data.features
    if is_table(given):
        features = features.astype({str(name): given[name].dtype for name in given.columns})
        features.columns = given.columns
    else:
        features = features.to_numpy(given.dtype)
    return replace(data, features=features, labels=labels, people=None, aside=None)


def _frame(data: Records, word: str) -> pd.DataFrame:
    import pandas as pd

    given: Any = data.features
    if is_table(given):
        return given.set_axis([str(name) for name in given.columns], axis=1)
    if given.ndim != 2:
        raise DataError(
            f"{word} was given records of shape {given.shape[1:]}, no columns; it is for tables alone"
        )
    return pd.DataFrame(given, columns=[str(i) for i in range(given.shape[1])])


def _told(column: pd.Series[Any], name: str, word: str) -> Column:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return Categories(tuple(column.dtype.categories.tolist()))
    if pd.api.types.is_bool_dtype(column):
        return Categories((False, True))
    way = f"('{name}', low, high)" if column.dtype.kind in "iuf" else f"('{name}', ('a', 'b'))"
    raise PlanError(
        f"{word} was not told what {name!r} may hold, which can't be read off people; give domain=({way},)"
    )
