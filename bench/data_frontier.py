"""Defences on the data, on the same frontier as the rest: anonymised, synthetic, locally private tables.

    python bench/data_frontier.py adult [--shadows 32]      one of adult, diabetes130

A perceptron of 256 learns from the table as it is, or from what a defence makes of it. What columns may hold
(bounds of numbers, categories) is stated beforehand, as a publisher's code book states it. Leaves
bench/results/data_frontier_NAME.json and .html; finished shadow models are kept with --cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd

import reticent as rt
from frontier_run import asked, run
from reticent.data import Records, Roles
from reticent.defences import (
    anonymise,
    dp_sgd,
    early_stopping,
    labels_only,
    randomise,
    suppress,
    synthesise,
)
from reticent.defences.defence import Defence
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe
from shadow_data import perceptron

Stated = tuple[tuple[str, float, float] | tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Encoded:
    """Numbers between their bounds as 0 to 1, categories one column each: nothing is learnt from the data.

    Attributes:
        stated: (column, low, high) or (column, categories).
    """

    stated: Stated

    def __call__(self, table: pd.DataFrame) -> npt.NDArray[np.float32]:
        """(records, columns) what a net takes."""
        parts = []
        for name, *rest in self.stated:
            column = table[name]
            if len(rest) == 2:
                low, high = rest
                numbers = column.astype(float).clip(low, high).to_numpy()
                parts.append(((numbers - low) / (high - low))[:, None])
            else:
                known = np.array(rest[0], dtype=object)
                parts.append(column.astype(str).to_numpy(dtype=object)[:, None] == known[None])
        return np.concatenate(parts, axis=1).astype(np.float32)

    @property
    def width(self) -> int:
        """How many columns a net takes."""
        return sum(1 if len(rest) == 2 else len(rest[0]) for _, *rest in self.stated)


def stated(table: pd.DataFrame) -> Stated:
    """What the columns may hold, read off the whole published set as its code book would have it."""
    found: list[tuple[str, float, float] | tuple[str, tuple[str, ...]]] = []
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            found.append((name, float(column.min()), float(column.max())))
        else:
            found.append((name, tuple(sorted(column.astype(str).unique()))))
    return tuple(found)


def incomes() -> tuple[TorchRecipe, Records, tuple[Defence, ...]]:
    """Adult: people by age, work, schooling and origin; income over 50,000 or not."""
    data = rt.datasets.adult()
    table = pd.DataFrame(data.features).drop(columns=["fnlwgt", "education"])
    quasi = ("age", "education_num", "marital_status", "race", "sex", "native_country")
    return task(table, np.asarray(data.labels), quasi, people=10_000, epochs=40, rate=0.5)


def stays() -> tuple[TorchRecipe, Records, tuple[Defence, ...]]:
    """diabetes-130: stays in hospital, readmitted within 30 days, later, or not.

    Columns that hold the same for 98 of a hundred stays are left out; one defence of each kind, since a model
    takes long with so many columns.
    """
    data = rt.datasets.diabetes130()
    table = pd.DataFrame(data.features)
    words = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    numbers = [c for c in table.columns if c.startswith(("num", "time"))]
    few = [c for c in words if 2 <= table[c].nunique() <= 30 and c not in numbers and c != data.roles.person]
    few = [c for c in few if table[c].value_counts().iloc[0] <= 0.98 * len(table)]
    table = table[[*numbers, *few]].assign(**{c: table[c].astype(float) for c in numbers})
    quasi = ("race", "gender", "age", "time_in_hospital")
    recipe, records, every = task(table, np.asarray(data.labels), quasi, people=5_000, epochs=30, rate=0.2)
    ways = ("anonymise(k=25)", "synthesise(epsilon=3.0", "randomise(epsilon=8.0", "dp_sgd(")
    return recipe, records, tuple(d for d in every if str(d).startswith(ways) and len(d.parts) == 1)


def task(
    table: pd.DataFrame,
    labels: npt.NDArray[np.generic],
    quasi: tuple[str, ...],
    *,
    people: int,
    epochs: int,
    rate: float,
) -> tuple[TorchRecipe, Records, tuple[Defence, ...]]:
    """The recipe, some of the records, and the defences; `rate`: the learning rate of private training."""
    words = [c for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])]
    table = table.assign(**{c: table[c].astype(str) for c in words})
    domain = stated(table)
    encode = Encoded(domain)
    rows = np.random.default_rng(0).permutation(len(table))[:people]
    classes, y = np.unique(labels, return_inverse=True)
    some = table.iloc[rows].reset_index(drop=True)
    records = Records(some, y[rows].astype(np.int64), classes, roles=Roles(quasi=quasi))
    training = Training(epochs=epochs, batch_size=128, learning_rate=0.05, momentum=0.9)
    net = partial(perceptron, encode.width, 256, len(classes))
    defences: tuple[Defence, ...] = (
        suppress(quasi),
        anonymise(k=5),
        anonymise(k=25),
        anonymise(k=100),
        anonymise(k=25) | labels_only(),
        synthesise(None, domain=domain),
        synthesise(epsilon=8.0, domain=domain),
        synthesise(epsilon=3.0, domain=domain),
        synthesise(epsilon=1.0, domain=domain),
        randomise(epsilon=8.0, domain=domain),
        randomise(epsilon=3.0, untouched=tuple(table.columns)),
        early_stopping(),
        dp_sgd(epsilon=3, batch_size=512, epochs=20, learning_rate=rate),
        anonymise(k=25) | dp_sgd(epsilon=3, batch_size=512, epochs=20, learning_rate=rate),
    )
    return TorchRecipe(module=net, training=training, prepare=encode), records, defences


TASKS: dict[str, Callable[[], tuple[TorchRecipe, Records, tuple[Defence, ...]]]] = {
    "adult": incomes,
    "diabetes130": stays,
}


def main() -> None:
    """Measure, tell, keep."""
    given = asked(TASKS)
    recipe, data, defences = TASKS[given.name]()
    title = f"{given.name}, defences on the data"
    private = given.name == "adult"  # looking for private training of the same usefulness takes longest
    run(given, recipe, data, defences, stem="data_frontier", title=title, private=private)


if __name__ == "__main__":
    main()
