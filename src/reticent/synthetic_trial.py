"""Makes a synthetic table and tries it on the people: how near it comes, and whom it gives away.

Some of the people are set aside first. They have no part in the table, so what attackers reach on them is
reached of anybody: the control of `release_trial`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.release import DEFAULT
from reticent.domain import Domain
from reticent.errors import DataError, PlanError
from reticent.finding import Finding
from reticent.progress import Progress
from reticent.release import read_tables
from reticent.release_trial import audit_release
from reticent.report.page import write_findings
from reticent.synthesis.likeness import Distance, distance, independence
from reticent.synthesis.synthetic import UNPROTECTED, Synthetic, synthesise

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 200
"""People set aside below which risks are too uncertain to be told."""

UNLIKE = 50
"""People on either side whom nobody on the other is like, below which attacks have no aim."""


@dataclass(frozen=True, eq=False)
class Tried:
    """A synthetic table, how near it comes to the people, and whom it gives away.

    Attributes:
        synthetic: the table and its guarantee.
        findings: one an attack; those that could not be tried say why.
        made: how far the table is from the people it was made from.
        unseen: how far those set aside are from them: what drawing other people does.
        independent: how far columns drawn independently are from them, without any noise.
        people, aside: how many the table was made from, and how many were set aside.
    """

    synthetic: Synthetic
    findings: tuple[Finding, ...]
    made: Distance
    unseen: Distance
    independent: Distance
    people: int
    aside: int

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What a page says before its findings."""
        made = self.synthetic
        guarantee = (
            f"{made.guarantee}, for {made.guarantee.against} ({made.guarantee.by}). It holds for the table "
            "and whatever is done with it, against whoever can't foresee the noise"
            if made.guarantee
            else f"None: {UNPROTECTED}"
        )
        single, joint = (
            f"{100 * own:.1f} % of rows on average; other people from the same source {100 * others:.1f} %"
            for own, others in (
                (self.made.columns, self.unseen.columns),
                (self.made.pairs, self.unseen.pairs),
            )
        )
        if self.made.worst:
            joint += f", columns drawn independently {100 * self.independent.pairs:.1f} %; at worst "
            joint += f"{100 * self.made.worst_pair:.1f} % ({self.made.worst[0]} and {self.made.worst[1]})"
        kept = [f"every column with {made.within}"] if made.within else []
        kept += [f"{a} with {b}" for a, b in made.pairs if made.within not in (a, b)]
        return (
            ("Guarantee", guarantee),
            (
                "Table",
                f"{len(made.table):,} rows of {len(made.domain.names)} columns, made from {self.people:,} "
                f"people; {self.aside:,} others were set aside, drawn at random",
            ),
            ("How far single columns are off", single),
            ("How far pairs of columns are off", joint),
            ("What goes together is kept of", ", ".join(kept) or "nothing"),
            (
                "This page",
                "was measured on the people themselves and is under no guarantee: keep it with them, and "
                "publish the table alone",
            ),
        )

    def report(self, path: str | Path, *, name: str) -> Path:
        """Write the page; raises as `write_findings`."""
        return write_findings(self.findings, path, name=name, facts=self.facts())


def try_synthetic(
    table: pd.DataFrame,
    *,
    domain: Domain,
    epsilon: float | None,
    delta: float = 1e-5,
    rows: int | None = None,
    pairs: bool = True,
    within: str | None = None,
    attacks: Sequence[ReleaseAttack] = DEFAULT,
    secrets: Sequence[str] = (),
    halves: tuple[Sequence[str], Sequence[str]] | None = None,
    holdout: float = 0.2,
    guesses: int = 500,
    seed: int | None = None,
    progress: Progress | None = None,
) -> Tried:
    """Set people aside, make a synthetic table from the others, and attack it.

    Attacks are aimed at as many of the people behind the table as were set aside.

    Args:
        table, domain, epsilon, delta, rows, pairs, within, progress: as `synthesise` takes them.
        attacks: what to try.
        secrets: columns to infer from all others, one at a time.
        halves: two sets of columns, known to different parties, to link; every other column by default.
        holdout: the share of people to set aside.
        guesses: people attacked, at most.
        seed: of who is set aside, of the noise and of the attacks; None for noise that nobody can foresee.

    Raises:
        DataError, PlanError: as `synthesise` and `audit_release`; too few people to set aside.
    """
    if not 0 < holdout < 1:
        raise PlanError(f"holdout={holdout} was given; give the share of people to set aside, such as 0.2")
    aside = round(holdout * len(table))
    if aside < FEWEST or len(table) - aside < FEWEST:
        raise DataError(
            f"{holdout:g} of {len(table):,} people were to be set aside; {FEWEST} are needed there, and as "
            "many to make the table from: give more people or another share"
        )
    domain.encode(table)  # what does not fit is said before anything is made
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    unseen, behind = (table.iloc[np.sort(i)].reset_index(drop=True) for i in (order[:aside], order[aside:]))
    attacked = behind.iloc[np.sort(rng.permutation(len(behind))[:aside])].reset_index(drop=True)
    most = _told_apart(attacked, unseen)
    made = synthesise(
        behind,
        domain=domain,
        epsilon=epsilon,
        delta=delta,
        rows=rows,
        pairs=pairs,
        within=within,
        seed=seed,
        progress=progress,
    )
    columns = [str(name) for name in table.columns]
    found = audit_release(
        made.table,
        attacked,
        unseen,
        attacks,
        secrets=secrets,
        halves=halves or ((columns[::2], columns[1::2]) if len(columns) > 1 else None),
        guesses=min(guesses, most),
        seed=0 if seed is None else seed,
    )
    return Tried(
        made,
        found,
        distance(made.table, behind, domain),
        distance(unseen, behind, domain),
        independence(behind, domain),
        len(behind),
        aside,
    )


def _told_apart(behind: pd.DataFrame, unseen: pd.DataFrame) -> int:
    """How many on each side there are whom nobody on the other is like: only they can be attacked.

    Raises:
        DataError: too few.
    """
    one, other = (side.keys() for side in read_tables({"people": behind, "people set aside": unseen}))
    left = min(int((~np.isin(one, other)).sum()), int((~np.isin(other, one)).sum()))
    if left < UNLIKE:
        raise DataError(
            f"{left} people are unlike everybody on the other side, and {UNLIKE} are needed to measure "
            "risks; give more people or more columns, or make the table without a page"
        )
    return left
