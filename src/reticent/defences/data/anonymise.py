"""Anonymisation: records become alike in classes, so that none stands alone by its quasi-identifiers.

The classes are Mondrian's (LeFevre et al. 2006); `reticent.anonymity` makes them. A model's pipeline expects
values and no intervals, so each cell is turned back into one, of the cell alone: what is done to a
k-anonymous table afterwards, without looking at the people again, takes nothing from what it promises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from reticent.anonymity.columns import columns_of
from reticent.anonymity.generalise import generalise
from reticent.anonymity.hierarchy import Hierarchy
from reticent.anonymity.privacy import Rule, Secret, models, secret_of
from reticent.data import Records
from reticent.defences.data.table import table_of
from reticent.defences.defence import DataDefence
from reticent.errors import PlanError

Trees = tuple[tuple[str, tuple[tuple[str, ...], ...]], ...]
"""By column, paths: a value and then the nodes above it."""


@dataclass(frozen=True)
class Anonymise(DataDefence):
    """Make records k-anonymous by Mondrian, l-diverse and t-close where asked (LeFevre et al. 2006,
    doi:10.1109/ICDE.2006.101).

    Models train on values: of an interval its middle, of a node a value under it, drawn evenly with the seed.

    Attributes:
        k: records at least that are alike in the quasi-identifiers.
        l: well-represented sensitive values in each class; None: not asked.
        t: how far a class's sensitive values may be from everybody's; None: not asked.
        quasi: the quasi-identifiers; without any, those of the records' roles.
        sensitive: the sensitive columns; without any, those of the roles that are no quasi-identifiers, or
            the label.
        diversity: of l.
        c: of recursive diversity.
        strict: records of equal quasi-identifiers stay alike.
        suppress: share of the records that may be left out.
        hierarchies: by column a tree of names, `{"job": {"state": ["federal", "local"], "*": ["private"]}}`.
            Of a sensitive column (the label is called "label") it says, for t, how far values are apart.

    Raises:
        PlanError: no quasi-identifiers are named anywhere, or options that don't fit.
        DataError: columns that are not there, identifiers, free text, values that a hierarchy lacks.
    """

    word: ClassVar[str] = "anonymise"
    source: ClassVar[str] = "LeFevre et al. 2006, doi:10.1109/ICDE.2006.101"
    caveat: ClassVar[str] = (
        "hides who among k somebody is, by the columns named alone; no bound on what a model memorises"
    )
    k: int = 10
    l: float | None = None  # noqa: E741
    t: float | None = None
    quasi: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    diversity: str = "distinct"
    c: float = 3.0
    strict: bool = True
    suppress: float = 0.0
    hierarchies: Trees = ()

    def __post_init__(self) -> None:
        for name in ("quasi", "sensitive"):
            given = getattr(self, name)
            object.__setattr__(self, name, (given,) if isinstance(given, str) else tuple(given))
        object.__setattr__(self, "hierarchies", _frozen(self.hierarchies))
        Rule(self.k)
        models(self.l, self.t, self.diversity, self.c)
        if not 0 <= self.suppress < 1:
            raise PlanError(f"anonymise was given suppress={self.suppress!r}; give a share from 0 to under 1")
        if both := [name for name in self.quasi if name in self.sensitive]:
            raise PlanError(
                f"anonymise was given {both[0]!r} as quasi-identifier and as sensitive; name it once"
            )

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records with values drawn from their cells; suppressed ones are left out."""
        quasi = self.quasi or data.roles.quasi
        table = table_of(data, quasi, self.word)
        if self.k > len(data):
            raise PlanError(f"anonymise was given k={self.k} and {len(data):,} records; give a smaller k")
        trees = {name: Hierarchy(paths) for name, paths in self.hierarchies}
        asked = models(self.l, self.t, self.diversity, self.c)
        apart = {} if self.t is None else {name: trees[name] for name in trees if name not in quasi}
        secrets = self._secrets(data, quasi, apart) if asked else ()
        rule = Rule(self.k, asked, secrets)
        taken = {secret.name for secret in secrets} & apart.keys()
        columns = columns_of(table, quasi, {name: trees[name] for name in trees if name not in taken})
        cells = generalise(columns, rule, strict=self.strict, suppress=self.suppress)
        kept = data.take(cells.rows)
        return replace(kept, features=table_of(kept, quasi, self.word).assign(**cells.values(seed)))

    def _secrets(
        self, data: Records, quasi: Sequence[str], apart: Mapping[str, Hierarchy]
    ) -> tuple[Secret, ...]:
        named = self.sensitive or tuple(name for name in data.roles.sensitive if name not in quasi)
        if not named:
            return (secret_of("label", data.classes[data.labels].astype(str), apart.get("label")),)
        table = table_of(data, named, self.word)
        return tuple(secret_of(name, table[name], apart.get(name)) for name in named)


def _frozen(given: Any) -> Trees:
    pairs = given.items() if isinstance(given, Mapping) else given
    return tuple((name, _paths(tree)) for name, tree in pairs)


def _paths(tree: Any) -> tuple[tuple[str, ...], ...]:
    if isinstance(tree, Hierarchy):
        return tree.paths
    if isinstance(tree, tuple) and all(isinstance(path, tuple) for path in tree):
        return Hierarchy.from_paths(tree).paths
    return Hierarchy.from_tree(tree).paths
