"""Suppression: columns that a model does not learn from at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from reticent.data import Records
from reticent.defences.data.table import table_of
from reticent.defences.defence import DataDefence

TEXT = "suppressed"


@dataclass(frozen=True)
class Suppress(DataDefence):
    """Replace columns by one constant that depends on no record (Samarati & Sweeney 1998, SRI-CSL-98-04).

    Numbers become 0, dates 1970-01-01, categories the first that the column's type knows, text "suppressed":
    so the model's pipeline reads them still.

    Attributes:
        columns: which; without any, the sensitive ones of the records' roles.

    Raises:
        DataError: a column that is not there.
    """

    word: ClassVar[str] = "suppress"
    source: ClassVar[str] = "Samarati & Sweeney 1998, SRI-CSL-98-04"
    caveat: ClassVar[str] = "other columns may tell what these said"
    alone: ClassVar[bool] = True
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given: Any = self.columns
        object.__setattr__(self, "columns", (given,) if isinstance(given, str) else tuple(given))

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records with constants in these columns."""
        columns = self.columns or data.roles.sensitive
        if not columns:
            return data
        table = table_of(data, columns, self.word)
        return replace(data, features=table.assign(**{name: constant(table[name]) for name in columns}))


def constant(column: Any) -> Any:
    """A column of the same type that holds one value, whatever the rows hold."""
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        known = column.dtype.categories
        codes = [0 if len(known) else -1] * len(column)
        return pd.Series(pd.Categorical.from_codes(codes, dtype=column.dtype), index=column.index)
    if pd.api.types.is_datetime64_any_dtype(column):
        zone = getattr(column.dtype, "tz", None)
        return pd.Series(pd.Timestamp(0, tz=zone), index=column.index).astype(column.dtype)
    value: object = 0 if pd.api.types.is_numeric_dtype(column) else TEXT
    return pd.Series([value] * len(column), index=column.index).astype(column.dtype)
