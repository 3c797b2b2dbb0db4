"""The model never sees the people: a table made under differential privacy stands in their place.

Whatever is trained on such a table, and however often, gives away no more than the table does. Unlike
private training it works for every kind of model. What it costs is how columns go together beyond the pairs
that were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reticent.data import Records
from reticent.defences.data.columns import restored, tabled
from reticent.defences.defence import DataDefence
from reticent.domain import Domain, Stated, stated
from reticent.measure.privacy import check_privacy
from reticent.noise import Dice
from reticent.recipe import Guarantee
from reticent.synthesis.synthetic import FEWEST, measured_under, read_cells


@dataclass(frozen=True)
class Synthesise(DataDefence):
    """Train on people who do not exist, made under differential privacy (MST: McKenna, Miklau & Sheldon
    2021, arXiv:2108.04978).

    The labels are made with the features, and as many records as the noisy counts say. The guarantee is for
    adding or removing one record, and holds for whoever does not know the seed.

    Attributes:
        epsilon: the guarantee wanted; None for none at all, to compare with.
        delta: of the guarantee; below one over the records.
        domain: what columns may hold: (name, low, high), (name, low, high, bins), (name, (values, ...)), or a
            `Domain`. Columns of a categorical dtype need none: their categories are then taken as public.
        pairs: measure a tree of pairs of columns; without, columns are drawn independently.
        by_class: a tree for each class, under the whole budget each, since a record has one label.
    """

    word: ClassVar[str] = "synthesise"
    source: ClassVar[str] = "McKenna, Miklau & Sheldon 2021, arXiv:2108.04978, section 3"
    caveat: ClassVar[str] = "keeps how pairs of columns go together, and no more; only for tables"
    epsilon: float | None
    delta: float = 1e-5
    domain: Stated | Domain = ()
    pairs: bool = True
    by_class: bool = True

    def __post_init__(self) -> None:
        if self.epsilon is not None:
            check_privacy(self.epsilon, self.delta, self.word)
        stated(self.domain, self.word)

    def protect(self, data: Records, seed: int) -> Records:
        """Return synthetic records.

        Raises:
            DataError: records that are no table, fewer than 100, or with values out of the domain.
            PlanError: a column whose values nobody stated, a delta not below one over the records.
        """
        table, columns = tabled(data, self.domain, self.word)
        domain = Domain.of(columns)
        cells = read_cells(table, domain, self.epsilon, self.delta, self.word)
        within = len(domain.names) - 1 if self.by_class else None
        measured = measured_under(
            cells,
            domain,
            self.epsilon,
            self.delta,
            Dice((seed, 14)),
            pairs=self.pairs,
            within=within,
        )
        drawn = measured.sample(max(measured.rows, FEWEST), Dice((seed, 15)))
        return restored(domain.decode(drawn, Dice((seed, 16))), data)

    def guarantee(self, records: int) -> Guarantee | None:
        """What the table guarantees, whatever is trained on it."""
        if self.epsilon is None:
            return None
        what = "counts of columns and of a tree of pairs" if self.pairs else "counts of columns"
        return Guarantee(self.epsilon, self.delta, f"synthetic records from {what}, in zCDP")
