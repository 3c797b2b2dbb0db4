"""`reticent anonymise`: make a table of people anonymous, prove it, and say what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer


def anonymise(
    table: Annotated[Path, typer.Argument(help="Table of people (.parquet, .csv).")],
    quasi: Annotated[str, typer.Option(help="Columns by which people could be found: age,zip,sex.")],
    out: Annotated[Path, typer.Option(help="Where the anonymous table is written (.parquet, .csv).")],
    sensitive: Annotated[str, typer.Option(help="Columns nobody should learn of a person.")] = "",
    k: Annotated[int, typer.Option("--k", help="Rows at least that look alike.")] = 10,
    l: Annotated[  # noqa: E741
        float | None, typer.Option("--l", help="Sensitive values in each class at least.")
    ] = None,
    t: Annotated[
        float | None, typer.Option("--t", help="How far a class may be from the whole table, 0 to 1.")
    ] = None,
    diversity: Annotated[str, typer.Option(help="Kind of l: distinct, entropy or recursive.")] = "distinct",
    hierarchies: Annotated[
        Path | None,
        typer.Option(
            help="Trees of categories (.toml; .csv named as its column): how those of the quasi-identifiers "
            "become general and, for --t, how far sensitive ones are apart."
        ),
    ] = None,
    relaxed: Annotated[bool, typer.Option("--relaxed", help="Equal numbers may be split.")] = False,
    suppress: Annotated[float, typer.Option(help="Share of rows that may be left out.")] = 0.0,
    drop: Annotated[str, typer.Option(help="Columns left out.")] = "",
    pseudonymise: Annotated[str, typer.Option(help="Columns of identifiers, replaced by keyed hashes.")] = "",
    key_file: Annotated[
        Path | None, typer.Option(help="The key of the hashes; else in RETICENT_KEY.")
    ] = None,
    as_values: Annotated[
        bool, typer.Option("--as-values", help="Middles of intervals, values under nodes.")
    ] = False,
    population: Annotated[
        Path | None, typer.Option(help="Everybody among whom these people are, for the journalist's risk.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page about risk and utility (.html).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
) -> None:
    """Make a table anonymous; nothing is written unless an independent check finds that it is."""
    import reticent as rt
    from reticent.anonymised import read_people, writable
    from reticent.anonymity.hierarchy import read_hierarchies
    from reticent.anonymity.pseudonyms import read_key
    from reticent.errors import PlanError
    from reticent.progress import default_progress
    from reticent.report.anonymity import write_anonymity
    from reticent.report.words import percent

    writable(out)
    _spare((table, hierarchies, population, key_file), (out, report))
    hashed = _names(pseudonymise)
    if both := [name for name in hashed if name in _names(quasi)]:
        raise PlanError(f"{both[0]!r} is pseudonymised and a quasi-identifier; name it once")
    key = read_key(key_file, "RETICENT_KEY") if hashed else None
    people = read_people(table)
    trees = read_hierarchies(hierarchies) if hierarchies is not None else {}
    made = rt.anonymise(
        people,
        quasi=_names(quasi),
        sensitive=_names(sensitive),
        k=k,
        l=l,
        t=t,
        diversity=diversity,
        hierarchies=trees,
        strict=not relaxed,
        suppress=suppress,
        drop=_names(drop),
        pseudonyms=hashed,
        key=key,
        as_values=as_values,
        population=read_people(population) if population is not None else None,
        seed=seed,
        progress=default_progress(),
    )
    made.save(out)
    if report is not None:
        write_anonymity(made, report, name=table.name)
    was, now = made.before, made.risk
    typer.echo(
        f"{len(made.rows):,} rows, {made.proof.classes:,} classes, {made.proof.smallest:,} rows at least"
    )
    typer.echo(f"highest risk: {percent(was.prosecutor)} before, {percent(now.prosecutor)} after")
    typer.echo(f"rows like no other: {percent(was.unique)} before, {percent(now.unique)} after")
    typer.echo(
        f"lost: {percent(made.utility.penalty)} of the quasi-identifiers, {made.utility.suppressed:,} rows"
    )
    if made.others:
        typer.echo(f"as they were: {', '.join(made.others)}")
    typer.echo(f"written: {out}" + (f", {report}" if report is not None else ""))


def _spare(read: Sequence[Path | None], written: Sequence[Path | None]) -> None:
    """Refuse to write over what is read, or where there is no folder."""
    from reticent.errors import PlanError

    taken = {path.resolve() for path in read if path is not None}
    for path in written:
        if path is None:
            continue
        if path.resolve() in taken:
            raise PlanError(f"{str(path)!r} is named twice and would be lost; write to another file")
        if not path.resolve().parent.is_dir():
            raise PlanError(f"there is no folder {str(path.resolve().parent)!r} to write to; make it first")
        taken.add(path.resolve())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
