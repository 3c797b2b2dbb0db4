"""What every attack passes, whoever wrote it: small worlds whose truth is known, and checks in them.

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_attack(check):
        check(MyAttack())

A check takes an attack and raises AssertionError, with a sentence that says what is wrong. Its worlds are
made of models in closed form, trained in no time, that can be asked anything; what is claimed of chance is
averaged over worlds, never read off one lucky seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered, Outputs, Target
from reticent.attacks.attack import MembershipAttack
from reticent.data import Records, concat
from reticent.fingerprint import fingerprint
from reticent.measure.roc import Roc
from reticent.question import Question
from reticent.scene import Scene
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals

CLASSES = np.arange(3)
CANDIDATES, KNOWN = 100, 60
"""Records of a world: those in question, half of them members, and those known to be non-members."""

SILENT_WORLDS, LEAKING_WORLDS = 24, 4
"""Worlds that a claim is averaged over."""

LEAST_FOUND = 0.55
"""Mean AUC that an attack reaches where models remember everything."""

Model = Callable[[Records], Target]
"""Fits a model to records."""


class Kernel:
    """Votes of the training records near by: it remembers each of them. Answers labels, scores and logits."""

    access = Access.LOGITS
    classes: npt.NDArray[np.generic] = CLASSES
    width = 0.3

    def __init__(self, trained: Records) -> None:
        self.x, self.y = np.asarray(trained.features, dtype=float), trained.labels

    def predict(self, x: Any) -> Outputs:
        """Log votes, of which each class has a few to begin with."""
        asked = np.asarray(x, dtype=float)
        square = (asked**2).sum(axis=1)[:, None] - 2 * asked @ self.x.T + (self.x**2).sum(axis=1)
        votes = np.exp(-square / (2 * self.width**2)) @ (self.y[:, None] == CLASSES)
        return Outputs.from_logits(np.log(0.02 + votes))

    def fingerprint(self) -> str:
        """A hash of what it was trained on."""
        return fingerprint("kernel", self.x, self.y)


class Linear:
    """Softmax of a ridge regression with nearly as many columns as records. Its weights are at hand."""

    access = Access.WEIGHTS
    classes: npt.NDArray[np.generic] = CLASSES
    ridge, sharpness = 1.0, 4.0

    def __init__(self, trained: Records) -> None:
        x = _with_one(trained.features)
        wanted = self.sharpness * (trained.labels[:, None] == CLASSES)
        self.weights = np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ wanted)

    def predict(self, x: Any) -> Outputs:
        """The logits are linear in the record."""
        return Outputs.from_logits(_with_one(x) @ self.weights)

    def gradient_norms(self, x: Any, y: IntArray) -> FloatArray:
        """(records, 2) of the slopes and of the offsets: ‖p − e_y‖ ‖x‖ and ‖p − e_y‖."""
        scores = self.predict(x).log_scores
        assert scores is not None
        pull = np.linalg.norm(np.exp(scores) - (y[:, None] == CLASSES), axis=1)
        return np.stack([pull * np.linalg.norm(np.asarray(x, dtype=float), axis=1), pull], axis=1)

    def fingerprint(self) -> str:
        """A hash of the weights."""
        return fingerprint("linear", self.weights)


@dataclass(frozen=True, eq=False)
class World:
    """A target, its shadow models and, unlike a scene, the truth.

    Attributes:
        records: candidates first, known non-members after them.
        members: (records,) True where the record is called a member; in a silent world nothing was trained
            on it either way.
        target: the model under attack.
        shadows: models of the same kind.
        masks: (shadows, records) who trained on what.
    """

    records: Records
    members: BoolArray
    target: Target
    shadows: tuple[Target, ...]
    masks: BoolArray

    @property
    def known(self) -> BoolArray:
        """(records,) the known non-members."""
        return np.arange(len(self.records)) >= CANDIDATES

    def scene(self, attack: MembershipAttack, *, granted: Access | None = None, seed: int = 0) -> Scene:
        """What the attack is handed: nothing that it does not say it needs, be it shadow models or others."""
        target = Metered(self.target, granted)
        labels = self.records.labels
        answers = {q: Answers(q.ask(target, self.records)[None], labels) for q in attack.questions}
        signals = {q: self._signals(q) for q in attack.questions} if attack.shadows else {}
        known = self.known if attack.population else np.zeros(len(labels), dtype=bool)
        return Scene(target, self.records, known, answers, signals, seed)

    def scores(self, attack: MembershipAttack, *, granted: Access | None = None, seed: int = 0) -> FloatArray:
        """(candidates,) the attack's scores."""
        return attack.guess(self.scene(attack, granted=granted, seed=seed))[:CANDIDATES]

    def auc(self, attack: MembershipAttack) -> float:
        """How well the attack's scores part members from the other candidates."""
        return Roc.of(self.scores(attack), self.members[:CANDIDATES]).auc().value

    def _signals(self, question: Question) -> Signals:
        values = np.stack([question.ask(Metered(shadow), self.records) for shadow in self.shadows])
        return Signals(values, self.records.labels, self.masks)


def leaking_world(seed: int, access: Access = Access.LOGITS, *, shadows: int = 8) -> World:
    """A world whose models remember all that they were trained on, and can be asked up to `access`."""
    return _world(seed, access, shadows, leaks=True)


def silent_world(seed: int, access: Access = Access.LOGITS, *, shadows: int = 8) -> World:
    """A world whose target was trained on other records of the same kind: there is nothing to find.

    Those called members come first, so that scores that depend on the order of the records are found out.
    """
    return _world(seed, access, shadows, leaks=False)


def _world(seed: int, access: Access, shadows: int, *, leaks: bool) -> World:
    rng = np.random.default_rng(seed)
    model: Model = Linear if access == Access.WEIGHTS else Kernel
    columns = 30 if access == Access.WEIGHTS else 3
    records = _people(CANDIDATES + KNOWN, columns, rng)
    members = np.arange(len(records)) < CANDIDATES // 2
    if leaks:
        members[:CANDIDATES] = rng.permutation(members[:CANDIDATES])
    masks: BoolArray = Plan(models=shadows, seed=seed).masks(len(records))
    # As many records as a shadow model has: the members, and others that are not in the world
    others = _people(len(records) // 2 - leaks * CANDIDATES // 2, columns, rng)
    trained = concat([records.take(members), others]) if leaks else others
    return World(records, members, model(trained), tuple(model(records.take(m)) for m in masks), masks)


def _people(records: int, columns: int, rng: np.random.Generator) -> Records:
    """Records whose label can hardly be told, so that knowing it means having seen them."""
    import pandas as pd

    x = rng.normal(size=(records, columns))
    logits = np.stack([0.7 * x[:, 0], 0.7 * x[:, 1], 0.7 * x[:, 2]], axis=1)
    labels = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    return Records(pd.DataFrame(x, columns=[f"x{i}" for i in range(columns)]), labels, CLASSES)


def _with_one(x: Any) -> FloatArray:
    x = np.asarray(x, dtype=float)
    return np.column_stack([x, np.ones(len(x))])
