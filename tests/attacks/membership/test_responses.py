"""What must be true of every attack that asks more than the plain scores: it catches a model that remembers,
finds nothing in one that never saw the records, asks what it says, and sees no more than its rung.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered, Outputs
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership.boundary import Boundary
from reticent.attacks.membership.canvas import ResponseCanvas
from reticent.attacks.membership.gradient import CalibratedGradientNorm, GradientNorm
from reticent.attacks.membership.robustness import LearnedRobustness, Robustness
from reticent.attacks.membership.sweep import DetuningPoint, ResponseSweep
from reticent.attacks.membership.white_box import WhiteBoxFeatures
from reticent.data import Records
from reticent.errors import PlanError
from reticent.measure.roc import Roc
from reticent.question import Question
from reticent.scene import Scene
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals

CLASSES = np.array([0, 1])
ATTACKS: tuple[MembershipAttack, ...] = (
    Robustness(),
    LearnedRobustness(),
    Boundary(queries_per_record=60),
    ResponseCanvas(regions=2),
    ResponseSweep(),
    DetuningPoint(),
    GradientNorm(),
    CalibratedGradientNorm(),
    WhiteBoxFeatures(),
)


class Parzen:
    """Votes of the training records near by: it remembers each of them, the more the narrower its eye."""

    access = Access.WEIGHTS
    classes = CLASSES

    def __init__(self, data: Records, width: float) -> None:
        self.x, self.y, self.width = np.asarray(data.features), data.labels, width

    def predict(self, x: Any) -> Outputs:
        return Outputs.from_scores(self._chances(np.asarray(x, dtype=float)))

    def gradient_norms(self, x: Any, y: IntArray) -> FloatArray:
        """Those of the logits, as of a last layer with biases alone, and twice them."""
        missed = np.sqrt(2) * (1 - self._chances(x)[np.arange(len(y)), y])
        return np.stack([missed, 2 * missed], axis=1)

    def fingerprint(self) -> str:
        return "parzen"

    def _chances(self, x: FloatArray) -> FloatArray:
        square = (x**2).sum(axis=1)[:, None] - 2 * x @ self.x.T + (self.x**2).sum(axis=1)
        near = np.exp(-square / (2 * self.width**2))
        votes = 0.02 + np.stack([near[:, self.y == c].sum(axis=1) for c in CLASSES], axis=1)
        chances: FloatArray = votes / votes.sum(axis=1, keepdims=True)
        return chances


def people(records: int, rng: np.random.Generator) -> Records:
    """Records whose label can hardly be told, so that knowing it means having seen it."""
    x = rng.normal(size=(records, 3))
    return Records(x, (rng.random(records) < 1 / (1 + np.exp(-x[:, 0]))).astype(np.int64), CLASSES)


class World:
    """Candidates, half of them members of a target, and shadow models of the same kind."""

    def __init__(self, seed: int, *, leaks: bool, records: int = 300, models: int = 8) -> None:
        rng = np.random.default_rng(seed)
        self.records = people(records, rng)
        self.members = rng.permutation(records) < records // 2
        masks: BoolArray = Plan(models=models, seed=seed).masks(records)
        self.masks = masks
        trained = self.records.take(self.members) if leaks else people(records // 2, rng)
        self.target = Metered(Parzen(trained, 0.3))
        self.shadows = [Parzen(self.records.take(mask), 0.3) for mask in masks]

    def scene(self, attack: MembershipAttack, *, granted: Access | None = None, seed: int = 0) -> Scene:
        target = Metered(self.target._target, granted)
        labels = self.records.labels
        answers = {q: Answers(q.ask(target, self.records)[None], labels) for q in attack.questions}
        signals = {q: self.signals(q) for q in attack.questions} if attack.shadows else {}
        return Scene(target, self.records, np.zeros(len(self.records), dtype=bool), answers, signals, seed)

    def signals(self, question: Question) -> Signals:
        values = np.stack([question.ask(Metered(shadow), self.records) for shadow in self.shadows])
        return Signals(values, self.records.labels, self.masks)

    def auc(self, attack: MembershipAttack) -> float:
        return Roc.of(attack.guess(self.scene(attack)), self.members).auc().value


LEAKING = [World(seed, leaks=True) for seed in range(2)]
SILENT = [World(100 + seed, leaks=False) for seed in range(12)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.title())
def test_a_model_that_remembers_is_caught(attack: MembershipAttack) -> None:
    assert np.mean([world.auc(attack) for world in LEAKING]) > (0.75 if attack.shadows else 0.6)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.title())
def test_nothing_is_found_in_models_that_never_saw_the_records(attack: MembershipAttack) -> None:
    areas = [world.auc(attack) for world in SILENT]
    assert abs(np.mean(areas) - 0.5) < 3 * 0.0334 / np.sqrt(12)  # 0.0334: one AUC's spread, 150 against 150


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.title())
def test_it_gets_by_with_its_rung_and_asks_what_it_says(attack: MembershipAttack) -> None:
    world = LEAKING[0]
    full, least = world.scene(attack), world.scene(attack, granted=attack.needs)
    np.testing.assert_array_equal(attack.guess(full), attack.guess(least))
    said = sum(q.queries(len(world.records)) for q in attack.questions)
    assert least.target.queries == said
    assert all(q.needs <= attack.needs for q in attack.questions)


@pytest.mark.parametrize(
    ("attack", "options"),
    [
        (Robustness, {"copies": 0}),
        (LearnedRobustness, {"radii": ()}),
        (Robustness, {"radii": (0.1, 2.0)}),
        (Boundary, {"queries_per_record": 39}),
        (ResponseCanvas, {"regions": 0}),
        (ResponseCanvas, {"radii": (0.0,)}),
        (ResponseSweep, {"scales": (0.0, 0.5)}),
        (ResponseSweep, {"scales": (-1.0, 1.0)}),
        (DetuningPoint, {"falloff": 1.5}),
    ],
)
def test_options_that_make_no_sense_are_refused_by_name(
    attack: type[MembershipAttack], options: dict[str, Any]
) -> None:
    (name,) = options
    with pytest.raises(PlanError, match=name):
        attack(**options)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.title())
def test_the_same_seed_gives_the_same_scores(attack: MembershipAttack) -> None:
    scores = [attack.guess(LEAKING[0].scene(attack, seed=3)) for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    assert scores[0].shape == (300,)
    assert np.isfinite(scores[0]).all()
