"""`reticent harden`: which defence leaves least of the leak, at what price? Writes the model that is
chosen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reticent.data import Records
    from reticent.harden_plan import HardenPlan
    from reticent.pareto import Frontier
    from reticent.recipe import Recipe

NONE_DOES = 3


def harden(
    plan: Annotated[Path, typer.Argument(help="A plan file in TOML: [model], [data], [harden].")],
    max_leak: Annotated[
        str | None, typer.Option(help="The most that may leak: 'tpr@0.1% < 0.005'. Exit with 3 if none does.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report and the chosen model.")] = None,
    shadows: Annotated[int | None, typer.Option(help="Models to train a defence (even).")] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random but the released model.")] = None,
) -> None:
    """Train the model under many defences, attack each one, and write the most useful that leaks
    little enough."""
    from rich.console import Console

    from reticent.harden_plan import read_harden_plan

    wanted = read_harden_plan(plan)
    changes = {"max_leak": max_leak, "shadows": shadows, "seed": seed}
    given = {name: value for name, value in changes.items() if value is not None}
    wanted = replace(wanted, harden=replace(wanted.harden, **given), out=out or wanted.out)  # type: ignore[arg-type]
    recipe, data, holdout = _opened(wanted)
    front = _measured(wanted, recipe, data, holdout)
    console = Console()
    console.print(front)
    if wanted.out is not None:
        _report(wanted, front)
        console.print(f"Report: {wanted.out / 'report.html'}", highlight=False, markup=False)
    if wanted.harden.max_leak is None:
        return
    choice = front.best(wanted.harden.max_leak)
    console.print(choice.sentence, highlight=False, markup=False)
    if choice.row is None:
        raise typer.Exit(NONE_DOES)
    if wanted.out is not None:
        from reticent.frontier_trial import halves
        from reticent.hardened import harden_model

        test, reference = halves(holdout, wanted.harden.seed)
        hardened = harden_model(recipe, data, choice.row.defence, reference=reference, test=test)
        found = f"- Of {front.models} models trained like it on halves of the records: {choice.sentence}"
        base = front.undefended
        before = (
            f"- Without any defence: accuracy {base.accuracy}, {front.figure} {base.leak(front.figure)[1]}."
        )
        place = hardened.save(wanted.out / "model", name=wanted.model.name, measured=(found, before))
        console.print(f"Model: {place}", highlight=False, markup=False)


def _opened(plan: HardenPlan) -> tuple[Recipe, Records, Records]:
    """The recipe, the records to train on, and the others."""
    import numpy as np

    from reticent.cli.audit import read_side
    from reticent.data import Roles, records
    from reticent.errors import ModelError
    from reticent.targets.load import load_recipe, load_target, recipe_for

    data = plan.data
    roles = Roles(sensitive=data.sensitive, quasi=data.quasi, person=data.person)
    inside, outside = read_side(data, data.train, "training data"), read_side(data, data.holdout, "hold-out")
    classes = np.unique(np.concatenate([np.asarray(inside[1]), np.asarray(outside[1])]))
    recipe: Recipe | None
    if plan.model.recipe is not None:
        recipe = load_recipe(plan.model.recipe)
    else:
        target = load_target(str(plan.model.path), classes=classes, trust_pickle=plan.model.trust_pickle)
        recipe = recipe_for(target)
    if recipe is None:
        raise ModelError(f"{plan.model.path!r} can't be trained again; give a recipe in [model]")
    return (
        recipe,
        records(*inside, classes, roles=roles, what="training data"),
        records(*outside, classes, roles=roles, what="hold-out"),
    )


def _measured(plan: HardenPlan, recipe: Recipe, data: Records, holdout: Records) -> Frontier:
    import reticent as rt

    how = plan.harden
    return rt.frontier(
        recipe,
        data,
        how.read,
        holdout=holdout,
        shadows=how.shadows,
        canaries=how.canaries,
        parts=how.parts,
        private=how.private,
        seed=how.seed,
        workers=how.workers,
        cache=plan.cache,
    )


def _report(plan: HardenPlan, front: Frontier) -> None:
    from reticent.store import private_folder, write_text

    assert plan.out is not None
    folder = private_folder(plan.out)
    front.report(folder / "report.html", name=plan.model.name)
    write_text(folder / "frontier.json", front.json() + "\n")
