"""Robustness: which copies are asked about, and what is made of the answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reticent.access import Access, Metered, Outputs
from reticent.attacks.membership.robustness import Correctness, LearnedRobustness, Robustness
from reticent.attacks.perturb import Sheet, mirrored, shifted
from reticent.data import Records
from reticent.scene import Scene
from reticent.shadows.signals import Answers

CLASSES = np.array([0, 1])


class Remembers:
    """Says whether the first value is positive, with scores that nobody may look at; keeps what was asked."""

    access = Access.SCORES
    classes = CLASSES

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def predict(self, x: Any) -> Outputs:
        self.asked.append(x)
        first = np.asarray(x, dtype=float).reshape(len(x), -1)[:, 0]
        return Outputs((first > 0).astype(np.int64), np.full((len(x), 2), np.nan))

    def fingerprint(self) -> str:
        return "remembers"


def records(shape: tuple[int, ...]) -> Records:
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape)
    return Records(x, rng.integers(0, 2, len(x)), CLASSES)


def test_it_asks_about_the_record_and_its_noisy_copies() -> None:
    data, target = records((50, 3)), Remembers()
    metered = Metered(target, Access.LABELS)
    question = Correctness(copies=5, radii=(0.1, 0.3), seed=4)
    answers = question.ask(metered, data)
    expected = [data.features]
    for copy in range(5):
        rng = np.random.default_rng([4, copy])
        expected.append(Sheet.of(data.features).noisy((0.1, 0.3)[copy % 2], rng))
    assert metered.queries == question.queries(50) == 300
    assert answers.shape == (50, 6, 1)
    assert answers.dtype == np.float32
    for variant, (asked, wanted) in enumerate(zip(target.asked, expected, strict=True)):
        np.testing.assert_array_equal(asked, wanted)
        np.testing.assert_array_equal(answers[:, variant, 0], (asked[:, 0] > 0) == data.labels)


@pytest.mark.parametrize(
    ("shape", "axes"), [((9, 6, 6, 3), (1, 2)), ((9, 3, 6, 6), (2, 3)), ((9, 6, 6), (1, 2))]
)
def test_pictures_are_mirrored_and_shifted(shape: tuple[int, ...], axes: tuple[int, int]) -> None:
    data, target = records(shape), Remembers()
    Correctness(copies=7).ask(Metered(target), data)
    down, across = axes
    x = data.features
    wanted = [x, mirrored(x, across), shifted(x, down, 1), shifted(x, across, 1)]
    wanted += [shifted(x, down, -1), shifted(x, across, -1), shifted(x, down, 2), shifted(x, across, 2)]
    for asked, copy in zip(target.asked, wanted, strict=True):
        np.testing.assert_array_equal(asked, copy)


def test_the_score_is_the_share_named_rightly() -> None:
    data = records((3, 2))
    attack = Robustness(copies=3)
    right = np.array([[1, 1, 1, 1], [1, 0, 0, 1], [0, 0, 0, 0]], dtype=np.float32)
    answers = {attack.questions[0]: Answers(right[None, :, :, None], data.labels)}
    scene = Scene(Metered(Remembers()), data, np.zeros(3, dtype=bool), answers)
    np.testing.assert_array_equal(attack.guess(scene), [1, 0.5, 0])


def test_both_readings_ask_the_same_question() -> None:
    assert Robustness().questions == LearnedRobustness().questions
    assert LearnedRobustness.shadows and not Robustness.shadows
