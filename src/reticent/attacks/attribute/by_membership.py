"""By membership: which of the records that this person's could be does the model seem to know?

Yeom, Giacomelli, Fredrikson & Jha, "Privacy Risk in Machine Learning: Analyzing the Connection to
Overfitting", CSF 2018, arXiv:1709.01604, section 5: attribute inference reduced to membership inference.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray
from reticent.attacks.attack import AttributeAttack
from reticent.attacks.attribute.each_value import EachValue
from reticent.attacks.options import number
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret

LEAST = 1e-3
"""Nats below which no loss is taken for typical: of a model without error nothing could be weighed."""


@dataclass(frozen=True, kw_only=True)
class ByMembership(AttributeAttack):
    """The value whose record has a loss like a member's, weighed by its prior (Yeom et al. 2018, section 5).

    Attributes:
        training_loss: the model's mean loss on its training data in nats, where it was published; None to
            take what the best value of each record gives on average.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Yeom et al. 2018, arXiv:1709.01604, section 5"
    caveat: ClassVar[str] = "tells values apart only where the model's loss does"

    training_loss: float | None = None

    def __post_init__(self) -> None:
        if self.training_loss is not None:
            number("training_loss", self.training_loss, low=0)

    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """Scores with each value."""
        return (EachValue(secret),)

    def guess(self, scene: SecretScene) -> FloatArray:
        """Return log prior less loss over the typical loss: members' losses taken as exponential."""
        losses = -scene.answers[EachValue(scene.secret)].log_confidence()[0].astype(np.float64)
        usual = self.training_loss
        if usual is None:
            usual = float(losses[~scene.auxiliary].min(axis=1).mean())
        return np.asarray(scene.log_prior() - losses / max(usual, LEAST))
