"""Imputation: the control of every attribute attack, guessing the value without the model.

Jayaraman & Evans 2022 (arXiv:2209.01292) showed that most published attribute inference is imputation: what
an attack guesses rightly could have been guessed from the rest of the record, had there been no model. So
whatever an attack reaches is set beside the best imputation from the same records.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.encode import encode
from reticent.data import Records

MOST = 20_000
"""Records that imputation learns from."""

FOLDS = 3
"""Folds by which it is found out whether the label helps."""


def impute(
    records: Records,
    known: IntArray,
    values: int,
    *,
    with_label: bool,
    seed: int,
    rows: BoolArray | None = None,
) -> FloatArray:
    """Log-probabilities of each value of each record, learnt where it is known (gradient boosting).

    Args:
        records: (records,) without the secret's column.
        known: (records,) position of the value, −1 where it is not known.
        values: how many there are.
        with_label: whether the record's label is among what it is learnt from.
        rows: (records,) which of those known to learn from; None for all.

    Returns:
        (records, values) in nats; a value that is never known is as unlikely as half a record.
    """
    matrix = encode(records, with_label=with_label)
    learnt = np.flatnonzero((known >= 0) if rows is None else (known >= 0) & rows)
    return classify(matrix, learnt, known, values, seed)


def classify(matrix: FloatArray, learnt: IntArray, known: IntArray, values: int, seed: int) -> FloatArray:
    """(records, values) log-probabilities by a classifier of the rows `learnt`, whose values `known` says."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    drawn = np.random.default_rng(seed).permutation(learnt)[:MOST]
    counts = np.bincount(known[drawn], minlength=values) + 0.5
    log_shares: FloatArray = np.log(counts / counts.sum())
    present = np.flatnonzero(np.bincount(known[drawn], minlength=values))
    if len(present) < 2 or not matrix.shape[1]:
        return np.tile(log_shares, (len(matrix), 1))
    classifier: Any = HistGradientBoostingClassifier(
        max_iter=100, max_leaf_nodes=15, early_stopping=False, random_state=seed
    )
    classifier.fit(matrix[drawn], known[drawn])
    found = np.tile(log_shares, (len(matrix), 1))
    found[:, present] = np.log(np.maximum(classifier.predict_proba(matrix), 1e-12))
    return found


def best_imputation(records: Records, known: IntArray, values: int, seed: int) -> FloatArray:
    """The better of imputation with and without the label, told by the known records alone.

    Returns:
        (records, values) log-probabilities in nats.
    """
    aside = np.flatnonzero(known >= 0)
    fold = np.random.default_rng(seed).permutation(len(aside)) % FOLDS
    right = []
    for with_label in (True, False):
        hits = 0
        for part in range(FOLDS):
            rows = np.ones(len(records), dtype=bool)
            rows[aside[fold == part]] = False
            judged = aside[fold == part]
            scores = impute(records, known, values, with_label=with_label, seed=seed, rows=rows)
            hits += int((scores[judged].argmax(axis=1) == known[judged]).sum())
        right.append(hits)
    return impute(records, known, values, with_label=right[0] >= right[1], seed=seed)
