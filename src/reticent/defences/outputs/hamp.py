"""HAMP's answers: the probabilities of a random input, in the order of the record's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from reticent.access import FloatArray, Outputs
from reticent.data import is_table
from reticent.defences.defence import Calibration, Fitted, OutputDefence
from reticent.defences.outputs.answering import OwnDraws, answered, scores_of
from reticent.errors import PlanError

if TYPE_CHECKING:
    from reticent.access import Features, Target

POOL = 2_000
"""Random inputs whose answers are lent out."""


@dataclass(frozen=True)
class HampAnswers(OutputDefence):
    """Replace the sorted probabilities by a random input's, rank order kept (Chen & Pattabiraman 2024).

    A random input has each column drawn by itself, evenly over the range or the values that the column has
    among records that no model is trained on. Which one a record gets follows from the record and the seed.

    Attributes:
        inputs: how many random inputs there are to lend from.
    """

    word: ClassVar[str] = "hamp_answers"
    source: ClassVar[str] = "Chen & Pattabiraman 2024, arXiv:2307.01610, section III-D"
    caveat: ClassVar[str] = "the order stays, and with it the label: whoever disturbs the record reads that"
    inputs: int = POOL

    def __post_init__(self) -> None:
        if self.inputs < 1:
            raise PlanError(f"hamp_answers was given inputs={self.inputs}; give at least one")

    def fit(self, target: Target, calibration: Calibration | None, seed: int) -> Fitted:
        """Ask the target about the random inputs.

        Raises:
            PlanError: there are no other records to draw the columns from.
        """
        if calibration is None:
            raise PlanError(
                "hamp_answers draws random inputs like records that no model is trained on; give some"
            )
        rng = np.random.default_rng([seed, 8])
        random = random_inputs(calibration.others.features, self.inputs, rng)
        return {"lent": np.sort(scores_of(target.predict(random), self.word), axis=1)}

    def begin(self, fitted: Fitted, seed: int) -> Callable[[Outputs, Features], Outputs]:
        """Set to work with the scores to lend, (inputs, classes) sorted."""
        lent = fitted["lent"]
        draws = OwnDraws.of(seed, "hamp")

        def answer(outputs: Outputs, x: Features) -> Outputs:
            scores = scores_of(outputs, self.word)
            scores[np.arange(len(scores)), outputs.labels] = 2.0  # of equal ones, the label comes first
            order = scores.argsort(axis=1).argsort(axis=1)
            mine = (draws.uniform(x)[:, 0] * len(lent)).astype(np.int64)
            given: FloatArray = np.take_along_axis(lent[mine], order, axis=1)
            return answered(outputs.labels, given)

        return answer


def random_inputs(features: Features, rows: int, rng: np.random.Generator) -> Any:
    """Records whose columns are drawn each by itself: numbers evenly over their range, others over
    their values."""
    table: Any = features
    if not is_table(table):
        array = np.asarray(table)
        low, high = array.min(axis=0), array.max(axis=0)
        if array.dtype.kind in "biu":
            return rng.integers(
                low.astype(np.int64), high.astype(np.int64) + 1, (rows, *array.shape[1:])
            ).astype(array.dtype)
        drawn = rng.uniform(low, high, (rows, *array.shape[1:]))
        whole = np.all(array == np.rint(array), axis=0)  # columns of whole numbers, such as one-hot ones
        spread = np.floor(rng.uniform(low, high + 1, drawn.shape)).clip(low, high)
        return np.where(whole, spread, drawn).astype(array.dtype)
    import pandas as pd

    columns: dict[Any, Any] = {}
    for name in table.columns:
        column = table[name]
        if pd.api.types.is_float_dtype(column) and column.nunique() > 20:
            columns[name] = rng.uniform(column.min(), column.max(), rows)
        else:
            values = column.drop_duplicates()
            columns[name] = values.iloc[rng.integers(0, len(values), rows)].reset_index(drop=True)
    return pd.DataFrame(columns)
