"""`reticent extract`: how good a copy of this model does asking it make, and for how many queries?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from reticent.finding import Finding


def extract(
    model: Annotated[str, typer.Option(help="Model file (.skops, .onnx, .safetensors) or URL.")],
    own: Annotated[Path, typer.Option(help="Records of the thief's own (.parquet, .csv, .npz).")],
    test: Annotated[Path, typer.Option(help="Records that neither model nor thief has: judged on them.")],
    attack: Annotated[str, typer.Option(help="How to copy it: 'equation-solving', 'knockoff', ...")],
    target: Annotated[str | None, typer.Option(help="The label column.")] = None,
    budget: Annotated[int | None, typer.Option(min=1, help="Queries that the thief may ask.")] = None,
    recipe: Annotated[
        str | None, typer.Option(help="module:name of how the thief trains; needed for .safetensors.")
    ] = None,
    members: Annotated[
        Path | None, typer.Option(help="Records it was trained on: the copy is then asked who they are.")
    ] = None,
    then: Annotated[str, typer.Option(help="How the copy is asked about members.")] = "loss",
    report: Annotated[Path | None, typer.Option(help="Where to write the page.")] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    trust_pickle: Annotated[
        bool, typer.Option("--trust-pickle", help="Run the code a pickle holds.")
    ] = False,
) -> None:
    """Copy a model by asking it; with --members, ask the copy who was in its training set."""
    from rich.console import Console

    import reticent as rt
    from reticent.attacks.attack import ExtractionAttack, MembershipAttack
    from reticent.attacks.catalogue import named
    from reticent.cli.audit import open_source, read_side
    from reticent.errors import PlanError
    from reticent.plan import DataSource, ModelSource
    from reticent.report.terminal import findings_group

    how, telling = named(attack), named(then)
    if not isinstance(how, ExtractionAttack):
        raise PlanError(f"--attack {attack} copies no model; `reticent attacks` lists those that do")
    if not isinstance(telling, MembershipAttack):
        raise PlanError(f"--then {then} tells no members; `reticent attacks` lists those that do")
    source = DataSource(train=own, holdout=test, target=target)
    has, judged = read_side(source, own, "thief's own records"), read_side(source, test, "test records")
    wanted = ModelSource(path=model, recipe=recipe, trust_pickle=trust_pickle)
    opened, trained = open_source(wanted, has, judged, rt.Roles())
    shared: dict[str, Any] = {"own": has, "recipe": trained if recipe else None, "budget": budget}
    found: tuple[Finding, ...]
    if members is None:
        found = (rt.extract(opened, how, test=judged, seed=seed, **shared).finding,)
    else:
        inside = read_side(source, members, "members")
        settings = rt.Settings(seed=seed)
        found = rt.chain(opened, how, telling, members=inside, nonmembers=judged, settings=settings, **shared)
    Console().print(findings_group(found))
    if report is not None:
        rt.write_findings(found, report, name=Path(model).name)
        typer.echo(f"Report: {report}")
    if any(f.outcome != "measured" for f in found):
        raise typer.Exit(2)
