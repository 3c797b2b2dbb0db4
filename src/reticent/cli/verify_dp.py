"""`reticent verify-dp`: does a training keep the differential privacy that it claims?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reticent.claim import Claim, Sight
    from reticent.outlier import World

VIOLATED, NO_POWER = 3, 4


def verify(
    train: Annotated[
        str,
        typer.Argument(help="module:name of train(x, y, *, seed, record), train(x, y, seed) or a recipe."),
    ],
    epsilon: Annotated[
        float | None, typer.Option(help="What is claimed; a recipe may claim it itself.")
    ] = None,
    delta: Annotated[float | None, typer.Option(help="The delta of the claim.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Records to train on (.parquet, .csv, .npz); without, made ones.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="The label column.")] = None,
    records: Annotated[int, typer.Option(help="How many records are made, without --data.")] = 500,
    columns: Annotated[
        int | None, typer.Option(help="Columns of the made records; any number where the training lets it.")
    ] = None,
    reach: Annotated[float | None, typer.Option(help="How far out the outlier lies.")] = None,
    runs: Annotated[int, typer.Option(help="Trainings with the outlier or without.")] = 500,
    outliers: Annotated[
        int, typer.Option(help="Outliers of the one run that holds many; 0 for none.")
    ] = 1000,
    sight: Annotated[
        str, typer.Option(help="The most that is looked at: scores, weights or steps.")
    ] = "steps",
    seed: Annotated[int, typer.Option(help="Of the coins and the trainings.")] = 0,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that train; all cores by default.")
    ] = None,
) -> None:
    """Try a claim of differential privacy: train with an outlier and without, and tell the two apart.

    Ends with 0 where the claim is not refuted, 3 where it is violated, 4 where the trial could not have
    refuted it.
    """
    from reticent.claim_trial import verify_dp
    from reticent.targets.load import load_training
    from reticent.verification import Outcome

    claim, seen = _claim(epsilon, delta), _sight(sight)
    world = _world(data, target, records, columns, reach)
    found = verify_dp(
        load_training(train),
        claim,
        world=world,
        runs=runs,
        outliers=outliers,
        sight=seen,
        seed=seed,
        workers=workers,
    )
    typer.echo(found.sentence)
    for line in found.details:
        typer.echo(line)
    if found.outcome is not Outcome.NOT_REFUTED:
        raise typer.Exit(VIOLATED if found.outcome is Outcome.VIOLATED else NO_POWER)


def _claim(epsilon: float | None, delta: float | None) -> Claim | None:
    from reticent.claim import Claim
    from reticent.errors import PlanError

    if epsilon is None and delta is None:
        return None
    if epsilon is None or delta is None:
        raise PlanError(
            f"epsilon {epsilon} and delta {delta} were given; state both, such as --epsilon 3 --delta 1e-5"
        )
    return Claim(epsilon, delta)


def _sight(name: str) -> Sight:
    from reticent.claim import Sight
    from reticent.errors import PlanError

    try:
        return Sight[name.upper()]
    except KeyError:
        raise PlanError(f"--sight {name} was given; give scores, weights or steps") from None


def _world(
    data: Path | None, target: str | None, records: int, columns: int | None, reach: float | None
) -> World:
    from reticent.outlier import Crowd, Within

    if data is None:
        made = Crowd(records=records, columns=columns)
        return made if reach is None else Crowd(records=records, columns=columns, reach=reach)
    import numpy as np

    from reticent.cli.audit import read_side
    from reticent.data import records as read_records
    from reticent.plan import DataSource

    x, y = read_side(DataSource(train=data, holdout=data, target=target), data, "records")
    own = read_records(x, y, np.unique(np.asarray(y)), what="records")
    return Within(data=own) if reach is None else Within(data=own, reach=reach)
