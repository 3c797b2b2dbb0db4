"""The first layer of perceptrons whose records are mostly zeros: rows of the weights are gathered and added.

With one input in ten other than 0, as one-hot tables and baskets have, x W is a sum of few rows of W, and its
gradient a sum of few rows of the gradient by x W: less work than a product, though not at a product's pace.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

DENSEST = 0.2
"""Share of inputs other than 0 below which gathering is faster than multiplying."""


@dataclass(frozen=True)
class Bags:
    """For each row of a sum, which rows of a table it adds, and how often.

    Attributes:
        index: (entries,) rows of the table.
        first: (rows + 1,) where each sum's entries begin.
        weight: (entries,) float32.
    """

    index: Tensor
    first: Tensor
    weight: Tensor

    def add(self, table: Tensor) -> Tensor:
        """(rows, columns) the sums, of a table (any, columns)."""
        return embedding_bag(
            self.index, table, self.first, mode="sum", per_sample_weights=self.weight, include_last_offset=True
        )


class SparseBatch:
    """Records of several models, to be multiplied by each one's weights.

    Args:
        whole: (records, inputs) all of them.
        rows: (models, batch) which are taken.
    """

    def __init__(self, whole: scipy.sparse.csr_array, rows: Tensor) -> None:
        self.shape = models, batch = rows.shape
        inputs = whole.shape[1]
        taken = whole[rows.flatten().numpy()]
        # Side by side, so that the models' tables are one: model m's inputs come after those of m - 1.
        taken.indices += np.repeat(np.arange(models, dtype=np.int32), batch).repeat(np.diff(taken.indptr)) * inputs
        parts = taken.data, taken.indices, taken.indptr
        self._by_record = Bags(*map(torch.from_numpy, (taken.indices, taken.indptr, taken.data)))
        by_input = scipy.sparse.csr_array(parts, shape=(models * batch, models * inputs)).tocsc()
        self._by_input = Bags(*map(torch.from_numpy, (by_input.indices, by_input.indptr, by_input.data)))

    def times(self, weight: Tensor) -> Tensor:
        """x W (models, batch, units), of W (models, inputs, units)."""
        return self._by_record.add(weight.flatten(0, 1)).view(*self.shape, -1)

    def outer(self, gradient: Tensor) -> Tensor:
        """The gradient by W (models, inputs, units), of that by x W."""
        return self._by_input.add(gradient.flatten(0, 1)).view(len(gradient), -1, gradient.shape[2])
