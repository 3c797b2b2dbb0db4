"""Blind: the control that never looks at the model.

Das, Zhang & Tramèr 2024 ("Blind Baselines Beat Membership Inference Attacks for Foundation Models",
arXiv:2406.16201) and Meeus et al. 2024 (arXiv:2406.17975) showed that many published figures measured how
members and non-members were collected. If a classifier tells them apart by the records alone, a split is
spoilt, and no figure on it says anything about the model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, FloatArray, IntArray
from reticent.attacks.encode import encode
from reticent.data import Records

FOLDS = 5
MOST = 20_000
"""Records that the control learns from: more no longer change what it can tell."""


def blind_scores(records: Records, members: BoolArray, seed: int) -> FloatArray:
    """Score records by a classifier of members and non-members, each by one that never saw it.

    It is run by the referee, for it needs the truth. Equal records stay in one fold, and so do all records of
    a person, since the truth about one would tell that of the other. Scores are ranks within a fold, so that
    folds can be pooled.

    Args:
        members: (records,) the truth.

    Returns:
        (records,) in [0, 1], higher = member; ½ where there is nothing to learn from.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    matrix = encode(records)
    keys = records.row_keys() if records.people is None else _joined(records.row_keys(), records.people)
    scores = np.full(len(members), 0.5)
    parts = min(FOLDS, len(np.unique(keys)), int(members.sum()), int((~members).sum()))
    if parts < 2:  # too few to learn from some and judge others
        return scores
    rng = np.random.default_rng(seed)
    fold = _folds(keys, members, parts, rng)
    for part in range(parts):
        learnt, judged = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        if len(np.unique(members[learnt])) < 2 or not len(judged):
            continue
        drawn = rng.permutation(learnt)[:MOST]
        classifier = HistGradientBoostingClassifier(
            max_iter=60, max_leaf_nodes=8, min_samples_leaf=10, early_stopping=False, random_state=seed
        )
        classifier.fit(matrix[drawn], members[drawn])
        judgement = classifier.decision_function(matrix[judged])
        scores[judged] = _ranks(judgement)
    return scores


def _joined(keys: IntArray, people: npt.NDArray[Any]) -> IntArray:
    """(records,) one number for all records bound by equal content or by their person, in any chain."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    kind, person = (np.unique(of, return_inverse=True)[1] for of in (keys, people))
    nodes = int(kind.max()) + 1
    size = nodes + int(person.max()) + 1
    links = coo_array((np.ones(len(kind)), (kind, nodes + person)), shape=(size, size))
    joined: IntArray = connected_components(links, directed=False)[1][kind]
    return joined


def _folds(keys: IntArray, members: BoolArray, parts: int, rng: np.random.Generator) -> IntArray:
    """(records,) a fold each: equal keys in one, folds alike in size and in their share of members.

    Kinds of record are dealt out like cards, sorted by how many records they are and then by the share of
    members, in random order otherwise.
    """
    _, kind, size = np.unique(keys, return_inverse=True, return_counts=True)
    share = np.bincount(kind, weights=members) / size
    dealt = np.empty(len(size), dtype=np.int64)
    dealt[np.lexsort((rng.random(len(size)), share, size))] = np.arange(len(size)) % parts
    return dealt[kind]


def _ranks(values: FloatArray) -> FloatArray:
    """(n,) share of the values below each, equal ones counting one half."""
    ordered = np.sort(values)
    below, up_to = (np.searchsorted(ordered, values, side=side) for side in ("left", "right"))
    return np.asarray((below + up_to) / 2 / len(values))
