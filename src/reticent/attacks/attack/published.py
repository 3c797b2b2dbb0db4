"""Attacks that ask nothing: they read gradients, weights or tables that somebody gave out."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from reticent.access import Access, IntArray
from reticent.attacks.attack.named import Named
from reticent.descendants import Ancestor, Descendants
from reticent.finding import Threat
from reticent.observation import Observation, Reconstruction
from reticent.open_model import OpenModel, Recovered
from reticent.release import Guess, Knows, ReleaseScene
from reticent.text_observation import TextObservation


@dataclass(frozen=True, kw_only=True)
class GradientAttack(Named):
    """Reads records back from the gradient that a client shares."""

    threat: ClassVar[Threat] = Threat.RECONSTRUCTION
    control: ClassVar[str] = "the mean public record, which never sees the gradient"
    defences: ClassVar[str] = "secure aggregation over many clients; large batches; differential privacy"
    costly: ClassVar[bool] = True
    price: ClassVar[str] = "no answers; seconds to minutes of search for a batch"

    @abstractmethod
    def reconstruct(self, observation: Observation, seed: int) -> Reconstruction:
        """Return what the batch was, as far as the gradient tells."""


@dataclass(frozen=True, kw_only=True)
class TextGradientAttack(Named):
    """Reads texts back from the gradient that a client shares."""

    threat: ClassVar[Threat] = Threat.RECONSTRUCTION
    elsewhere: ClassVar[str] = "reads shared gradients of texts, not a model: run it by rt.leak_text"
    control: ClassVar[str] = "the commonest tokens of public texts, and their commonest successors"
    defences: ClassVar[str] = (
        "secure aggregation over many clients; batches of more tokens; differential privacy"
    )
    costly: ClassVar[bool] = True
    price: ClassVar[str] = "no answers; every token tried at every place, seconds for a batch"

    @abstractmethod
    def read(self, observation: TextObservation) -> tuple[IntArray, ...]:
        """Return the sequences of the batch, token by token, as far as the gradient tells."""


@dataclass(frozen=True, kw_only=True)
class WeightsAttack(Named):
    """Reads training records back from the weights of a released model.

    Class attributes:
        informed: whether it has every training record but one, and looks for that one.
    """

    threat: ClassVar[Threat] = Threat.RECONSTRUCTION
    elsewhere: ClassVar[str] = "reads training records back from weights: run it by rt.read_weights"
    control: ClassVar[str] = "the nearest of as many records that the model never saw"
    defences: ClassVar[str] = "stopping before the net fits every record; more records; differential privacy"
    costly: ClassVar[bool] = True
    informed: ClassVar[bool] = False
    price: ClassVar[str] = "no answers; the closed form a second, the search minutes to hours"

    @abstractmethod
    def reconstruct(self, seen: OpenModel, seed: int) -> Recovered:
        """Return training records, as far as the weights tell."""


@dataclass(frozen=True, kw_only=True)
class DescendantsAttack(Named):
    """Recovers the weights of a model that was never released from models that were made of it."""

    threat: ClassVar[Threat] = Threat.EXTRACTION
    elsewhere: ClassVar[str] = "recovers a base from several fine-tunings: run it by rt.detune"
    needs: ClassVar[Access] = Access.WEIGHTS
    control: ClassVar[str] = "the mean of the fine-tunings"
    defences: ClassVar[str] = "releasing fewer fine-tunings than three of one base; training in full"
    costly: ClassVar[bool] = True
    price: ClassVar[str] = "no answers; about a second for a tensor of a million weights"

    @abstractmethod
    def recover(self, descendants: Descendants, seed: int) -> Ancestor:
        """Return the base's tensors, as far as its fine-tunings tell them."""


@dataclass(frozen=True, kw_only=True)
class ReleaseAttack(Named):
    """Guesses something about people from a table that was made from them: synthetic data, or any other.

    Class attributes:
        knows: what it is told of the people attacked.
        needs: the lowest rung, for there is no model to ask.
    """

    threat: ClassVar[Threat] = Threat.RECONSTRUCTION
    elsewhere: ClassVar[str] = "reads a published table, not a model: run it by rt.audit_release"
    control: ClassVar[str] = "the same guess about people whom the release never saw"
    defences: ClassVar[str] = "a synthesiser trained with differential privacy; rare values grouped"
    knows: ClassVar[Knows]
    needs: ClassVar[Access] = Access.LABELS
    population: ClassVar[bool] = True
    price: ClassVar[str] = "no answers; distances to every row of the release"

    @abstractmethod
    def guess(self, scene: ReleaseScene) -> Guess:
        """Return what it makes of the release, of every person or, of a predicate, of some one."""
