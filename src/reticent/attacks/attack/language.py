"""Attacks on language models and translators, which answer in tokens."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from reticent.access import FloatArray, IntArray
from reticent.attacks.attack.named import Named
from reticent.finding import Threat
from reticent.language import MeteredLanguage, OutputLayer
from reticent.recitation import CanaryScene, Filling, MeteredTranslator, RecitationScene, Recited
from reticent.text_scene import TextScene

MEMORY_DEFENCES = (
    "texts that recur removed; fewer epochs; answers checked against the training text; differential privacy"
)


@dataclass(frozen=True, kw_only=True)
class TextMembershipAttack(Named):
    """Says of each text how much it looks as if a language model was trained on it."""

    threat: ClassVar[Threat] = Threat.MEMBERSHIP
    elsewhere: ClassVar[str] = (
        "asks a language model about texts, and this is a classifier: run it by rt.audit_text"
    )
    control: ClassVar[str] = "a classifier of the two sides that never sees the model"
    defences: ClassVar[str] = (
        "one epoch; texts that recur removed; no log-probabilities in answers; differential privacy"
    )
    price: ClassVar[str] = "an answer a text"

    @abstractmethod
    def guess(self, scene: TextScene) -> FloatArray:
        """Return one score per text of the scene, (texts,), higher = member."""


@dataclass(frozen=True, kw_only=True)
class RecitationAttack(Named):
    """Brings a language model to recite what it was trained on."""

    threat: ClassVar[Threat] = Threat.MEMORISATION
    elsewhere: ClassVar[str] = "has a language model recite, and this is a classifier: run it by rt.recite"
    control: ClassVar[str] = "the same texts matched against as much that the model never saw"
    defences: ClassVar[str] = MEMORY_DEFENCES

    @abstractmethod
    def recite(self, scene: RecitationScene) -> Iterator[Recited]:
        """Yield texts that the model wrote; what was yielded is kept when the queries are spent."""


@dataclass(frozen=True, kw_only=True)
class TranslatorAttack(Named):
    """Brings a translator, or another model of sequences to sequences, to recite what it was trained on."""

    threat: ClassVar[Threat] = Threat.MEMORISATION
    elsewhere: ClassVar[str] = (
        "has a translator recite, and this is a classifier: run it by rt.recite_translator"
    )
    control: ClassVar[str] = "the same answers matched against as much text that the model never saw"
    defences: ClassVar[str] = MEMORY_DEFENCES

    @abstractmethod
    def recite(self, translator: MeteredTranslator, seed: int) -> Iterator[Recited]:
        """Yield texts that the model answered; what was yielded is kept when the queries are spent."""


@dataclass(frozen=True, kw_only=True)
class CanaryAttack(Named):
    """Goes through the sentences of a form, to see how early a planted one comes.

    Class attributes:
        ordered: whether sentences come likeliest first; else they are drawn at random.
    """

    threat: ClassVar[Threat] = Threat.MEMORISATION
    elsewhere: ClassVar[str] = (
        "looks for canaries in a language model, and this is a classifier: run it by rt.expose"
    )
    control: ClassVar[str] = "canaries of the same form that were never planted: a median of one bit"
    defences: ClassVar[str] = MEMORY_DEFENCES
    ordered: ClassVar[bool]

    @abstractmethod
    def fillings(self, scene: CanaryScene) -> Iterator[Filling]:
        """Yield sentences of the form, each once where they are ordered; the canaries are not told."""


@dataclass(frozen=True, kw_only=True)
class ContinuationAttack(Named):
    """Gives a model the beginning of a text and has it write on, again and again.

    How likely it writes the true continuation is worked out, not tried: the referee hands the continuation
    in, which makes no continuation likelier.

    Class attributes:
        draws: whether another try may come out otherwise.
    """

    threat: ClassVar[Threat] = Threat.MEMORISATION
    elsewhere: ClassVar[str] = (
        "has a language model write on, and this is a classifier: run it by rt.continue_texts"
    )
    control: ClassVar[str] = "the same of texts that the model never saw"
    defences: ClassVar[str] = MEMORY_DEFENCES
    draws: ClassVar[bool] = True

    @abstractmethod
    def log_chances(
        self, target: MeteredLanguage, beginnings: Sequence[IntArray], rests: Sequence[IntArray]
    ) -> FloatArray:
        """Return (texts,) the log of the chance that one try gives the rest of each, token by token."""


@dataclass(frozen=True, kw_only=True)
class LayerAttack(Named):
    """Tells a language model's last layer from its answers."""

    threat: ClassVar[Threat] = Threat.EXTRACTION
    elsewhere: ClassVar[str] = "asks a language model, and this is a classifier: run it by rt.extract_layer"
    control: ClassVar[str] = "a layer of random weights, turned as well as can be"
    defences: ClassVar[str] = (
        "no log-probabilities of chosen tokens, or few and rounded; no logit bias; noise"
    )
    price: ClassVar[str] = "a few texts, and whole distributions at twice as many places as the width"

    @abstractmethod
    def recover(self, model: MeteredLanguage, seed: int) -> OutputLayer:
        """Return the layer, up to what answers can tell."""
