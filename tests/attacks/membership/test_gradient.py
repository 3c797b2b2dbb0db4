"""Gradient norms: the whole norm from the tensors', and its comparison with models without the record."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.access import Access, FloatArray, IntArray, Metered, Outputs
from reticent.attacks.membership.gradient import CalibratedGradientNorm, GradientNorm, GradientNorms, log_norm
from reticent.data import Records
from reticent.scene import Scene
from reticent.shadows.signals import Answers, Signals

CLASSES = np.array([0, 1])


class Pulled:
    """A model of two tensors, whose gradients are its records."""

    access = Access.WEIGHTS
    classes = CLASSES

    def predict(self, x: Any) -> Outputs:
        return Outputs.from_logits(np.zeros((len(x), 2)))

    def gradient_norms(self, x: Any, y: IntArray) -> FloatArray:
        return np.abs(x[:, :2]).astype(np.float64)

    def fingerprint(self) -> str:
        return "pulled"


def records() -> Records:
    rng = np.random.default_rng(0)
    return Records(rng.normal(size=(20, 2)), rng.integers(0, 2, 20), CLASSES)


def test_the_question_answers_a_norm_a_tensor_and_asks_nobody() -> None:
    data, target = records(), Metered(Pulled())
    answers = GradientNorms().ask(target, data)
    np.testing.assert_allclose(answers[:, 0], np.abs(data.features), rtol=1e-6)
    assert target.queries == GradientNorms().queries(20) == 0


def test_below_the_weights_it_is_refused() -> None:
    with pytest.raises(PermissionError):
        GradientNorms().ask(Metered(Pulled(), Access.LOGITS), records())


def test_the_whole_norm_is_that_of_all_tensors_together() -> None:
    gradient = np.random.default_rng(0).normal(size=(6, 5))
    tensors = np.stack([np.linalg.norm(part, axis=1) for part in (gradient[:, :2], gradient[:, 2:])], axis=1)
    np.testing.assert_allclose(log_norm(tensors), np.log(np.linalg.norm(gradient, axis=1)))
    assert np.isfinite(log_norm(np.zeros((1, 2)))).all()


def test_scores_agree_with_slow_references() -> None:
    data, rng = records(), np.random.default_rng(1)
    own = rng.exponential(size=(1, 20, 1, 3))
    shadows = rng.exponential(size=(4, 20, 1, 3))
    members = rng.permuted(np.tile([[True], [True], [False], [False]], (1, 20)), axis=0)
    scene = Scene(
        Metered(Pulled()),
        data,
        np.zeros(20, dtype=bool),
        {GradientNorms(): Answers(own, data.labels)},
        {GradientNorms(): Signals(shadows, data.labels, members)},
    )
    plain, calibrated = GradientNorm().guess(scene), CalibratedGradientNorm().guess(scene)
    for record in range(20):
        mine = np.log(np.linalg.norm(own[0, record]))
        theirs = [np.log(np.linalg.norm(shadows[m, record])) for m in range(4) if not members[m, record]]
        assert plain[record] == pytest.approx(-mine)
        assert calibrated[record] == pytest.approx(np.mean(theirs) - mine)
