"""Attacks on models that answer about a record: classifiers, and object detectors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from reticent.access import FloatArray, Target
from reticent.attacks.attack.named import Named
from reticent.data import Records
from reticent.detections import DetectorScene
from reticent.extraction import ExtractionScene
from reticent.finding import Threat
from reticent.question import Question
from reticent.scene import ClassScene, SecretScene
from reticent.secret import Secret
from reticent.worlds import PropertyScene


@dataclass(frozen=True, kw_only=True)
class AttributeAttack(Named):
    """Guesses a sensitive column of each record from the rest of it and the model.

    It knows the value of some records that the model never saw (the population), as someone who holds data
    of the same kind does.
    """

    threat: ClassVar[Threat] = Threat.ATTRIBUTE
    control: ClassVar[str] = "the best imputation from the same records without the model"
    defences: ClassVar[str] = (
        "against the leak: differential privacy, regularisation; against what imputation guesses: nothing"
    )
    population: ClassVar[bool] = True
    price: ClassVar[str] = "an answer a record for each value of the column"

    @abstractmethod
    def asks(self, secret: Secret) -> tuple[Question, ...]:
        """What it asks of the target to guess this column."""

    @abstractmethod
    def guess(self, scene: SecretScene) -> FloatArray:
        """Return a score for each value of each record, (records, values), higher = likelier."""


@dataclass(frozen=True, kw_only=True)
class InversionAttack(Named):
    """Draws what the people of each class look like, from the model alone."""

    threat: ClassVar[Threat] = Threat.RECONSTRUCTION
    control: ClassVar[str] = (
        "the public picture likest to the class, and the mean of the class's own pictures"
    )
    defences: ClassVar[str] = (
        "labels or rounded scores only; differential privacy; classes that are not single people"
    )
    population: ClassVar[bool] = True
    price: ClassVar[str] = "up to a thousand gradients a class"

    @abstractmethod
    def draw(self, scene: ClassScene) -> FloatArray:
        """Return one picture of each class of the scene, (classes, ...) of the records' shape and range."""


@dataclass(frozen=True, kw_only=True)
class PropertyAttack(Named):
    """Guesses how many of a model's training records have a property that is not its task.

    It trains models of its own on either share, and compares the victim with them.

    Class attributes:
        estimates: whether it gives a share among many; else it tells two worlds apart.
        shadows: whether it compares the victim with models of its own.
    """

    threat: ClassVar[Threat] = Threat.PROPERTY
    control: ClassVar[str] = "the same attack where the property was shuffled over the records"
    defences: ClassVar[str] = (
        "answers to fewer people; resampling the training data to a share that is public"
    )
    estimates: ClassVar[bool] = False
    shadows: ClassVar[bool] = True
    population: ClassVar[bool] = True
    price: ClassVar[str] = "tens of models trained on each share; an answer a probe"

    @property
    def poison(self) -> float:
        """Share of everyone's training data that it slips in."""
        return 0.0

    @property
    @abstractmethod
    def questions(self) -> tuple[Question, ...]:
        """What it asks of every victim and of its own models."""

    @abstractmethod
    def guess(self, scene: PropertyScene) -> FloatArray:
        """Return one number for each victim, (victims,).

        Two worlds: a score, above 0 for the second share. Where it `estimates`: the share.
        """


@dataclass(frozen=True, kw_only=True)
class ExtractionAttack(Named):
    """Copies what a model does by asking it.

    Its copies are targets like any other: whoever has one may attack it at leisure.
    """

    threat: ClassVar[Threat] = Threat.EXTRACTION
    control: ClassVar[str] = "a model trained on the thief's own records, without the target"
    defences: ClassVar[str] = (
        "fewer queries a person and their price; labels only; a watch for queries that no customer asks"
    )
    population: ClassVar[bool] = True
    costly: ClassVar[bool] = True

    @abstractmethod
    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield copies, each made of all that was asked until then, the last one the best.

        What was yielded is kept when the thief's queries are spent (`QueryLimit`) or the target fails.
        """


@dataclass(frozen=True, kw_only=True)
class PoisonAttack(Named):
    """Slips records into the training data, so that models tell more of the others; on by request only."""

    threat: ClassVar[Threat] = Threat.MEMBERSHIP
    elsewhere: ClassVar[str] = "is slipped into the training, and this model is trained: run it by rt.poison"
    control: ClassVar[str] = "the same models trained without the poison"
    defences: ClassVar[str] = "contradicting copies removed; labels checked; differential privacy"
    shadows: ClassVar[bool] = True
    costly: ClassVar[bool] = True
    price: ClassVar[str] = "some records in the training data; tens of models trained; an answer a person"

    @abstractmethod
    def poison(self, victims: Records, seed: int) -> Records:
        """Return the records that are slipped in to tell whether each of the victims is there."""


@dataclass(frozen=True, kw_only=True)
class DetectorAttack(Named):
    """Says of each image how much it looks as if the detector was trained on it.

    Class attributes:
        shadows: whether it learns from detectors of the attacker's own.
    """

    threat: ClassVar[Threat] = Threat.MEMBERSHIP
    elsewhere: ClassVar[str] = (
        "reads an object detector's boxes, and this is a classifier: run it by rt.audit_detector"
    )
    control: ClassVar[str] = "box count, highest score and loss; a classifier that never sees the detector"
    defences: ClassVar[str] = "fewer epochs, more images, dropout; boxes without scores; differential privacy"
    shadows: ClassVar[bool] = True
    price: ClassVar[str] = "an answer an image, and detectors trained by the attacker"

    @abstractmethod
    def guess(self, scene: DetectorScene) -> FloatArray:
        """Return one score per image, (images,), higher = member."""
