"""Raw answers of models, in the shapes that models give them, read as `Outputs`."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import Access, Outputs
from reticent.data import positions
from reticent.errors import DataError, ModelError


def read_answers(values: Any, classes: npt.NDArray[np.generic], access: Access, *, records: int) -> Outputs:
    """Read what a model answered to so many records.

    Args:
        values: labels (records,) for `Access.LABELS`; else scores or logits (records, classes), or of two
            classes the second one's alone, (records,) or (records, 1). An array, nested lists, a tensor.
        classes: (classes,) the labels behind the columns.
        access: which of them `values` are.

    Raises:
        ModelError: another shape, labels that are no class, scores that are not probabilities.
    """
    table = _array(values)
    if table.ndim == 2 and table.shape[1] == 1:
        table = table[:, 0]
    if table.ndim == 0 or len(table) != records:
        raise ModelError(
            f"the model answered an array of shape {table.shape} to {records:,} records; "
            "expected one row a record"
        )
    if access == Access.LABELS:
        return Outputs.from_labels(_positions(table, classes))
    if table.dtype.kind not in "fiub":
        raise ModelError(
            f"the model answered values of type {table.dtype} where {access} were expected; declare what it "
            "answers, or give one that answers numbers"
        )
    if table.ndim == 1 and len(classes) == 2:
        table = table.astype(np.float64)
        table = np.stack([1 - table if access == Access.SCORES else np.zeros_like(table), table], axis=1)
    if table.ndim != 2 or table.shape[1] != len(classes):
        raise ModelError(
            f"the model answered an array of shape {table.shape} and {len(classes)} classes are known; "
            "expected (records, classes): give its own classes, in the order of its columns"
        )
    return Outputs.from_scores(table) if access == Access.SCORES else Outputs.from_logits(table)


def _array(values: Any) -> npt.NDArray[Any]:
    if callable(getattr(values, "detach", None)):  # a torch tensor
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except (ValueError, TypeError) as error:
        raise ModelError("the model's answers are no array; expected (records, classes)") from error


def _positions(labels: npt.NDArray[Any], classes: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    if labels.ndim != 1:
        raise ModelError(f"the model answered an array of shape {labels.shape}; expected a label a record")
    try:
        return positions(labels, classes).astype(np.int64)
    except DataError as error:
        raise ModelError(
            f"the model answered labels that are none of its {len(classes)} classes; give its own classes"
        ) from error
