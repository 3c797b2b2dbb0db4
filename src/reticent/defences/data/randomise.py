"""Each record is blurred by itself, so that not even whoever collects them learns much of anybody.

Local differential privacy asks for no trust in the collector, and pays for it: what one record says is
drowned in its own noise, and only crowds are heard.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from reticent.access import FloatArray
from reticent.data import Records
from reticent.defences.data.columns import Stated, restored, stated, tabled
from reticent.defences.defence import DataDefence
from reticent.domain import Column, Domain, Numbers
from reticent.errors import DataError, PlanError
from reticent.measure.privacy import check_privacy
from reticent.noise import Dice
from reticent.recipe import Guarantee
from reticent.synthesis.local import noisy_numbers, randomised_response

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Randomise(DataDefence):
    """Blur every cell of each record by itself: randomised response (Kairouz, Bonawitz & Ramage 2016,
    arXiv:1602.07387) on categories and the label, discrete Laplace noise on numbers.

    Epsilon is shared out evenly among the columns and the label. It is local differential privacy: whatever a
    record is changed for, what comes of it is at most e^ε times as likely; that the record is there is not
    hidden. With columns left `untouched` nothing is guaranteed of a record as a whole.

    Attributes:
        epsilon: of a whole record.
        domain: what columns may hold, as `synthesise` reads it; numbers beyond their bounds are clipped.
        untouched: columns left as they are, by name; "the label" for the labels.
    """

    word: ClassVar[str] = "randomise"
    source: ClassVar[str] = "Kairouz, Bonawitz & Ramage 2016, arXiv:1602.07387; Warner 1965, JASA 60"
    caveat: ClassVar[str] = "with many columns each gets little of epsilon, and the noise drowns them"
    alone: ClassVar[bool] = True
    epsilon: float
    domain: Stated | Domain = ()
    untouched: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_privacy(self.epsilon, 0.0, self.word, pure=True)
        stated(self.domain, self.word)
        if not isinstance(self.untouched, tuple):
            raise PlanError(f"{self.word} was given untouched={self.untouched!r}; give a tuple of columns")

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records, blurred.

        Raises:
            DataError: records that are no table, a category out of the domain, a number that is missing.
            PlanError: a column whose values nobody stated, or an untouched one that is not there.
        """
        table, columns = tabled(data, self.domain, self.word, self.untouched)
        if not columns:
            raise PlanError(f"{self.word} was to leave every column as it is; leave the defence out")
        share = self.epsilon / len(columns)
        for place, (name, column) in enumerate(columns.items()):
            table[name] = _blurred(table[name], name, column, share, Dice((seed, 17, place)))
        return restored(table, data)

    def guarantee(self, records: int) -> Guarantee | None:
        """What is guaranteed of a record, where all of it is blurred."""
        if self.untouched:
            return None
        by = "each record blurred by itself, the sum over its columns and its label"
        return Guarantee(self.epsilon, 0.0, by, against="changing one record for any other")


def _blurred(
    values: pd.Series[Any], name: str, column: Column, epsilon: float, dice: Dice
) -> pd.Series[Any] | FloatArray:
    import pandas as pd

    if isinstance(column, Numbers):
        given = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        if np.isnan(given).any():
            raise DataError(
                f"{name!r} holds {int(np.isnan(given).sum()):,} cells that are no number; fill them in before"
            )
        moved = noisy_numbers(given, column.low, column.high, epsilon, dice)
        return np.rint(moved) if column.whole else moved
    cells = column.encode(values)
    if odd := int((cells < 0).sum()):
        raise DataError(
            f"{name!r} holds {odd:,} values out of its domain; add the categories, or merge rare ones"
        )
    return column.decode(randomised_response(cells, column.cells, epsilon, dice), dice)
