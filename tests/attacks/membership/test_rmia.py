"""RMIA: the pairwise comparison by sorting, and what is tuned."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.special import log_softmax

from reticent.attacks.membership.rmia import OFFLINE_AS, TEMPERATURES, Rmia, tempered
from reticent.errors import PlanError
from reticent.shadows.signals import Signals


def slow(world: Any, attack: Rmia, temperature: float, a: float, known: np.ndarray) -> np.ndarray:
    """Every record against every other, straight from the paper."""

    def confidence(values: np.ndarray) -> np.ndarray:
        p = np.exp(log_softmax(values.astype(np.float64) / temperature, axis=-1))
        return np.stack([p[:, r, :, label] for r, label in enumerate(world.target.labels)], axis=1)

    own, theirs = confidence(world.target.values)[0], confidence(world.shadows.values)
    records, variants = own.shape
    ratio = np.empty((records, variants))
    for r in range(records):
        inside = world.shadows.members[:, r]
        outside_mean = theirs[~inside, r].mean(axis=0)
        if attack.mode == "online":
            mean = (theirs[inside, r].mean(axis=0) + outside_mean) / 2
        else:
            mean = ((1 + a) * outside_mean + (1 - a)) / 2
        ratio[r] = own[r] / mean
    z = [r for r in range(records) if known[r] or attack.z == "all"]
    scores = np.zeros(records)
    for r in range(records):
        for other in z:
            scores[r] += (ratio[r] / ratio[other] >= attack.gamma * (1 - 1e-6)).mean()
    return scores / len(z)


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
@pytest.mark.parametrize("gamma", [1.0, 2.0])
@pytest.mark.parametrize("z", ["all", "known"])
def test_agrees_with_the_matrix_of_pairs(
    mode: Any, temperature: float, gamma: float, z: Any, small_world: Any
) -> None:
    attack = Rmia(mode=mode, temperature=temperature, gamma=gamma, offline_a=0.3, z=z)
    known = ~small_world.truth & (np.arange(len(small_world.truth)) % 3 == 0)
    found = attack.score(small_world.target, small_world.shadows, known)
    np.testing.assert_allclose(found, slow(small_world, attack, temperature, 0.3, known), atol=1e-9)


@pytest.mark.parametrize("classes", [2, 7])
def test_tempering_is_the_softmax_of_the_divided_logits(classes: int) -> None:
    rng = np.random.default_rng(0)
    logits, labels = 20 * rng.normal(size=(3, 11, 2, classes)), rng.integers(0, classes, 11)
    logs = log_softmax(logits, axis=-1).astype(np.float32)
    for temperature in (0.5, 1.0, 3.0):
        expected = log_softmax(logits / temperature, axis=-1)
        own = np.stack([expected[:, r, :, label] for r, label in enumerate(labels)], axis=1)
        np.testing.assert_allclose(tempered(temperature)(logs, labels), own, rtol=1e-4, atol=1e-4)


def test_known_non_members_calibrate_the_score(world: Callable[..., Any]) -> None:
    """With γ = 1 a non-member's score exceeds 1 − f for a share f of them."""
    found = world(0, records=4000, models=8)
    known = ~found.truth & (np.arange(4000) % 2 == 0)
    scores = Rmia(z="known", temperature=1.0).score(found.target, found.shadows, known)
    others = scores[~found.truth & ~known]
    for rate in (0.5, 0.1, 0.02):
        share = np.mean(scores[~found.truth & ~known] > 1 - rate)
        assert abs(share - rate) < 4 * np.sqrt(rate * (1 - rate) * (1 / len(others) + 1 / known.sum()))


def test_gamma_does_not_change_the_order(world: Callable[..., Any]) -> None:
    found = world(0, records=500, models=8)
    scores = [
        Rmia(gamma=g, temperature=1.0).score(found.target, found.shadows, found.nobody) for g in (1.0, 1.5)
    ]
    order = np.argsort(scores[0])
    assert (np.diff(scores[1][order]) >= 0).all()
    assert not np.allclose(*scores)


def test_equal_records_have_equal_scores(world: Callable[..., Any]) -> None:
    found = world(0, records=100, models=8)
    twice = np.repeat(np.arange(50), 2)
    scores = Rmia(temperature=1.0).score(
        found.target.part(twice), found.shadows.part(twice), np.zeros(100, bool)
    )
    np.testing.assert_array_equal(scores[::2], scores[1::2])


def test_tuning_looks_at_shadow_models_alone(world: Callable[..., Any]) -> None:
    one, other = (world(0, models=8, target_gap=g) for g in (0.0, 3.0))
    assert Rmia(mode="offline").tuned(one.shadows) == Rmia(mode="offline").tuned(other.shadows)


def test_tuning_undoes_a_temperature(world: Callable[..., Any]) -> None:
    """Where models are overly certain by a factor, probabilities are squeezed and dividing by it helps."""
    gains = []
    for seed in range(4):
        found = world(seed, gap=12.0, difficulty=12.0, models=8, records=1000)
        tuned, plain = (
            found.auc(a.score(found.target, found.shadows, found.nobody))
            for a in (Rmia(), Rmia(temperature=1.0))
        )
        gains.append(tuned - plain)
    assert np.mean(gains) > 0.01


@pytest.mark.parametrize("models", [1, 2])
def test_with_nothing_to_tune_on_the_first_values_are_taken(models: int, world: Callable[..., Any]) -> None:
    shadows = world(0, masks=np.random.default_rng(0).random((models, 1000)) < 0.5).shadows
    assert Rmia(mode="offline").tuned(shadows) == (TEMPERATURES[0], OFFLINE_AS[0])


def test_a_is_tuned_to_how_much_the_models_remember() -> None:
    """With a = 1 the stand-in for models that trained on a record is what the others say of it."""
    rng = np.random.default_rng(0)
    records, members = 3000, np.random.default_rng(1).random((9, 3000)) < 0.5
    p = np.clip(rng.beta(2, 2, size=(1, records)) * np.exp(0.05 * rng.normal(size=(9, records))), 0.01, 0.9)
    p = np.clip(p * (1 + 0.1 * members), 0.01, 0.99)  # odds of belonging hang on the ratio p_target / p̄_out
    values = np.log(np.stack([p, 1 - p], axis=-1))[:, :, None].astype(np.float32)
    shadows = Signals(values, np.zeros(records, dtype=np.int64), members)
    assert Rmia(mode="offline", temperature=1.0).tuned(shadows)[1] >= 0.8


def test_every_option_changes_something(small_world: Any) -> None:
    def scores(**options: Any) -> np.ndarray:
        chosen = {"mode": "offline", "temperature": 1.0, "offline_a": 0.3, **options}
        known = ~small_world.truth
        return Rmia(**chosen).score(small_world.target, small_world.shadows, known)

    changes: list[dict[str, Any]] = [
        {"mode": "online"},
        {"gamma": 2.0},
        {"temperature": 3.0},
        {"offline_a": 0.9},
        {"z": "known"},
    ]
    for change in changes:
        assert not np.allclose(scores(), scores(**change)), change


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "both"},
        {"z": "some"},
        {"gamma": 0},
        {"temperature": -1.0},
        {"temperature": "hot"},
        {"offline_a": 1.5},
    ],
)
def test_options_that_make_no_sense_are_told(options: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="was given"):
        Rmia(**options)


def test_known_records_must_be_known(small_world: Any) -> None:
    with pytest.raises(PlanError, match="z='known'"):
        Rmia(z="known").score(small_world.target, small_world.shadows, small_world.nobody)
