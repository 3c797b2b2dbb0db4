"""`reticent verify-dp`: is the differential privacy that a training claims real?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from reticent.outlier import World

VIOLATED, NO_POWER = 3, 4


def verify_dp(
    train: Annotated[
        str, typer.Argument(help="module:name of train(x, y, seed), with record if it likes, or of a recipe.")
    ],
    epsilon: Annotated[
        float | None, typer.Option(help="What is claimed; not needed of a recipe that says.")
    ] = None,
    delta: Annotated[float | None, typer.Option(help="At which delta it is claimed, such as 1e-5.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Records to train on (.parquet, .csv, .npz); none: of our own making.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="The label column of the data.")] = None,
    records: Annotated[int, typer.Option(help="How many records of our own making.")] = 500,
    columns: Annotated[
        int | None, typer.Option(help="Their columns, if the training takes so many and no others.")
    ] = None,
    reach: Annotated[float | None, typer.Option(help="How far out the outlier lies.")] = None,
    runs: Annotated[int, typer.Option(help="Trainings with the outlier or without.")] = 500,
    outliers: Annotated[int, typer.Option(help="Outliers in the one run; 0 for no such run.")] = 1000,
    sight: Annotated[str, typer.Option(help="What may be seen: scores, weights or steps.")] = "steps",
    seed: Annotated[int, typer.Option(help="Of the coins and the trainings.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train; all cores by default.")
    ] = None,
) -> None:
    """Try a training's claim of differential privacy: exit code 0 not refuted, 3 violated, 4 no power."""
    from reticent.claim import Claim, Sight
    from reticent.claim_trial import verify_dp as verify
    from reticent.errors import PlanError
    from reticent.targets.load import load_training
    from reticent.verification import Outcome

    if (epsilon is None) != (delta is None):
        given, lacking = ("epsilon", "delta") if delta is None else ("delta", "epsilon")
        raise PlanError(f"--{given} was given without --{lacking}; a claim has both")
    if sight.upper() not in Sight.__members__:
        raise PlanError(f"sight {sight!r} was given; give scores, weights or steps")
    found = verify(
        load_training(train),
        None if epsilon is None or delta is None else Claim(epsilon, delta),
        world=_world(data, target, records, columns, reach),
        runs=runs,
        outliers=outliers,
        sight=Sight[sight.upper()],
        seed=seed,
        workers=workers,
    )
    typer.echo(found.sentence)
    for line in found.details:
        typer.echo(line)
    if found.outcome is not Outcome.NOT_REFUTED:
        raise typer.Exit(VIOLATED if found.outcome is Outcome.VIOLATED else NO_POWER)


def _world(
    data: Path | None, target: str | None, records: int, columns: int | None, reach: float | None
) -> World:
    import numpy as np

    from reticent.cli.audit import read_side
    from reticent.data import records as read_records
    from reticent.outlier import Crowd, Within
    from reticent.plan import DataSource

    far: dict[str, Any] = {} if reach is None else {"reach": reach}
    if data is None:
        return Crowd(records=records, columns=columns, **far)
    x, y = read_side(DataSource(train=data, holdout=data, target=target), data, "data")
    return Within(data=read_records(x, y, np.unique(np.asarray(y)), what="data"), **far)
