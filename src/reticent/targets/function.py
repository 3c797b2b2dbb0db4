"""Any callable as a target, and any training function as a recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.access import Access, Outputs, Target
from reticent.data import Records
from reticent.errors import ModelError
from reticent.recipe import OneByOne
from reticent.targets.answers import read_answers
from reticent.targets.content import identity

if TYPE_CHECKING:
    from reticent.access import Features


@dataclass(frozen=True, eq=False)
class FunctionTarget:
    """A function that answers records.

    Attributes:
        function: takes features in the form they were handed over; answers probabilities or logits
            (records, classes), of two classes the second one's alone if it likes, or labels (records,).
        classes: (classes,) the labels behind the columns.
        access: which of them it answers: `SCORES`, `LOGITS` or `LABELS`.
    """

    function: Callable[[Any], Any]
    classes: npt.NDArray[np.generic]
    access: Access = Access.SCORES

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", np.asarray(self.classes))
        if self.access == Access.WEIGHTS:
            raise ModelError("a function shows no weights; give access scores, logits or labels")

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        return read_answers(self.function(x), self.classes, self.access, records=len(x))

    def fingerprint(self) -> str:
        """A hash of the function's code and of what it closes over or names.

        Where that can't be read (an open connection, a session of another library) it is a value of this
        object alone: nothing kept is then reused by another run.
        """
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return identity((self.function, self.classes, int(self.access)))


@dataclass(frozen=True, eq=False)
class FunctionRecipe(OneByOne):
    """Trains by calling a function.

    Attributes:
        function: (X, y, seed) -> a fitted estimator, a torch module, a callable or a target. X are
            features as handed over, y (records,) the original labels; the same seed must give the same
            model.
    """

    function: Callable[[Any, npt.NDArray[np.generic], int], Any]

    def fit(self, data: Records, seed: int) -> Target:
        """Call the function on the records and their original labels.

        Raises:
            ModelError: it gave no classifier, or one of other classes.
        """
        from reticent.targets.load import is_sklearn_like, open_target
        from reticent.targets.sklearn import SklearnTarget

        model = self.function(data.features, data.classes[data.labels], seed)
        if is_sklearn_like(model):
            return SklearnTarget(model, classes=data.classes)  # records of one class may be lacking
        target = open_target(model, classes=data.classes)
        if not np.array_equal(target.classes, data.classes):
            raise ModelError(
                f"the recipe gave a model of {len(target.classes)} classes for data of {len(data.classes)}; "
                "give one whose columns are the data's classes in order"
            )
        return target

    def fingerprint(self) -> str:
        """A hash of the function's code and of what it closes over or names."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        return identity((FunctionRecipe, self.function))
