"""Makes a synthetic table, and says what it guarantees."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reticent.access import IntArray
from reticent.domain import Column, Domain
from reticent.errors import DataError, PlanError
from reticent.measure.privacy import check_privacy, empty_promise
from reticent.measure.zcdp import zcdp_epsilon, zcdp_rho
from reticent.noise import Dice
from reticent.progress import Advance, Progress, default_progress
from reticent.recipe import Guarantee
from reticent.synthesis.mechanism import Grouped, Measured, Spent, measure, measure_within
from reticent.synthesis.selection import check_sizes

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 100
"""Rows below which noise leaves nothing of a table."""


@dataclass(frozen=True, eq=False)
class Synthetic:
    """A table of people who do not exist.

    Attributes:
        table: (rows, columns).
        domain: what its columns may hold.
        pairs: columns whose joint counts were kept.
        spent: the ledger: what was looked at, and what each look cost (ρ of zero-concentrated differential
            privacy, which adds up).
        guarantee: of the table and whatever is done with it; None without differential privacy.
        within: the column each of whose values was measured by itself; None where there is none.
    """

    table: pd.DataFrame
    domain: Domain
    pairs: tuple[tuple[str, str], ...]
    spent: tuple[Spent, ...]
    guarantee: Guarantee | None
    within: str | None = None

    def __str__(self) -> str:
        said = f"{self.guarantee}, for {self.guarantee.against}" if self.guarantee else UNPROTECTED
        return f"{len(self.table):,} synthetic rows of {len(self.domain.names)} columns; {said}"


UNPROTECTED = "made without differential privacy: it guarantees nothing, and is for comparison alone"


def synthesise(
    table: pd.DataFrame,
    *,
    domain: Domain | Mapping[str, Column],
    epsilon: float | None,
    delta: float = 1e-5,
    rows: int | None = None,
    pairs: bool = True,
    within: str | None = None,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Synthetic:
    """Make a table of people who do not exist, like those in a table, under differential privacy.

    The marginals of a tree of columns are measured under noise and sampled from (MST: McKenna, Miklau &
    Sheldon 2021, arXiv:2108.04978). One row is protected: a person with ten rows has ten times the epsilon.

    Args:
        table: (rows, columns) of people.
        domain: what each column may hold, known without looking at the people.
        epsilon: of the guarantee; None for none at all, which is warned of.
        delta: of the guarantee; below one over the rows.
        rows: to make; None for as many as the noisy counts say, since the number of people is protected too.
        pairs: keep how columns go together; without, each is drawn by itself.
        within: a column of few values, such as the one to be predicted: the rows of each are measured by
            themselves under the whole budget, since one row is in one of them, and all that goes together
            with it is kept. Better to learn from, noisier where some value is rare.
        seed: for the same table again; None for noise from the operating system's secure source, as a
            guarantee takes it: whoever knows the seed can take the noise off.

    Raises:
        DataError: fewer than 100 rows, columns that the domain lacks or that lack a value, values out of it.
        PlanError: no epsilon or delta, a delta that promises nothing of so many rows, two columns of more
            than ten million cells together, an epsilon whose noise would drown everything.
    """
    known = domain if isinstance(domain, Domain) else Domain.of(domain)
    names = known.names
    if rows is not None and rows < 1:
        raise PlanError(f"rows={rows} were asked for; ask for one at least")
    cells = read_cells(table, known, epsilon, delta, "synthesise")
    if epsilon is None:
        warnings.warn(f"the table is {UNPROTECTED}", UserWarning, stacklevel=2)
    if within is not None and within not in names:
        raise PlanError(f"within={within!r} was given, and there is no such column; give one of the domain's")
    place = None if within is None else names.index(within)
    with (progress or default_progress()).stage("Measuring", looks(known, place)) as advance:
        measured = measured_under(
            cells, known, epsilon, delta, Dice(_stream(seed, 0)), pairs=pairs, within=place, advance=advance
        )
    drawn = measured.sample(rows or max(measured.rows, 1), Dice(_stream(seed, 1)))
    made = known.decode(drawn, Dice(_stream(seed, 2)))
    return Synthetic(
        made[[str(name) for name in table.columns]],
        known,
        tuple((names[i], names[j]) for i, j in measured.pairs),
        measured.spent,
        guaranteed(measured.spent, delta),
        within,
    )


def read_cells(
    table: pd.DataFrame, domain: Domain, epsilon: float | None, delta: float, word: str
) -> IntArray:
    """(rows, columns) cells of a table that noise can be added to.

    Raises:
        DataError, PlanError: as in `synthesise`.
    """
    check_sizes(domain.names, domain.shape)
    if epsilon is not None:
        check_privacy(epsilon, delta, word)
    if len(table) < FEWEST:
        raise DataError(f"{len(table)} rows were given, and noise would leave nothing of them; give {FEWEST}")
    if epsilon is not None and (said := empty_promise(delta, len(table))):
        raise PlanError(said)
    return domain.encode(table)


def measured_under(
    cells: IntArray,
    domain: Domain,
    epsilon: float | None,
    delta: float,
    dice: Dice,
    *,
    pairs: bool,
    within: int | None,
    advance: Advance = lambda steps: None,
) -> Measured | Grouped:
    """What is measured of cells with the whole of (epsilon, delta)."""
    rho = None if epsilon is None else zcdp_rho(epsilon, delta)
    if within is not None and len(domain.shape) > 1:
        return measure_within(cells, domain.shape, within, rho, dice, pairs=pairs, advance=advance)
    return measure(cells, domain.shape, rho, dice, pairs=pairs, advance=advance)


def looks(domain: Domain, within: int | None) -> int:
    """Pairs of columns that are looked at."""
    columns = len(domain.shape) - (within is not None)
    return columns * (columns - 1) // 2 * (1 if within is None else domain.shape[within])


def guaranteed(spent: tuple[Spent, ...], delta: float) -> Guarantee | None:
    """What a ledger comes to; nothing where nothing was spent, since then nothing was protected."""
    if not spent:
        return None
    rho = sum(entry.rho for entry in spent)
    by = f"{len(spent)} looks, ρ {rho:.3g} of zCDP together, by Canonne, Kamath & Steinke 2020, corollary 13"
    return Guarantee(zcdp_epsilon(rho, delta), delta, by)


def _stream(seed: int | None, place: int) -> tuple[int, int] | None:
    return None if seed is None else (seed, place)
