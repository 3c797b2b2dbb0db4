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
from reticent.defences.data.columns import restored, tabled
from reticent.defences.defence import DataDefence
from reticent.domain import Categories, Domain, Numbers, Stated, stated
from reticent.errors import DataError, PlanError
from reticent.measure.privacy import check_privacy, empty_promise
from reticent.noise import Dice
from reticent.recipe import Guarantee
from reticent.synthesis.local import noisy_numbers, randomised_response

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Randomise(DataDefence):
    """Blur every cell of each record by itself: randomised response (Kairouz, Bonawitz & Ramage 2016,
    arXiv:1602.07387) on categories and the label, exact noise on numbers.

    Epsilon is shared out evenly among the columns and the label. It is local differential privacy: whatever a
    record is changed for, what comes of it is at most e^ε times as likely, but for a chance of delta; that
    the record is there is not hidden. With columns left `untouched` nothing is guaranteed of a record as a
    whole.

    Numbers get discrete Laplace noise or, with a delta, discrete Gaussian noise (Canonne, Kamath & Steinke
    2020, arXiv:2004.00010), all of them at once under the epsilon of their columns together and all of delta:
    its width grows with the root of their number, that of Laplace noise with the number.

    Attributes:
        epsilon: of a whole record.
        domain: what columns may hold, as `synthesise` reads it; numbers beyond their bounds are clipped.
        untouched: columns left as they are, by name; "the label" for the labels.
        delta: 0 for a pure guarantee; above 0, and below one over the records, for less noise where there are
            some ten columns of numbers or more.
    """

    word: ClassVar[str] = "randomise"
    source: ClassVar[str] = "Kairouz, Bonawitz & Ramage 2016, arXiv:1602.07387; Warner 1965, JASA 60"
    caveat: ClassVar[str] = "with many columns each gets little of epsilon, and the noise drowns them"
    alone: ClassVar[bool] = True
    epsilon: float
    domain: Stated | Domain = ()
    untouched: tuple[str, ...] = ()
    delta: float = 0.0

    def __post_init__(self) -> None:
        check_privacy(self.epsilon, self.delta, self.word, pure=True)
        stated(self.domain, self.word)
        if not isinstance(self.untouched, tuple):
            raise PlanError(f"{self.word} was given untouched={self.untouched!r}; give a tuple of columns")

    def protect(self, data: Records, seed: int) -> Records:
        """Return the records, blurred.

        Raises:
            DataError: records that are no table, a category out of the domain, a number that is missing.
            PlanError: a column whose values nobody stated, or an untouched one that is not there; a delta not
                below one over the records.
        """
        table, columns = tabled(data, self.domain, self.word, self.untouched)
        if not columns:
            raise PlanError(f"{self.word} was to leave every column as it is; leave the defence out")
        if said := empty_promise(self.delta, len(data)):
            raise PlanError(said)
        share = self.epsilon / len(columns)
        numbers = sum(isinstance(column, Numbers) for column in columns.values())
        for place, (name, column) in enumerate(columns.items()):
            dice = Dice((seed, 17, place))
            if isinstance(column, Numbers):
                given = _numbers(table[name], name)
                moved = noisy_numbers(
                    given,
                    column.low,
                    column.high,
                    numbers * share,
                    dice,
                    delta=self.delta,
                    columns=numbers,
                )
                table[name] = np.rint(moved) if column.whole else moved
            else:
                table[name] = _answers(table[name], name, column, share, dice)
        return restored(table, data)

    def guarantee(self, records: int) -> Guarantee | None:
        """What is guaranteed of a record, where all of it is blurred."""
        if self.untouched:
            return None
        by = "each record blurred by itself, the sum over its columns and its label"
        if self.delta:
            by += ", its numbers together by the exact delta of discrete Gaussian noise"
        return Guarantee(self.epsilon, self.delta, by, against="changing one record for any other")


def _numbers(values: pd.Series[Any], name: str) -> FloatArray:
    import pandas as pd

    given = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    if np.isnan(given).any():
        raise DataError(
            f"{name!r} holds {int(np.isnan(given).sum()):,} cells that are no number; fill them in before"
        )
    return given


def _answers(
    values: pd.Series[Any], name: str, column: Categories, epsilon: float, dice: Dice
) -> pd.Series[Any]:
    cells = column.encode(values)
    if odd := int((cells < 0).sum()):
        raise DataError(
            f"{name!r} holds {odd:,} values out of its domain; add the categories, or merge rare ones"
        )
    return column.decode(randomised_response(cells, column.cells, epsilon, dice), dice)
