"""A classifier that learns from shadow models what betrays a member.

Each row of its training is one shadow model's answer about one record; its label is whether the model
trained on that record (Shokri, Stronati, Song & Shmatikov 2017, arXiv:1610.05820, section V). Beside the
answer stand its differences from what models that trained on *this* record say on average, and from what
models that did not say: some records are hard for everyone, and only the difference tells.

The shadow models must not be compared with themselves, or the classifier would learn to spot the
comparison. So each record's models are dealt into two halves, as many members in one as in the other,
and the answers of one half are compared with the averages of the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.attacks.sides import IN, OUT, filled

ROWS = 40_000
"""Rows that the classifier learns from, drawn from all models and records: more no longer sharpen it."""


@dataclass(frozen=True, eq=False)
class Judge:
    """Scores a target's answers about the records that the shadow models were asked about.

    Attributes:
        classifier: a fitted scikit-learn classifier of members.
        averages: (2, records, features) average answers of the shadow models that did not train on each
            record, and of those that did; None where the classifier learnt from the answers alone.
    """

    classifier: Any
    averages: FloatArray | None

    def __call__(self, answers: FloatArray) -> FloatArray:
        """Return log-odds of membership (records,) for one model's answers (records, features)."""
        rows = answers if self.averages is None else compared(answers, self.averages)
        log_odds: FloatArray = self.classifier.decision_function(rows)
        return log_odds


def train_on_shadows(answers: FloatArray, members: BoolArray, *, seed: int, compare: bool = True) -> Judge:
    """Learn to tell members by the shadow models' answers.

    Args:
        answers: (models, records, features) finite; may be memory-mapped.
        members: (models, records) True where the model trained on the record.
        seed: of the rows drawn, the halves and the classifier.
        compare: set answers beside those of the other models about the same record. With fewer than four
            models there is nothing to compare with, and the answers stand alone.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    rng = np.random.default_rng(seed)
    compare = compare and len(answers) >= 4
    half = _halves(members, rng) if compare else np.zeros(members.shape, dtype=bool)
    rows, labels = [], []
    for side in (False, True) if compare else (False,):
        models, records = np.nonzero(half == side)
        drawn = rng.permutation(len(models))[: ROWS // (1 + compare)]
        models, records = models[drawn], records[drawn]
        row = answers[models, records]
        if compare:
            row = compared(row, _averages(answers, members, half != side)[:, records])
        rows.append(row)
        labels.append(members[models, records])
    classifier = HistGradientBoostingClassifier(
        max_leaf_nodes=15,
        min_samples_leaf=50,
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    )
    classifier.fit(np.concatenate(rows), np.concatenate(labels))
    return Judge(classifier, _averages(answers, members, np.ones_like(members)) if compare else None)


def compared(answers: FloatArray, averages: FloatArray) -> FloatArray:
    """Answers (rows, features) beside their differences from averages (2, rows, features)."""
    return np.concatenate([answers, answers - averages[OUT], answers - averages[IN]], axis=1)


def _halves(members: BoolArray, rng: np.random.Generator) -> BoolArray:
    """(models, records) True for half of the models that trained on each record, and half of the others."""
    half = np.zeros(members.shape, dtype=bool)
    for own in (members, ~members):
        shuffled = np.where(own, rng.random(members.shape), 2.0)
        rank = shuffled.argsort(axis=0).argsort(axis=0)
        half |= own & (rank < (own.sum(axis=0) + 1) // 2)
    return half


def _averages(answers: FloatArray, members: BoolArray, asked: BoolArray) -> FloatArray:
    """(2, records, features) mean over those of the models asked that are on either side of each record."""
    models, records, features = answers.shape
    total = np.zeros((2, records, features))
    count = np.zeros((2, records, 1))
    for model in range(models):
        for side, chosen in ((OUT, asked[model] & ~members[model]), (IN, asked[model] & members[model])):
            total[side, chosen] += answers[model, chosen]
            count[side, chosen] += 1
    means = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return filled(means, (OUT, IN), "a classifier trained on shadow models")
