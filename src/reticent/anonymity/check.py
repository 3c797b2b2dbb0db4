"""An independent proof of what a table promises: from the released table alone, by pandas' own grouping.

It shares no code with what makes classes. It takes the text of each cell at its word, and it is run before
anything is written: nothing may be written that looks anonymised and is not.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.anonymity.hierarchy import Hierarchy
from reticent.anonymity.privacy import Closeness, Diversity, EntropyDiversity, Model, RecursiveDiversity
from reticent.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_INTERVAL = re.compile(r"\[(.+), (.+)\]")


@dataclass(frozen=True)
class Proof:
    """What was found of a table.

    Attributes:
        classes: sets of rows that look alike.
        smallest: rows of the smallest.
        faults: sentences about what does not hold; none where all does.
    """

    classes: int
    smallest: int
    faults: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return not self.faults


def prove(
    released: pd.DataFrame,
    quasi: Sequence[str],
    k: int,
    *,
    sensitive: Sequence[str] = (),
    models: Iterable[Model] = (),
    hierarchies: Mapping[str, Hierarchy] | None = None,
    original: pd.DataFrame | None = None,
) -> Proof:
    """Look whether every class of a released table fulfils what is promised.

    Args:
        sensitive, models: each model is asked of each of these columns.
        hierarchies: by column; a cell must be a name of its tree, and a sensitive column's values are as far
            apart as its tree says.
        original: the rows behind the released ones, in the same order: each cell must cover its value.

    Raises:
        DataError: the table lacks a column.
    """
    for column in (*quasi, *sensitive):
        if column not in released.columns:
            raise DataError(f"the released table has no column {column!r}; name one of its own")
    trees = hierarchies or {}
    number = released.groupby(list(quasi), dropna=False, sort=False, observed=True).ngroup()
    sizes = number.value_counts()
    faults: list[str] = []
    if len(released) and sizes.min() < k:
        faults.append(f"{int((sizes < k).sum())} classes have fewer than {k} rows")
    for column in sensitive:
        tree = trees.get(column)
        if tree is not None and (strange := _strange(released[column], [path[0] for path in tree.paths])):
            faults.append(f"{strange} values of {column!r} are not in its hierarchy")
        for model in models:
            if isinstance(model, Closeness) and tree is not None:
                bad = int((_far(released[column], number, tree) > model.t + 1e-7).sum())
            else:
                bad = sum(not good for good in _asked(released[column], number, model))
            if bad:
                faults.append(f"{bad} classes break {model} in {column!r}")
    for column in quasi:
        names = ["*", *(name for path in trees[column].paths for name in path)] if column in trees else None
        if names is not None and (strange := _strange(released[column], names)):
            faults.append(f"{strange} cells of {column!r} are no names of its hierarchy")
        if original is not None:
            uncovered = _uncovered(released[column], original[column], trees.get(column))
            if uncovered:
                faults.append(f"{uncovered} cells of {column!r} don't cover the value they stand for")
    return Proof(len(sizes), int(sizes.min()) if len(sizes) else 0, tuple(faults))


def _asked(secret: pd.Series[Any], number: pd.Series[Any], model: Model) -> list[bool]:
    """Whether each class fulfils a model, reckoned from its definition."""
    import pandas as pd

    numbers = pd.api.types.is_numeric_dtype(secret) and not pd.api.types.is_bool_dtype(secret)
    gone = secret.isna().to_numpy()
    named = secret.reset_index(drop=True).astype(object).where(~gone, None)
    order = sorted(set(named[~gone]), key=(lambda v: v) if numbers else str)
    rank: dict[object, int] = {value: i for i, value in enumerate(order)}
    many = len(order) + int(gone.any())
    places = named.map(rank).fillna(len(order)).astype(int).to_numpy()
    whole = [float(v) for v in np.bincount(places, minlength=many) / max(1, len(places))]
    counts = pd.Series(places).groupby(number.to_numpy(), sort=False)
    return [_fulfils(model, dict(Counter(own.tolist())), whole, numbers) for _, own in counts]


def _fulfils(model: Model, counts: Mapping[int, int], whole: Sequence[float], numbers: bool) -> bool:
    rows = sum(counts.values())
    if isinstance(model, Diversity):
        return len(counts) >= model.l
    if isinstance(model, EntropyDiversity):
        return -sum(c / rows * log(c / rows) for c in counts.values()) >= log(model.l) - 1e-7
    if isinstance(model, RecursiveDiversity):
        falling = sorted(counts.values(), reverse=True)
        return falling[0] < model.c * sum(falling[model.l - 1 :])
    if isinstance(model, Closeness):
        far = carried = 0.0
        for place, share in enumerate(whole):
            off = counts.get(place, 0) / rows - share
            carried += off
            far += abs(carried) / max(1, len(whole) - 1) if numbers else abs(off) / 2
        return far <= model.t + 1e-7
    raise DataError(f"nothing is known of how to prove {model}; give a model of reticent.anonymity.privacy")


def _far(secret: pd.Series[Any], number: pd.Series[Any], tree: Hierarchy) -> np.ndarray[Any, Any]:
    """(classes,) how far each is from the table: Li et al. 2007's sum of cost(N), node by node."""
    named = secret.map(str, na_action="ignore").astype(object).where(secret.notna(), "(missing)")
    counts = named.groupby([number.to_numpy(), named.to_numpy()]).size().unstack(fill_value=0)
    extra = counts.div(counts.sum(axis=1), axis=0) - counts.sum() / len(named)
    off = {str(name): column.to_numpy() for name, column in extra.items()}
    down = [path[::-1] for path in tree.paths]
    _, height, cost = _hauled([*down, ("(missing)",)] if secret.isna().any() else down, off)
    return np.broadcast_to(np.asarray(cost) / max(1, height), len(counts))


