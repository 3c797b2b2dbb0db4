"""`reticent audit`: does this model give away who was in its training set?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from reticent.access import Target
    from reticent.data import Property, Roles
    from reticent.plan import AuditPlan, DataSource, ModelSource
    from reticent.recipe import Recipe
    from reticent.result import Audit

GATE_CLOSED = 3

PROBE = 20
"""Records by which a model behind a URL is told apart from another."""

Side = tuple[Any, Any]


def audit(
    plan: Annotated[
        Path | None, typer.Argument(help="A plan file in TOML, instead of the options below.")
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Model file (.skops, .onnx, .safetensors) or URL; repeat to compare."),
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="module:name of how to train another like it.")] = None,
    train: Annotated[
        Path | None, typer.Option(help="Records it was trained on (.parquet, .csv, .npz).")
    ] = None,
    holdout: Annotated[Path | None, typer.Option(help="Records from the same source it never saw.")] = None,
    target: Annotated[str | None, typer.Option(help="The label column.")] = None,
    sensitive: Annotated[
        list[str] | None,
        typer.Option(help="A column that a person would mind being guessed; repeat for several."),
    ] = None,
    has: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            help="column=value that the model is not given: how common is it among the members? Repeatable.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder for the report and the evidence.")] = None,
    attack: Annotated[
        list[str] | None, typer.Option(help="Run this attack only; repeat for several.")
    ] = None,
    shadows: Annotated[int | None, typer.Option(help="Shadow models to train (even).")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.")] = None,
    fail_on: Annotated[
        str | None, typer.Option(help="Exit with 3 if a figure is over a limit: 'tpr@0.1%>0.01'.")
    ] = None,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Run the code a pickle holds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print findings.json, and nothing else.")] = False,
) -> None:
    """Audit a model: whom of its training data does it give away, how surely, and what of them?"""
    said = tuple(sensitive or ()), tuple(has or ())
    wanted = _plan(plan, model, recipe, train, holdout, target, *said, out, trust_pickle)
    changes: dict[str, Any] = {"shadows": shadows, "seed": seed, "fail_on": fail_on}
    changes["attacks"] = tuple(attack) if attack else None
    settings = replace(wanted.settings, **{k: v for k, v in changes.items() if v is not None})
    audits = run(replace(wanted, settings=settings))
    _tell(audits, wanted.out, as_json=as_json)
    if settings.fail_on is not None and any(a.verdict.failed for a in audits):
        raise typer.Exit(GATE_CLOSED)


def run(plan: AuditPlan) -> list[Audit]:
    """Carry out a plan: one audit a model, saved to the run folder as each is done.

    Raises:
        TargetError: nothing could be measured on a model.
    """
    import reticent as rt
    from reticent.errors import TargetError

    data = plan.data
    members, nonmembers = (
        read_side(data, data.train, "training data"),
        read_side(data, data.holdout, "hold-out"),
    )
    roles = rt.Roles(
        sensitive=data.sensitive,
        quasi=data.quasi,
        person=data.person,
        properties=tuple(read_property(text, members[0]) for text in data.properties),
    )
    audits: list[Audit] = []
    for source in plan.models:
        target, recipe = open_source(source, members, nonmembers, roles)
        audit = rt.audit(
            target,
            members=members,
            nonmembers=nonmembers,
            recipe=recipe,
            roles=roles,
            settings=plan.settings,
            name=source.name or Path(source.path).name,
            cache=plan.cache,
        )
        if not audit.measured:
            reasons = "; ".join(f"{f.attack}: {f.reason}" for f in audit.findings[:3])
            raise TargetError(f"nothing could be measured on {audit.model} ({reasons})")
        if plan.out is not None:
            audit.save(
                plan.out if len(plan.models) == 1 else plan.out / f"{len(audits) + 1}-{_slug(audit.model)}"
            )
        audits.append(audit)
    if plan.out is not None and len(audits) > 1:
        audits[0].report(plan.out / "report.html", beside=audits[1:])
    return audits


def read_property(text: str, features: Any) -> Property:
    """The property that is written column=value; a number where the column holds numbers.

    Raises:
        PlanError: written otherwise, or no number where one is needed.
    """
    from pandas.api.types import is_numeric_dtype

    from reticent.data import Property, is_table
    from reticent.errors import PlanError

    column, equals, value = text.partition("=")
    column, value = column.strip(), value.strip()
    if not (column and equals and value):
        raise PlanError(f"the property {text!r} was given; write it as column=value, such as sex=Female")
    if is_table(features) and column in features.columns and is_numeric_dtype(features[column]):
        try:
            return Property(column, float(value))
        except ValueError as error:
            raise PlanError(
                f"the property {text!r} was given, and {column} holds numbers; give one"
            ) from error
    return Property(column, value)


def open_source(
    source: ModelSource, members: Side, nonmembers: Side, roles: Roles
) -> tuple[Target, Recipe | None]:
    """The target and its recipe, as the plan names them."""
    import numpy as np

    from reticent.hardened import is_hardened, open_hardened
    from reticent.targets.load import load_recipe, load_target, recipe_for

    recipe = load_recipe(source.recipe) if source.recipe else None
    if is_hardened(source.path):
        return open_hardened(source.path, recipe=recipe), recipe
    target = load_target(
        source.path,
        recipe=recipe,
        classes=np.unique(np.concatenate([np.asarray(labels) for _, labels in (members, nonmembers)])),
        probe=roles.features(nonmembers[0][:PROBE]),
        trust_pickle=source.trust_pickle,
    )
    return target, recipe or recipe_for(target)


def read_side(data: DataSource, path: Path, what: str) -> Side:
    """Features and labels of one side."""
    from reticent.data import read_arrays, read_table, split_target
    from reticent.errors import PlanError

    if path.suffix == ".npz":
        return read_arrays(path)
    table = read_table(path)
    if data.target is None:
        raise PlanError("no label column was named; say which with --target or target in [data]")
    features, labels = split_target(table, data.target, what=what)
    return features.drop(columns=[c for c in data.drop if c in features.columns]), labels


def _plan(
    path: Path | None,
    models: Sequence[str] | None,
    recipe: str | None,
    train: Path | None,
    holdout: Path | None,
    target: str | None,
    sensitive: tuple[str, ...],
    properties: tuple[str, ...],
    out: Path | None,
    trust_pickle: bool,
) -> AuditPlan:
    from reticent.errors import PlanError
    from reticent.plan import AuditPlan, DataSource, ModelSource, read_plan

    if path is not None:
        if models or recipe or train or holdout or target or sensitive or properties:
            raise PlanError(
                "a plan file and options for model and data were given; write all of them in the plan"
            )
        plan = read_plan(path)
        return replace(plan, out=out or plan.out)
    if not models or train is None or holdout is None:
        raise PlanError(
            "give a plan file, or --model, --train and --holdout (and --target for tables); "
            "`reticent audit --help` explains them"
        )
    return AuditPlan(
        models=tuple(ModelSource(path=m, recipe=recipe, trust_pickle=trust_pickle) for m in models),
        data=DataSource(
            train=train, holdout=holdout, target=target, sensitive=sensitive, properties=properties
        ),
        out=out,
    )


def _tell(audits: Sequence[Audit], out: Path | None, *, as_json: bool) -> None:
    if as_json:
        from reticent.report.findings import findings_json

        typer.echo(findings_json(audits))
        return
    from rich.console import Console

    console = Console()
    for audit in audits:
        console.print(audit)
    if out is not None:
        console.print(f"Report: {out / 'report.html'}", highlight=False, markup=False)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name).strip("-").lower()
