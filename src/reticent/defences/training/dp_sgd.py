"""DP-SGD: no record moves the model further than noise hides."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import as_torch, refusal, torch_training
from reticent.errors import ModelError, PlanError
from reticent.measure.privacy import check_noise
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from reticent.targets.torch import TorchRecipe


@dataclass(frozen=True)
class DpSgd(TrainingDefence):
    """Clip each record's gradient and add Gaussian noise to their sum (Abadi et al. 2016, arXiv:1607.00133).

    Records are drawn by coins (Poisson sampling). The guarantee is for adding or removing one record,
    composed by dp-accounting's PLD accountant. It holds for whoever does not know the seed: release a model
    whose seed was drawn at random and thrown away.

    Attributes:
        epsilon: the guarantee wanted; give this or `noise`.
        noise: standard deviation of the noise over `clip`.
        delta: of the guarantee; below one over the records, or it promises nothing.
        clip: L2 norm to which each record's gradient is clipped.
        epochs, batch_size, learning_rate: of the training; None for the recipe's own.
    """

    word: ClassVar[str] = "dp_sgd"
    source: ClassVar[str] = "Abadi et al. 2016, arXiv:1607.00133, algorithm 1"
    caveat: ClassVar[str] = "protects one record; a person with ten has ten times the epsilon"
    epsilon: float | None = None
    noise: float | None = None
    delta: float = 1e-5
    clip: float = 1.0
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        check_noise(self.epsilon, self.delta, self.noise, self.word)
        check_sizes(self.word, self.clip, self.epochs, self.batch_size, self.learning_rate)

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with private gradients.

        Raises:
            ModelError: no torch module, or one with BatchNorm.
            PlanError: something before it lets records reach further than their own gradient.
        """
        return private(recipe, self, "sampled")


@dataclass(frozen=True)
class DpFtrl(TrainingDefence):
    """Clip, and add the noise of a tree over running sums (Kairouz et al. 2021, arXiv:2103.00039, algorithm
    1).

    For data whose order can't be shuffled or sampled: each epoch goes through the records as they come,
    under a tree of its own. No amplification by sampling is claimed.

    Attributes:
        epsilon: the guarantee wanted; give this or `noise`.
        noise: standard deviation of each node's noise over `clip`.
        delta: of the guarantee.
        clip: L2 norm to which each record's gradient is clipped.
        epochs, batch_size, learning_rate: of the training; None for the recipe's own.
    """

    word: ClassVar[str] = "dp_ftrl"
    source: ClassVar[str] = "Kairouz et al. 2021, arXiv:2103.00039, algorithm 1"
    caveat: ClassVar[str] = "with records that may be sampled, dp_sgd needs less noise for few epochs"
    epsilon: float | None = None
    noise: float | None = None
    delta: float = 1e-5
    clip: float = 1.0
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None

    def __post_init__(self) -> None:
        check_noise(self.epsilon, self.delta, self.noise, self.word)
        check_sizes(self.word, self.clip, self.epochs, self.batch_size, self.learning_rate)

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe with private running sums; raises as `DpSgd.harden`."""
        return private(recipe, self, "ordered")


def private(recipe: Recipe, how: DpSgd | DpFtrl, order: Literal["sampled", "ordered"]) -> TorchRecipe:
    """The recipe of a torch module with private gradients."""
    if as_torch(recipe) is None:
        raise ModelError(refusal(recipe, how.word))
    from reticent.shadows.batched.hooked import check_private
    from reticent.shadows.batched.privacy import Privacy
    from reticent.shadows.batched.stacked import seeded

    privacy = Privacy(epsilon=how.epsilon, noise=how.noise, delta=how.delta, clip=how.clip, order=order)
    hardened = torch_training(
        recipe,
        how.word,
        lambda t: replace(
            t,
            privacy=privacy,
            epochs=how.epochs or t.epochs,
            batch_size=how.batch_size or t.batch_size,
            learning_rate=how.learning_rate or t.learning_rate,
        ),
    )
    check_private(seeded(hardened.module, 0))
    return hardened


def check_sizes(
    word: str, clip: float, epochs: int | None, batch_size: int | None, learning_rate: float | None
) -> None:
    """Refuse numbers that are none above 0.

    Raises:
        PlanError: one of them.
    """
    numbers = {"clip": clip, "epochs": epochs, "batch_size": batch_size, "learning_rate": learning_rate}
    for name, value in numbers.items():
        if value is not None and not 0 < value < float("inf"):
            raise PlanError(f"{word} was given {name}={value}; give a number above 0")
