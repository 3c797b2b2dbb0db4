"""Neurons: which of the model's inner answers go with the value, and what do they say of this record?

Jayaraman & Evans, "Are Attribute Inference Attacks Just Imputation?", CCS 2022, arXiv:2209.01292, section
5.3: the neurons most correlated with a value, their outputs ranked and averaged by correlation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, Metered
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.options import number
from reticent.data import Records
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret


@dataclass(frozen=True)
class Activations:
    """What stands before the model's last layer, with each value put into the record."""

    needs: ClassVar[Access] = Access.WEIGHTS

    secret: Secret

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, values, neurons)."""
        each = [
            target.inside.activations(self.secret.put(records, v)) for v in range(len(self.secret.values))
        ]
        return np.stack(each, axis=1).astype(np.float32)

    def queries(self, records: int) -> int:
        """None: who holds the weights asks nobody."""
        return 0


@dataclass(frozen=True, kw_only=True)
class Neurons(AttributeAttack):
    """The neurons that go with each value, averaged by how closely they do (Jayaraman & Evans 2022).

    Averages of different values are not alike in size, so a logistic regression over them, learnt where the
    value is known, makes one guess of them.

    Attributes:
        neurons: how many are averaged for each value.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Jayaraman & Evans 2022, arXiv:2209.01292, section 5.3"
    caveat: ClassVar[str] = "what its neurons say of a record is mostly what the other columns say"

    neurons: int = 10

    def __post_init__(self) -> None:
        number("neurons", self.neurons, low=1)

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """Activations with each value."""
        return (Activations(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return the regression's log-odds of each value, (records, values)."""
        inside = scene.answers[Activations(scene.secret)].values[0]
        aside = np.flatnonzero(scene.auxiliary)
        known = scene.known[aside]
        sums = [
            self._average(inside[:, v], inside[aside, known], aside, known == v)
            for v in range(inside.shape[1])
        ]
        return read_off(np.column_stack(sums), aside, known, inside.shape[1])

    def _average(self, asked: FloatArray, seen: FloatArray, aside: np.ndarray, has: BoolArray) -> FloatArray:
        """(records,) the ranks of the neurons most correlated with having the value, by correlation."""
        centred, truth = seen - seen.mean(axis=0), has - has.mean()
        scale = np.sqrt((centred**2).sum(axis=0) * (truth**2).sum())
        correlation = np.divide(truth @ centred, scale, out=np.zeros_like(scale), where=scale > 0)
        best = np.argsort(-np.abs(correlation))[: self.neurons]
        ordered = np.sort(seen[:, best], axis=0)
        ranks = np.column_stack(
            [np.searchsorted(ordered[:, i], asked[:, n]) / len(seen) for i, n in enumerate(best)]
        )
        weight = np.abs(correlation[best]).sum()
        return np.asarray(ranks @ correlation[best] / max(weight, 1e-12))


def read_off(features: FloatArray, aside: np.ndarray, known: np.ndarray, values: int) -> FloatArray:
    """(records, values) log-odds by a logistic regression learnt where the value is known."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    present = np.unique(known)
    found = np.full((len(features), values), -1e3)
    if len(present) < 2:
        found[:, present] = 0
        return found
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300))
    model.fit(features[aside], known)
    found[:, present] = np.maximum(model.predict_log_proba(features), -1e3)
    return found
