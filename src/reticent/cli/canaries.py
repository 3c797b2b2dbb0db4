"""`reticent canaries`: how private is this training, really?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

VIOLATED = 3


def canaries(
    recipe: Annotated[str, typer.Option(help="module:name of the training to audit.")],
    train: Annotated[Path, typer.Option(help="Records to train on (.parquet, .csv, .npz).")],
    target: Annotated[str | None, typer.Option(help="The label column.")] = None,
    count: Annotated[int, typer.Option(help="Canaries put into the one run.")] = 1000,
    runs: Annotated[
        int | None, typer.Option(help="Many runs with one canary, instead of one with many.")
    ] = None,
    natural: Annotated[
        bool, typer.Option("--natural", help="Records as they are, not mislabelled ones.")
    ] = False,
    claimed_epsilon: Annotated[float | None, typer.Option(help="What the training claims.")] = None,
    delta: Annotated[float, typer.Option(help="The delta of the claim.")] = 1e-5,
    seed: Annotated[int, typer.Option(help="Of the coins and the trainings.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train; all cores by default.")
    ] = None,
) -> None:
    """Bound a training's epsilon from below by canaries put in by coin flips."""
    import numpy as np

    from reticent.canaries import many_runs, one_run
    from reticent.canary import Canary
    from reticent.cli.audit import read_side
    from reticent.data import records
    from reticent.plan import DataSource
    from reticent.targets.load import load_recipe

    if not 0 < delta < 1:
        from reticent.errors import PlanError

        raise PlanError(f"delta {delta:g} was given; it is a small share such as 1e-5")
    x, y = read_side(DataSource(train=train, holdout=train, target=target), train, "training data")
    data = records(x, y, np.unique(np.asarray(y)), what="training data")
    canary = Canary.NATURAL if natural else Canary.MISLABELLED
    training = load_recipe(recipe)
    if runs is not None:
        found = many_runs(
            training,
            data,
            runs=runs,
            canary=canary,
            claimed_epsilon=claimed_epsilon,
            delta=delta,
            seed=seed,
            workers=workers,
        )
    else:
        found = one_run(
            training,
            data,
            canaries=count,
            canary=canary,
            claimed_epsilon=claimed_epsilon,
            delta=delta,
            seed=seed,
            workers=workers,
        )
    typer.echo(found.sentence)
    typer.echo(f"General bound: {found.bound}. If the mechanism is Gaussian: {found.gaussian}.")
    typer.echo(f"{found.trainings} training(s), {found.canaries} {canary.value} canaries in each.")
    if found.violated:
        raise typer.Exit(VIOLATED)
