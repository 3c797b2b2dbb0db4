"""Pseudonyms in place of identifiers, under a key that neither plan nor log ever holds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from reticent.anonymity.pseudonyms import read_key
from reticent.data import Records, is_table
from reticent.defences.data.table import table_of
from reticent.defences.defence import DataDefence


@dataclass(frozen=True)
class Pseudonymise(DataDefence):
    """Replace identifiers by keyed hashes, HMAC-SHA256 (RFC 2104; ENISA 2019, "Pseudonymisation techniques").

    Equal values get equal pseudonyms. Pseudonymised data are personal data still (GDPR art. 4(5)). Also the
    key that says whose record it is becomes one, where its column is named.

    Attributes:
        columns: which; without any, the records' person key alone.
        key_file: the file that holds the key, 32 bytes or more.
        variable: the environment variable that holds it where no file is named.

    Raises:
        PlanError: no key, or a short one.
        DataError: a column that is not there.
    """

    word: ClassVar[str] = "pseudonymise"
    source: ClassVar[str] = "RFC 2104; ENISA 2019, Pseudonymisation techniques and best practices"
    caveat: ClassVar[str] = "who holds the key finds everybody; other columns name people as before"
    alone: ClassVar[bool] = True
    columns: tuple[str, ...] = ()
    key_file: str | None = None
    variable: str = "RETICENT_KEY"

    def __post_init__(self) -> None:
        given: Any = self.columns
        object.__setattr__(self, "columns", (given,) if isinstance(given, str) else tuple(given))

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records with pseudonyms; the seed changes nothing."""
        import pandas as pd

        key, person = read_key(self.key_file, self.variable), data.roles.person
        people = data.people
        if people is not None and (not self.columns or person in self.columns):
            people = key.column(pd.Series(people)).to_numpy()
        columns = tuple(
            name
            for name in self.columns
            if name != person or (is_table(data.features) and name in data.features.columns)
        )
        features: Any = data.features
        if columns:
            table = table_of(data, columns, self.word)
            features = table.assign(**{name: key.column(table[name]) for name in columns})
        return replace(data, features=features, people=people)
