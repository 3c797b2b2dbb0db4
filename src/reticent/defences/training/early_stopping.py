"""Early stopping: no more epochs than strangers profit from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.defences.training.kinds import adjusted, own_options, torch_training
from reticent.errors import PlanError
from reticent.recipe import Recipe
from reticent.targets.sklearn import SklearnRecipe

if TYPE_CHECKING:
    from reticent.shadows.batched.training import Training


@dataclass(frozen=True)
class EarlyStopping(TrainingDefence):
    """Keep the epoch with the least loss on records not trained on (Song & Mittal 2021, arXiv:2003.10595).

    Watched are reference records, or a share of the model's own where there are none. Of scikit-learn-likes
    it sets early_stopping or n_iter_no_change, where they have it.

    Attributes:
        patience: epochs (rounds, of boosting) without improvement after which training stops.
        share: of the model's own records, set aside where there is no reference.
    """

    word: ClassVar[str] = "early_stopping"
    source: ClassVar[str] = "Song & Mittal 2021, arXiv:2003.10595, section 5.2.2"
    caveat: ClassVar[str] = "a record is remembered in the first epochs too"
    patience: int = 5
    share: float = 0.1

    def __post_init__(self) -> None:
        if self.patience < 1 or not 0 < self.share < 1:
            raise PlanError(
                f"early_stopping was given patience={self.patience} and share={self.share}; give at "
                "least one epoch, and a share between 0 and 1"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe that stops."""
        if isinstance(recipe, SklearnRecipe):
            what = "early_stopping or n_iter_no_change"
            return adjusted(recipe, Stops(self.patience, self.share), self.word, what)
        hardened = torch_training(recipe, self.word, self._stopping)
        return hardened if reference is None else replace(hardened, reference=reference)

    def _stopping(self, training: Training) -> Training:
        from reticent.shadows.batched.training import Stopping

        return replace(training, stopping=Stopping(self.patience, self.share))


@dataclass(frozen=True)
class Stops:
    """What stops each estimator early."""

    patience: int
    share: float

    def options(self, part: Any, records: int) -> Mapping[str, Any]:
        """What to set."""
        has = part.get_params(deep=False)
        if "n_iter_no_change" not in has:
            return {}
        wanted = {
            "early_stopping": True,
            "n_iter_no_change": self.patience,
            "validation_fraction": self.share,
        }
        return own_options(part, wanted)
