"""Permutation-invariant meta-classifier: a network that reads networks, whatever order their units stand in.

Ganju, Wang, Yang, Gunter & Borisov, "Property Inference Attacks on Fully Connected Neural Networks using
Permutation Invariant Representations", CCS 2018; the sum over a set's members: Zaheer et al., "Deep Sets",
NeurIPS 2017, arXiv:1703.06114.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.options import number
from reticent.attacks.property.weights import Weights, ordered, unpack
from reticent.question import Question
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class PermutationInvariant(PropertyAttack):
    """A deep-sets classifier over the hidden units of multilayer perceptrons (Ganju et al. 2018).

    Attributes:
        features: numbers by which each unit is described.
        epochs: passes over the attacker's models.
        learning_rate: of Adam.
        weight_decay: factor of the L2 penalty's gradient.
    """

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "Ganju et al. 2018, CCS; Zaheer et al. 2017, arXiv:1703.06114"
    caveat: ClassVar[str] = "learns from as many examples as the attacker trained models, and they are few"

    features: int = 16
    epochs: int = 150
    learning_rate: float = 0.005
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        number("features", self.features, low=1)
        number("epochs", self.epochs, low=1)
        number("learning_rate", self.learning_rate, low=1e-9)
        number("weight_decay", self.weight_decay, low=0)

    @property
    def questions(self) -> tuple[Question, ...]:
        """The weights."""
        return (Weights(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return the classifier's log-odds of the second world.

        Raises:
            MissingExtra: torch is not installed.
        """
        from reticent.attacks.property.deep_sets import learn

        own, theirs = (ordered(unpack(a[Weights()].values[:, 0, 0])) for a in (scene.answers, scene.victims))
        read = learn(
            own,
            scene.world > 0,
            features=self.features,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            seed=scene.seed,
        )
        return read(theirs)
