"""`reticent synthesise`: a table of people who do not exist, what it guarantees, and whom it gives away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from reticent.domain import Domain


def synthesise(
    people: Annotated[Path, typer.Argument(help="The table of people (.parquet, .csv).")],
    out: Annotated[Path, typer.Option(help="Where the synthetic table is written (.parquet, .csv).")],
    epsilon: Annotated[float | None, typer.Option(help="Of the guarantee, such as 1.")] = None,
    delta: Annotated[float, typer.Option(help="Of the guarantee; below one over the rows.")] = 1e-5,
    domain: Annotated[
        Path | None, typer.Option(help="What columns may hold, in TOML: categories, or low and high.")
    ] = None,
    public_domain: Annotated[
        Path | None,
        typer.Option(help="A public table of other people (.parquet, .csv) to take the domain from."),
    ] = None,
    rows: Annotated[int | None, typer.Option(min=1, help="To make; as many as counted by default.")] = None,
    within: Annotated[
        str | None,
        typer.Option(help="A column of few values, each measured by itself: the one to be predicted."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write a page: risks, measured on people set aside and not (.html).")
    ] = None,
    holdout: Annotated[float, typer.Option(help="Share of the people set aside for the page.")] = 0.2,
    secret: Annotated[
        list[str] | None, typer.Option(help="A column to infer from the others, for the page; repeatable.")
    ] = None,
    guesses: Annotated[int, typer.Option(min=1, help="People attacked, at most, for the page.")] = 500,
    without_dp: Annotated[
        bool, typer.Option("--without-dp", help="No noise and no guarantee, to compare with.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, help="For the same table again; keep it secret, or give none.")
    ] = None,
) -> None:
    """Make a synthetic table under differential privacy, and measure whom it gives away."""
    from reticent.data import read_table
    from reticent.errors import PlanError
    from reticent.synthesis.synthetic import synthesise as make
    from reticent.synthetic_trial import try_synthetic

    if (epsilon is None) != without_dp:
        raise PlanError(
            "give --epsilon, such as 1, for a guarantee, or --without-dp for none: one of the two"
        )
    _check_kind(out)
    if report is not None:
        _check_folder(report)
    table = read_table(people)
    known = _domain(domain, public_domain, table)
    if report is None:
        made = make(table, domain=known, epsilon=epsilon, delta=delta, rows=rows, within=within, seed=seed)
    else:
        tried = try_synthetic(
            table,
            domain=known,
            epsilon=epsilon,
            delta=delta,
            rows=rows,
            within=within,
            secrets=tuple(secret or ()),
            holdout=holdout,
            guesses=guesses,
            seed=seed,
        )
        made = tried.synthetic
        tried.report(report, name=out.name).chmod(0o600)
    _write(made.table, out)
    typer.echo(f"{out}: {made}")
    if public_domain is not None:
        typer.echo(
            f"The guarantee rests on {public_domain} being public: its categories and bounds are used as "
            "they are."
        )
    if report is not None:
        typer.echo(f"Report: {report} (measured on the people: keep it with them)")


def _domain(stated: Path | None, public: Path | None, table: pd.DataFrame) -> Domain:
    from reticent.data import read_table
    from reticent.domain import Domain
    from reticent.errors import PlanError

    if stated is not None and public is not None:
        raise PlanError("--domain and --public-domain were both given; give one of the two")
    if stated is not None:
        return Domain.read(stated)
    if public is not None:
        others = read_table(public)
        domain = Domain.public(others)
        if others.equals(table):
            raise PlanError(
                f"{public} holds the people themselves, whose categories and bounds tell of them; name a "
                "public table of others, or say with --domain FILE what the columns may hold"
            )
        return domain
    first = table.columns[0]
    raise PlanError(
        "nothing says what the columns may hold, and it can't be read off the people; give --domain FILE "
        f"with a table a column, as in [{first}] with categories, or low and high"
    )


def _check_kind(out: Path) -> None:
    from reticent.errors import PlanError

    if out.suffix not in (".parquet", ".csv"):
        raise PlanError(f"--out {out} is neither Parquet (.parquet) nor CSV (.csv); name one of them")
    _check_folder(out)


def _check_folder(path: Path) -> None:
    from reticent.errors import PlanError

    if not path.resolve().parent.is_dir():
        raise PlanError(f"there is no folder {str(path.resolve().parent)!r} to write to; make it first")


def _write(table: pd.DataFrame, out: Path) -> None:
    from reticent.store import write_whole

    if out.suffix == ".csv":
        write_whole(out, lambda file: table.to_csv(file, index=False))
    else:
        write_whole(out, lambda file: table.to_parquet(file, index=False))
    out.chmod(0o600)  # whoever made it decides whom it is shown
