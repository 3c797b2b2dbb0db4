"""MixUp: the model sees blends of records, and no record as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import torch_training, with_reference
from reticent.errors import PlanError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from reticent.shadows.batched.objective import Loss, Moment, Objective
    from reticent.shadows.batched.training import Training


@dataclass(frozen=True)
class MixUp(TrainingDefence):
    """Blend each record and its label with another's, λ from Beta(a, a) (Zhang et al. 2018,
    arXiv:1710.09412).

    Attributes:
        alpha: a.
    """

    word: ClassVar[str] = "mixup"
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.09412, eq. 1"
    caveat: ClassVar[str] = "the blends of a record are many enough to learn it by heart"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < float("inf"):
            raise PlanError(f"mixup was given alpha={self.alpha}; give one above 0, such as 1")

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe that blends."""
        return torch_training(recipe, self.word, self._mixing)

    def _mixing(self, training: Training) -> Training:
        from reticent.shadows.batched.training import Mixing

        return replace(training, mixing=Mixing(self.alpha))


@dataclass(frozen=True)
class MeanDiscrepancy(TrainingDefence):
    """Add μ times the classes' mean MMD² between answers to members and to a reference (Li, Li & Ribeiro
    2021, arXiv:2002.12062).

    The Gaussian kernel's width is 1, in probabilities. No gradient goes through the reference's answers, so
    nothing is learnt of it. With mixup it is the authors' MixUp + MMD.

    Attributes:
        weight: μ.
        records: of the reference, asked about at each step.
    """

    word: ClassVar[str] = "mmd"
    source: ClassVar[str] = "Li, Li & Ribeiro 2021, arXiv:2002.12062, section 4.1"
    caveat: ClassVar[str] = "brings the mean answer of members to that of others, and not the outliers'"
    weight: float = 3.0
    records: int = 128

    def __post_init__(self) -> None:
        if not (0 < self.weight < float("inf") and self.records >= 1):
            raise PlanError(
                f"mmd was given weight={self.weight} and records={self.records}; give a weight above 0 "
                "and at least one record"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with the term added."""
        hardened = torch_training(
            recipe, self.word, lambda t: replace(t, objective=Alike(t.objective, self.weight, self.records))
        )
        return with_reference(hardened, reference, self.word)


@dataclass(frozen=True)
class Alike:
    """A loss with the discrepancy of members' and others' answers added."""

    inner: Objective
    weight: float
    records: int
    alone = False

    @property
    def reference(self) -> int:
        """Records asked about at each step."""
        return max(self.records, self.inner.reference)

    def begin(self, seeds: Sequence[int], classes: int) -> Loss:
        """Set to work."""
        inner = self.inner.begin(seeds, classes)

        def loss(logits: Tensor, targets: Tensor, moment: Moment) -> Tensor:
            assert moment.heard is not None
            mine = targets * moment.held[..., None]  # a blended record belongs to both of its classes
            theirs = moment.heard.targets
            far = discrepancy(logits.softmax(-1), mine, moment.heard.logits.softmax(-1), theirs)
            return inner(logits, targets, moment) + self.weight * far[:, None]

        return loss


def discrepancy(p: Tensor, mine: Tensor, q: Tensor, theirs: Tensor) -> Tensor:
    """(models,) sum over classes of MMD² between answers p and q, weighed by how far they belong to the
    class.

    Args:
        p, q: (models, records, classes) probabilities.
        mine, theirs: (models, records, classes) how far each record belongs to each class: its weight there.
    """
    a = mine / mine.sum(1, keepdim=True).clamp(min=1e-6)
    b = theirs / theirs.sum(1, keepdim=True).clamp(min=1e-6)
    both = ((mine.sum(1) > 1e-6) & (theirs.sum(1) > 1e-6)).to(p.dtype)
    within = (a * (_kernel(p, p) @ a)).sum(1) + (b * (_kernel(q, q) @ b)).sum(1)
    far = within - 2 * (a * (_kernel(p, q) @ b)).sum(1)
    return (far * both).sum(-1) / both.sum(-1).clamp(min=1)


def _kernel(p: Tensor, q: Tensor) -> Tensor:
    squares = p.square().sum(-1)[..., :, None] + q.square().sum(-1)[..., None, :] - 2 * p @ q.mT
    return (squares.clamp(min=0) / -2).exp()
