"""SNAP's threshold lies where two Gaussians err equally; poison is what makes it work."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from reticent.attacks.property import Snap
from reticent.errors import DataError, PlanError
from reticent.worlds import PropertyScene


def odds(margins: np.ndarray) -> np.ndarray:
    """(models, records, 2) log-probabilities whose second class has these log-odds."""
    return np.stack([-np.logaddexp(0, margins), -np.logaddexp(0, -margins)], axis=2).astype(np.float32)


def made(scene_of: Callable[..., PropertyScene], victims: np.ndarray) -> PropertyScene:
    rng = np.random.default_rng(0)
    world, has = np.arange(12) % 2, np.arange(40) < 20
    spread = np.where(world == 0, 2.0, 1.0)[:, None]
    own = rng.normal(size=(12, 40)) * spread - 6 * world[:, None]
    return scene_of(odds(own), odds(np.tile(victims[:, None], 40)), world, has)


def test_the_median_is_set_against_the_point_of_equal_error(scene_of: Callable[..., PropertyScene]) -> None:
    scene = made(scene_of, np.array([-3.6, -4.4]))  # 0 − 2 t = −6 + t: two spreads below, two above −4
    scores = Snap(models=6).guess(scene)
    assert (scores > 0).tolist() == [False, True]
    assert scores[1] - scores[0] == pytest.approx(0.8, abs=1e-4)


def test_records_without_the_property_do_not_count(scene_of: Callable[..., PropertyScene]) -> None:
    scene = made(scene_of, np.array([-3.0]))
    before = Snap().guess(scene)
    for answers in (*scene.answers.values(), *scene.victims.values()):
        answers.values[:, ~scene.has] = -99
    np.testing.assert_array_equal(Snap().guess(scene), before)


def test_the_number_of_models_matters_and_poison_is_told(scene_of: Callable[..., PropertyScene]) -> None:
    scene = made(scene_of, np.array([-3.0]))
    assert Snap(models=2).guess(scene) != Snap().guess(scene)
    assert Snap(poison_share=0.02).poison == 0.02
    with pytest.raises(PlanError, match="poison_share"):
        Snap(poison_share=0.9)


def test_without_probes_to_ask_about_it_says_so(scene_of: Callable[..., PropertyScene]) -> None:
    answers = odds(np.zeros((2, 4)))
    labels, has = np.array([1, 1, 0, 0]), np.array([True, True, False, False])
    scene = scene_of(answers, answers, np.array([0, 1]), has, labels=labels)
    with pytest.raises(DataError, match="no probe has the property and another label"):
        Snap().guess(scene)
