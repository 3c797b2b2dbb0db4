"""What a table lost: how wide its cells are, and how many rows look alike.

NCP                normalised certainty penalty (Xu et al. 2006, KDD, doi:10.1145/1150402.1150504)
discernibility     the sum of squared class sizes (Bayardo & Agrawal 2005, ICDE)
C_avg              mean class size over k (LeFevre et al. 2006)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reticent.access import FloatArray
from reticent.anonymity.generalise import Cells


@dataclass(frozen=True)
class Utility:
    """What was lost.

    Attributes:
        penalty: mean NCP over rows and columns, 0 (nothing) to 1 (everything); a suppressed row lost all.
        columns: by quasi-identifier its own mean NCP.
        discernibility: the sum of squared class sizes; a suppressed row counts as many as there are rows.
        average_class: mean class size over k; 1 is the least.
        suppressed: rows left out.
    """

    penalty: float
    columns: tuple[tuple[str, float], ...]
    discernibility: int
    average_class: float
    suppressed: int


def penalties(cells: Cells) -> FloatArray:
    """(cells, columns) NCP of each cell in each column."""
    return np.column_stack([c.width(cells.low[:, j], cells.high[:, j]) for j, c in enumerate(cells.columns)])


def utility(cells: Cells, k: int) -> Utility:
    """What the rows under these cells lost."""
    sizes, total = cells.sizes, len(cells.columns[0].codes)
    gone = total - len(cells.rows)
    lost = (sizes @ penalties(cells) + gone) / total
    return Utility(
        penalty=float(lost.mean()),
        columns=tuple((c.name, float(v)) for c, v in zip(cells.columns, lost, strict=True)),
        discernibility=int((sizes**2).sum()) + gone * total,
        average_class=len(cells.rows) / len(sizes) / k,
        suppressed=gone,
    )
