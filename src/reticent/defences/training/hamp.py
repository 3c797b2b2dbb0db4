"""HAMP in training: labels of high entropy, and a reward for unsure answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log
from typing import TYPE_CHECKING, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import torch_training
from reticent.errors import PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from reticent.shadows.batched.objective import Loss, Moment, Objective


@dataclass(frozen=True)
class HampTraining(TrainingDefence):
    """KL to labels of entropy γ log C, less α times the answer's entropy (Chen & Pattabiraman 2024).

    The α here weighs the sum over classes; the authors' code divides by the number of classes too, so that
    their α of .01 with C classes is .01 C here.

    Attributes:
        gamma: entropy of the soft labels, as a share of the largest.
        alpha: weight of the answer's entropy.
    """

    word: ClassVar[str] = "hamp_training"
    source: ClassVar[str] = "Chen & Pattabiraman 2024, arXiv:2307.01610, sections III-B and III-C"
    caveat: ClassVar[str] = "labels asked of disturbed records still tell members"
    gamma: float = 0.8
    alpha: float = 0.1

    def __post_init__(self) -> None:
        if not (0 < self.gamma < 1 and 0 <= self.alpha < float("inf")):
            raise PlanError(
                f"hamp_training was given gamma={self.gamma} and alpha={self.alpha}; give gamma between "
                "0 and 1 and alpha from 0 on"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with soft labels and the reward."""
        return torch_training(
            recipe,
            self.word,
            lambda t: replace(t, objective=HighEntropy(t.objective, self.gamma, self.alpha)),
            "label_smoothing",
        )


@dataclass(frozen=True)
class HighEntropy:
    """A loss against labels of high entropy, less α times the entropy of the answer."""

    inner: Objective
    gamma: float
    alpha: float

    @property
    def alone(self) -> bool:
        """As the inner loss."""
        return self.inner.alone

    @property
    def reference(self) -> int:
        """As the inner loss."""
        return self.inner.reference

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work."""
        top = top_probability(self.gamma, classes)
        rest = (1 - top) / (classes - 1)
        inner = self.inner.begin(seeds, classes)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            logs = logits.log_softmax(-1)
            entropy = -(logs.exp() * logs).sum(-1)
            return inner(logits, rest + (top - rest) * targets, moment) - self.alpha * entropy

        return loss


def top_probability(gamma: float, classes: int) -> float:
    """The p, at least 1 / classes, by which (p, the rest even) has entropy gamma log(classes)."""
    low, high = 1 / classes, 1.0
    for _ in range(60):
        p = (low + high) / 2
        rest = (1 - p) / (classes - 1)
        entropy = -p * log(p) - ((1 - p) * log(rest) if rest > 0 else 0)
        low, high = (p, high) if entropy > gamma * log(classes) else (low, p)
    return (low + high) / 2
