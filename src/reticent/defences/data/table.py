"""The table behind records, for defences that change its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reticent.data import Records, is_table
from reticent.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def table_of(data: Records, columns: Sequence[str], word: str) -> pd.DataFrame:
    """The records' table.

    Raises:
        DataError: they are no table, or lack a column.
    """
    features: Any = data.features
    if not is_table(features):
        raise DataError(
            f"{word} changes columns and the records are an array; give a table with named columns"
        )
    for name in columns:
        if name not in features.columns:
            shown = ", ".join(map(repr, list(features.columns)[:8]))
            raise DataError(f"the records have no column {name!r}; {word} can change theirs ({shown}…)")
    return features