def _hauled(below: Sequence[tuple[str, ...]], off: Mapping[str, Any]) -> tuple[Any, int, Any]:
    """Of a node with these names below it: extra, height, and what it and all lower nodes cost in levels.

    Extra and cost are of every class at once.
    """
    children: dict[str, list[tuple[str, ...]]] = {}
    for name, *rest in below:
        children.setdefault(name, []).append(tuple(rest))
    told = [
        (off.get(name, 0.0), 0, 0.0) if rest == [()] else _hauled(rest, off)
        for name, rest in children.items()
    ]
    height = 1 + max((high for _, high, _ in told), default=0)
    more = sum(np.maximum(extra, 0) for extra, _, _ in told)
    less = sum(np.maximum(-extra, 0) for extra, _, _ in told)
    cost = sum(lower for _, _, lower in told) + height * np.minimum(more, less)
    return sum(extra for extra, _, _ in told), height, cost


def _strange(cells: pd.Series[Any], names: Sequence[str]) -> int:
    return int((~cells.dropna().map(str).isin(names)).sum())


def _uncovered(cells: pd.Series[Any], values: pd.Series[Any], tree: Hierarchy | None) -> int:
    """Cells that don't hold the value that they stand for; each pair of texts is looked at once."""
    import pandas as pd

    if tree is not None:  # of codes a grouping with missing ones would make fractions
        cells, values = (column.astype(object).map(str, na_action="ignore") for column in (cells, values))
    pairs = pd.DataFrame({"cell": cells.to_numpy(object), "value": values.to_numpy(object)})
    counts = pairs.groupby(["cell", "value"], dropna=False, sort=False).size()
    above = {path[0]: set(path) for path in tree.paths} if tree is not None else {}
    found = zip(counts.index.tolist(), counts.tolist(), strict=True)
    return sum(int(n) for (cell, value), n in found if not _covers(cell, value, above))


def _covers(cell: object, value: object, above: Mapping[str, set[str]]) -> bool:
    import pandas as pd

    if isinstance(cell, str) and cell == "*":
        return True
    if pd.isna(cell) or pd.isna(value):  # type: ignore[call-overload]
        return bool(pd.isna(cell) and pd.isna(value))  # type: ignore[call-overload]
    if above:
        return str(cell) in above.get(str(value), ())
    interval = _INTERVAL.fullmatch(cell) if isinstance(cell, str) else None
    low, high = (interval[1], interval[2]) if interval else (cell, cell)
    if interval is None and str(cell) == str(value):
        return True
    try:
        return float(low) <= float(value) <= float(high)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        day = str(value)[:10]
        return str(low)[:10] <= day <= str(high)[:10]
