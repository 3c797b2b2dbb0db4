"""Records of any form as a matrix of numbers, for classifiers that know nothing of the user's pipeline."""

from __future__ import annotations

from typing import Any

import numpy as np

from reticent.access import FloatArray
from reticent.data import Records, flat, is_table

WIDEST = 128
"""Columns above which records are projected on their first principal components."""


def encode(records: Records, *, with_label: bool = True) -> FloatArray:
    """(records, columns) float64; missing values are NaN, categories are numbers by frequency.

    Wide records (images, visit vectors) are reduced to `WIDEST` / 2 principal components.
    """
    features: Any = records.features
    matrix = _table(features) if is_table(features) else _array(features)
    if with_label:
        matrix = np.column_stack([matrix, records.labels.astype(np.float64)])
    return matrix


def _table(table: Any) -> FloatArray:
    import pandas as pd

    columns = []
    for position in range(table.shape[1]):  # two columns may share a name
        column = table.iloc[:, position]
        if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
            columns.append(column.to_numpy(np.float64, na_value=np.nan))
        else:
            codes, values = pd.factorize(column.astype(str).where(column.notna()))
            counts = np.bincount(codes[codes >= 0], minlength=len(values))
            rank = np.append(np.argsort(np.argsort(-counts)).astype(np.float64), np.nan)  # code −1: missing
            columns.append(rank[codes])
    return _narrow(np.column_stack(columns)) if columns else np.zeros((len(table), 0))


def _array(array: Any) -> FloatArray:
    return _narrow(flat(np.asarray(array)).astype(np.float64))


def _narrow(matrix: FloatArray) -> FloatArray:
    if matrix.shape[1] <= WIDEST:
        return matrix
    from sklearn.decomposition import TruncatedSVD

    present = ~np.isnan(matrix)
    mean = np.where(present, matrix, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, matrix - mean, 0)  # what is missing is average
    projected: FloatArray = TruncatedSVD(WIDEST // 2, random_state=0).fit_transform(centred)
    return projected
