"""What every attack is: a frozen dataclass whose fields are its options."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from reticent.access import Access, BoolArray, FloatArray, IntArray, Target
from reticent.data import Records
from reticent.descendants import Ancestor, Descendants
from reticent.detections import DetectorScene
from reticent.extraction import ExtractionScene
from reticent.finding import Threat
from reticent.language import MeteredLanguage, OutputLayer
from reticent.observation import Observation, Reconstruction
from reticent.open_model import OpenModel, Recovered
from reticent.question import Question, Scores
from reticent.recitation import CanaryScene, Filling, MeteredTranslator, RecitationScene, Recited
from reticent.release import Guess, Knows, ReleaseScene
from reticent.scene import ClassScene, Scene, SecretScene
from reticent.secret import Secret
from reticent.shadows.signals import Answers, Signals
from reticent.text_observation import TextObservation
from reticent.text_scene import TextScene
from reticent.worlds import PropertyScene

MANY = 1_000
"""Records over which the answers that an attack needs are spread."""


@dataclass(frozen=True, kw_only=True)
class MembershipAttack(ABC):
    """Says of each record how much it looks like a member.

    Class attributes:
        needs: the lowest rung of access.
        source: paper and place it comes from, for the catalogue.
        shadows: whether it compares the target with shadow models.
        population: whether it needs records known to be non-members.
        costly: whether it asks ten queries a record or more, so that it runs only when named, or where
            nothing but labels is granted.
        caveat: what it can't do, for the reader of a report.
        control: what its figure is set beside.
        defences: what helps against it.
    """

    threat: ClassVar[Threat] = Threat.MEMBERSHIP
    control: ClassVar[str] = "a classifier of the two sides that never sees the model"
    defences: ClassVar[str] = "differential privacy (a bound); regularisation, fewer epochs, more data"
    needs: ClassVar[Access]
    source: ClassVar[str]
    shadows: ClassVar[bool] = False
    population: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    caveat: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        """Its name in the catalogue: the class's words in lower case, joined by hyphens."""
        return _title(cls)

    @property
    def name(self) -> str:
        """Its title, with the options that differ from the defaults: lira, lira(mode=offline)."""
        return _name(self)

    @classmethod
    def cost(cls) -> str:
        """What it takes with its usual options, for the catalogue."""
        answers = sum(q.queries(MANY) for q in cls().questions) // MANY
        asked = (
            f"{answers:,} answer{'s' if answers > 1 else ''} a record" if answers else "a gradient a record"
        )
        return f"{asked}, here and of every shadow model" if cls.shadows else asked

    @property
    def questions(self) -> tuple[Question, ...]:
        """What it asks of the target, and of every shadow model where it uses them."""
        return (Scores(),)

    @abstractmethod
    def guess(self, scene: Scene) -> FloatArray:
        """Return one score per record of the scene, shape (records,), higher = member.

        Scores of the records that are known to be non-members are not looked at.
        """


@dataclass(frozen=True, kw_only=True)
class SignalsAttack(MembershipAttack):
    """An attack that is a pure function of what models say: no model is asked anything more."""

    def guess(self, scene: Scene) -> FloatArray:
        """Score the target's answers by the shadow models' answers to the same question."""
        (question,) = self.questions
        return self.score(scene.target_answers(question), scene.shadow_signals(question), scene.known)

    @abstractmethod
    def score(self, target: Answers, shadows: Signals, known: BoolArray) -> FloatArray:
        """Return one score per record, shape (records,), higher = member.

        Args:
            target: (1, records, variants, channels).
            shadows: (models, records, variants, channels) and who trained on what.
            known: (records,) records known to be non-members of the target; may be all False.
        """


@dataclass(frozen=True, kw_only=True)
class Named(ABC):
    """What attacks on anything else than membership have in common: what the catalogue says of them.

    Class attributes:
        needs, source, shadows, population, costly, caveat, control, defences: as for `MembershipAttack`.
        price: what it takes, with its usual options.
        elsewhere: why an audit of a classifier does not run it, and what does; empty where it does.
    """

    threat: ClassVar[Threat]
    needs: ClassVar[Access]
    source: ClassVar[str]
    control: ClassVar[str]
    defences: ClassVar[str]
    price: ClassVar[str]
    elsewhere: ClassVar[str] = ""
    shadows: ClassVar[bool] = False
    population: ClassVar[bool] = False
    costly: ClassVar[bool] = False
    caveat: ClassVar[str] = ""

    @classmethod
    def title(cls) -> str:
        """Its name in the catalogue: the class's words in lower case, joined by hyphens."""
        return _title(cls)

    @classmethod
    def cost(cls) -> str:
        """What it takes with its usual options, for the catalogue."""
        return cls.price

    @property
    def name(self) -> str:
        """Its title, with the options that differ from the defaults."""
        return _name(self)


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


MEMORY_DEFENCES = (
    "texts that recur removed; fewer epochs; answers checked against the training text; differential privacy"
)


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


Attack = (
    MembershipAttack
    | AttributeAttack
    | InversionAttack
    | PropertyAttack
    | GradientAttack
    | ReleaseAttack
    | TextGradientAttack
    | WeightsAttack
    | DetectorAttack
    | ExtractionAttack
    | TextMembershipAttack
    | LayerAttack
    | PoisonAttack
    | RecitationAttack
    | TranslatorAttack
    | CanaryAttack
    | ContinuationAttack
    | DescendantsAttack
)
"""Any attack of the catalogue."""


def _title(kind: type) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", kind.__name__).lower()


def _name(attack: MembershipAttack | Named) -> str:
    chosen = [(f.name, getattr(attack, f.name)) for f in fields(attack)]
    changed = [(n, v) for (n, v), f in zip(chosen, fields(attack), strict=True) if v != f.default]
    options = ", ".join(f"{name}={getattr(value, 'value', value)}" for name, value in changed)
    return f"{attack.title()}({options})" if options else attack.title()
