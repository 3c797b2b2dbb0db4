"""Response sweep: the points of the line, the spectrum of the curve, and where it falls off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.attacks.membership.sweep import (
    SCALES,
    DetuningPoint,
    ResponseSweep,
    Sweep,
    detuning_points,
    spectrum,
)
from reticent.data import Records
from reticent.scene import Scene
from reticent.shadows.signals import Answers

CLASSES = np.array([0, 1])


class Linear:
    """Logits (0, w·x), so that the margin along a line is a straight line."""

    access = Access.SCORES
    classes = CLASSES

    def __init__(self, weights: Any) -> None:
        self.weights = weights

    def predict(self, x: Any) -> Outputs:
        z = x @ self.weights
        return Outputs.from_logits(np.column_stack([np.zeros_like(z), z]))

    def fingerprint(self) -> str:
        return "linear"


def test_margins_of_a_linear_model_are_straight() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    weights = rng.normal(size=3)
    labels = rng.integers(0, 2, 100)
    metered = Metered(Linear(weights))
    question = Sweep(scales=(0.0, 0.5, 1.0))
    answers = question.ask(metered, Records(x, labels, CLASSES))[:, :, 0]
    assert metered.queries == question.queries(100) == 300
    sign = np.where(labels == 1, 1, -1)
    np.testing.assert_allclose(answers[:, 2], sign * (x @ weights), rtol=1e-5)
    np.testing.assert_allclose(answers[:, 0], sign * (x.mean(axis=0) @ weights), rtol=1e-5)
    np.testing.assert_allclose(answers[:, 1], (answers[:, 0] + answers[:, 2]) / 2, rtol=1e-4, atol=1e-6)


def test_the_record_itself_is_a_point_of_the_default_line() -> None:
    assert 1.0 in SCALES
    assert len(SCALES) == 16


@pytest.mark.parametrize("points", [1, 2, 16])
def test_the_spectrum_agrees_with_the_definition(points: int) -> None:
    curves = np.random.default_rng(0).normal(size=(5, points))
    step = np.arange(points)
    waves = np.cos(np.pi / points * (step + 0.5)[None] * step[:, None]) * np.sqrt(2 / points)
    waves[0] /= np.sqrt(2)
    np.testing.assert_allclose(spectrum(curves), curves @ waves.T, atol=1e-12)


@pytest.mark.parametrize(
    ("curve", "falloff", "point"),
    [
        ([0.0, 1.0, 2.0, 3.0, 4.0], 0.5, 0.5),  # straight down to nought at 0: half of it at one half
        ([0.0, 1.0, 2.0, 3.0, 4.0], 0.25, 0.25),
        ([4.0, 4.0, 4.0, 4.0, 4.0], 0.5, 0.0),  # never falls off
        ([4.0, 4.0, 4.0, -4.0, 4.0], 0.5, 0.9375),  # a dip: the first fall counts, read between the points
        ([-8.0, -8.0, -8.0, -8.0, -1.0], 0.5, 1.0),  # misclassified
        ([-4.0, -2.0, 0.0, 2.0, 4.0], 0.0, 0.5),  # where the label changes
        ([1.0, 2.0, 3.0, 4.0, 5.0], 0.5, 0.375),
    ],
)
def test_detuning_points_in_closed_form(curve: list[float], falloff: float, point: float) -> None:
    scales = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
    found = detuning_points(np.array([curve]), scales, falloff)
    assert found[0] == pytest.approx(point)
    order = np.random.default_rng(0).permutation(5)
    assert detuning_points(np.array([curve])[:, order], scales[order], falloff)[0] == pytest.approx(point)


def test_scales_beyond_the_record_do_not_move_the_detuning_point() -> None:
    scales = np.array([0.0, 0.5, 1.0, 1.5])
    assert detuning_points(np.array([[0.0, 2.0, 4.0, -9.0]]), scales, 0.5)[0] == pytest.approx(0.5)


def test_the_attack_scores_minus_the_detuning_point() -> None:
    attack = DetuningPoint(scales=(0.0, 0.5, 1.0), falloff=0.5)
    curves = np.array([[0.0, 2.0, 4.0], [4.0, 4.0, 4.0], [0.0, 0.0, -1.0]], dtype=np.float32)
    data = Records(np.zeros((3, 1)), np.zeros(3, dtype=np.int64), CLASSES)
    answers = {attack.questions[0]: Answers(curves[None, :, :, None], data.labels)}
    scene = Scene(Metered(Linear(np.ones(1))), data, np.zeros(3, dtype=bool), answers)
    np.testing.assert_allclose(attack.guess(scene), [-0.5, 0.0, -1.0])


def test_both_readings_ask_the_same_question() -> None:
    assert ResponseSweep().questions == DetuningPoint().questions
    assert ResponseSweep.shadows and not DetuningPoint.shadows
