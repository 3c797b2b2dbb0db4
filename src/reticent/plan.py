"""An audit's plan file: what is worth keeping, in TOML.

    [model]                         # or [[model]] for several, side by side
    path = "model.skops"            # or "http://127.0.0.1:8080/score"
    recipe = "mymodule:recipe"

    [data]
    train = "train.parquet"
    holdout = "test.csv"
    target = "income"

    [audit]
    shadows = 64
    fail_on = "tpr@0.1%>0.01"

Every table maps onto a dataclass; a key that no field bears is an error. Paths are read from where the
plan lies.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from reticent.errors import PlanError
from reticent.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        path: a model file (.skops, .onnx, .safetensors; a pickle only with `trust_pickle`) or a URL.
        recipe: "module:name" of how to train another like it.
        name: what the report calls it; the file's name if empty.
        trust_pickle: run whatever code a pickle holds.
    """

    path: str
    recipe: str | None = None
    name: str = ""
    trust_pickle: bool = False

    @property
    def remote(self) -> bool:
        """Whether it is asked over HTTP."""
        return self.path.startswith(("http://", "https://"))


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Where the records come from.

    Attributes:
        train: records that the model was trained on: Parquet, CSV, or NumPy's .npz with arrays x and y.
        holdout: records from the same source that it never saw.
        target: the label column (tables only).
        drop: columns that are no features.
        sensitive, quasi, person: roles of columns (`data.Roles`).
        properties: facts whose share among the members may be guessed, as "sex=Female"; their columns are no
            features.
    """

    train: Path
    holdout: Path
    target: str | None = None
    drop: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    quasi: tuple[str, ...] = ()
    person: str | None = None
    properties: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class AuditPlan:
    """Models, data and settings of one command.

    Attributes:
        out: the run folder; None to keep nothing but the cache.
        cache: where finished work is kept; None for the default.
    """

    models: tuple[ModelSource, ...]
    data: DataSource
    settings: Settings = field(default_factory=Settings)
    out: Path | None = None
    cache: Path | None = None


def read_plan(path: Path) -> AuditPlan:
    """Read a plan file.

    Raises:
        PlanError: it is not there, is no TOML, lacks a table, or holds a key that means nothing.
    """
    plan = read_tables(path, ("model", "data", "audit"), needed=("model", "data"), verb="audit")
    here = path.resolve().parent
    models = plan["model"] if isinstance(plan["model"], list) else [plan["model"]]
    if not models:
        raise PlanError("the plan names no model; add a [model] table (see `reticent audit --help`)")
    sources = tuple(table(ModelSource, m, "model") for m in models)
    data = table(DataSource, plan["data"], "data")
    return AuditPlan(
        models=tuple(m if m.remote else replace(m, path=str(here / m.path)) for m in sources),
        data=replace(data, train=here / data.train, holdout=here / data.holdout),
        settings=table(Settings, plan.get("audit", {}), "audit"),
        out=here / plan["out"] if "out" in plan else None,
        cache=here / plan["cache"] if "cache" in plan else None,
    )


def read_tables(
    path: Path, tables: tuple[str, ...], *, needed: tuple[str, ...] = (), verb: str
) -> dict[str, Any]:
    """A plan file's tables, and its folders `out` and `cache`.

    Args:
        tables: those that mean something; all are needed where `needed` names none.
        verb: whose help says what they hold.

    Raises:
        PlanError: it is not there, is no TOML, lacks a table, or holds a key that means nothing.
    """
    try:
        plan = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError(f"there is no plan file {str(path)!r}; give a TOML file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"the plan {str(path)!r} is not TOML ({error}); mend that line") from error
    known = (*tables, "out", "cache")
    unknown = sorted(set(plan) - set(known))
    if unknown:
        raise PlanError(
            f"the plan has the key {unknown[0]!r}, which means nothing; known: {', '.join(known)}"
        )
    missing = [key for key in needed or tables if key not in plan]
    if missing:
        raise PlanError(f"the plan lacks a [{missing[0]}] table; add one (see `reticent {verb} --help`)")
    for key in ("out", "cache"):
        if not isinstance(plan.get(key, ""), str):
            raise PlanError(f"{key} = {plan[key]!r} in the plan was given; expected a folder")
    return plan


def table(kind: type[Any], table: object, name: str) -> Any:
    if not isinstance(table, Mapping):
        raise PlanError(f"{name} in the plan is no table; write [{name}] and its keys under it")
    known = {f.name: f for f in fields(kind)}
    for key, value in table.items():
        if key not in known:
            raise PlanError(
                f"[{name}] in the plan has the key {key!r}, which means nothing; known: {', '.join(known)}"
            )
        expected = str(known[key].type)
        if not _fits(value, expected):
            raise PlanError(
                f"{key} = {value!r} in [{name}] was given; expected {expected.replace('None', 'left out')}"
            )
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in table.items()})
    except TypeError as error:
        lacking = str(error).rpartition(": ")[2]
        raise PlanError(f"[{name}] in the plan lacks {lacking}; add it") from error


def _fits(value: object, expected: str) -> bool:
    if isinstance(value, list):
        return expected.startswith("tuple") and all(isinstance(item, str) for item in value)
    kinds: dict[type, tuple[str, ...]] = {
        str: ("str", "Path", "Literal"),
        bool: ("bool",),
        int: ("int", "float"),
        float: ("float",),
    }
    return expected.startswith(kinds.get(type(value), ("no such kind",)))
