"""A hardening's plan file: what is worth keeping, in TOML.

    [model]
    recipe = "mymodule:recipe"      # or path = "model.skops", whose options are taken

    [data]
    train = "train.parquet"
    holdout = "test.csv"
    target = "income"

    [harden]
    defences = ["l2(1e-3)", "dp_sgd(epsilon=3) | round_scores(2)", "memguard()"]
    max_leak = "tpr@0.1% < 0.005"
    shadows = 32

Every table maps onto a dataclass; a key that no field bears is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from reticent.defences.defence import Defence
from reticent.defences.reading import read_defence
from reticent.errors import PlanError
from reticent.pareto import read_limit
from reticent.plan import DataSource, read_tables, table
from reticent.shadows.plan import Plan


@dataclass(frozen=True, kw_only=True)
class RecipeSource:
    """How the model is trained without any defence.

    Attributes:
        recipe: "module:name".
        path: a fitted scikit-learn-like in a .skops file, to be cloned and fitted again (a pickle only with
            `trust_pickle`).
        name: what the report calls the model.
        trust_pickle: run whatever code a pickle holds.
    """

    recipe: str | None = None
    path: str | None = None
    name: str = "model"
    trust_pickle: bool = False

    def __post_init__(self) -> None:
        if (self.recipe is None) == (self.path is None):
            raise PlanError("[model] in the plan needs a recipe or a path, one of the two; add it")


@dataclass(frozen=True, kw_only=True)
class Hardening:
    """What is measured and chosen.

    Attributes:
        defences: as they are written in Python: "dp_sgd(epsilon=3) | round_scores(2)".
        max_leak: the most that may leak, as in "tpr@0.1% < 0.005"; None to choose nothing.
        shadows: models a defence, an even number.
        canaries: how many; None for 500, or one in twenty records.
        parts: measure the parts of compositions too.
        private: measure private training of the same usefulness too.
        seed: of everything random but the model that is released.
        workers: processes that train; None for one a core.
    """

    defences: tuple[str, ...]
    max_leak: str | None = None
    shadows: int = 32
    canaries: int | None = None
    parts: bool = True
    private: bool = True
    seed: int = 0
    workers: int | None = None

    def __post_init__(self) -> None:
        Plan(models=self.shadows)
        if not self.defences:
            raise PlanError('defences = [] in [harden] was given; name at least one, such as "l2(1e-3)"')
        _ = self.read
        if self.max_leak is not None:
            read_limit(self.max_leak)

    @property
    def read(self) -> tuple[Defence, ...]:
        """The defences.

        Raises:
            PlanError: one of them does not read.
        """
        return tuple(read_defence(text) for text in self.defences)


@dataclass(frozen=True, kw_only=True)
class HardenPlan:
    """All of one command.

    Attributes:
        out: the folder of the report and the chosen model; None to keep nothing but the cache.
        cache: where finished work is kept; None for the default.
    """

    model: RecipeSource
    data: DataSource
    harden: Hardening = field()
    out: Path | None = None
    cache: Path | None = None


def read_harden_plan(path: Path) -> HardenPlan:
    """Read a plan file.

    Raises:
        PlanError: it is not there, is no TOML, lacks a table, or holds a key that means nothing.
    """
    plan = read_tables(path, ("model", "data", "harden"), verb="harden")
    here = path.resolve().parent
    data = table(DataSource, plan["data"], "data")
    model = table(RecipeSource, plan["model"], "model")
    return HardenPlan(
        model=model if model.path is None else replace(model, path=str(here / model.path)),
        data=replace(data, train=here / data.train, holdout=here / data.holdout),
        harden=table(Hardening, plan["harden"], "harden"),
        out=here / plan["out"] if "out" in plan else None,
        cache=here / plan["cache"] if "cache" in plan else None,
    )
