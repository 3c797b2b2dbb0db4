"""Records that are mostly zeros: rows of the first layer's weights are gathered and added.

With one input in ten other than 0, as one-hot tables and baskets have, x W is a sum of few rows of W, and its
gradient a sum of few rows of the gradient by x W: less work than a product, though not at a product's pace.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor
from torch.nn.functional import embedding_bag

DENSEST = 0.15
"""Share of inputs other than 0 up to which gathering is faster than multiplying."""

LEAST = 2_000_000
"""Records a step × inputs × units from which it makes up for listing what is to be gathered."""


def worth_gathering(x: Tensor, batch_size: int, units: int) -> bool:
    """Whether x W is better gathered, of records (records, inputs) and W (inputs, units)."""
    if x.device.type != "cpu" or batch_size * x.shape[1] * units < LEAST:
        return False
    return int(x.count_nonzero()) <= DENSEST * x.numel()


def compressed(x: Tensor) -> Any:
    """Records (records, inputs) row by row, without their zeros."""
    return csr_array(x.numpy())


@dataclass(frozen=True)
class Sums:
    """For each of several sums, which rows of a table it adds, and how often.

    Attributes:
        rows: (entries,) of the table.
        starts: (sums + 1,) where each sum's entries begin.
        factors: (entries,) float32.
    """

    rows: Tensor
    starts: Tensor
    factors: Tensor

    @classmethod
    def of(cls, matrix: Any) -> Sums:
        """The sums that a compressed matrix' product with a table consists of."""
        return cls(*(torch.from_numpy(a) for a in (matrix.indices, matrix.indptr, matrix.data)))

    def over(self, table: Tensor) -> Tensor:
        """(sums, columns) of a table (rows, columns)."""
        return embedding_bag(
            self.rows,
            table,
            self.starts,
            mode="sum",
            per_sample_weights=self.factors,
            include_last_offset=True,
        )


class SparseBatch:
    """The records x (models, batch, inputs) of one step, to be multiplied by each model's weights.

    Args:
        records: (records, inputs) all there are, compressed.
        rows: (models, batch) which are taken.
    """

    def __init__(self, records: Any, rows: Tensor) -> None:
        models, batch = self._shape = rows.shape
        inputs = records.shape[1]
        taken = records[rows.flatten().numpy()]
        # One matrix for all models, each one's block of inputs beside the next one's.
        taken.resize(models * batch, models * inputs)
        taken.indices += np.repeat(np.arange(models, dtype=np.int32) * inputs, np.diff(taken.indptr[::batch]))
        self._by_record, self._by_input = Sums.of(taken), Sums.of(taken.tocsc())

    def times(self, weight: Tensor) -> Tensor:
        """x W (models, batch, units), of W (models, inputs, units)."""
        return self._by_record.over(weight.flatten(0, 1)).view(*self._shape, -1)

    def outer(self, gradient: Tensor) -> Tensor:
        """The gradient by W (models, inputs, units), of that by x W."""
        models, _, units = gradient.shape
        return self._by_input.over(gradient.flatten(0, 1)).view(models, -1, units)
