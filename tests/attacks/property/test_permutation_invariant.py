"""Permuting hidden units changes nothing, to the bit; changing a weight does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reticent.attacks.property import PermutationInvariant
from reticent.attacks.property.weights import Weights, pack
from reticent.data import Records
from reticent.shadows.signals import Answers
from reticent.worlds import PropertyScene

ATTACK = PermutationInvariant(features=6, epochs=8)
NOTHING = np.zeros(1, np.int64)


def networks(world: np.ndarray, seed: int) -> list[list[np.ndarray]]:
    """Networks 4-5-3-2; those of the second world take more from the first input."""
    rng = np.random.default_rng(seed)
    return [
        [rng.normal(size=s) + w * (np.arange(s[1]) == 0) for s in ((5, 5), (3, 6), (2, 4))] for w in world
    ]


def answers(models: list[list[np.ndarray]]) -> Answers:
    return Answers(np.stack([pack(m) for m in models])[:, None, None], NOTHING)


def scene(own: list[list[np.ndarray]], theirs: list[list[np.ndarray]], world: np.ndarray) -> PropertyScene:
    return PropertyScene(
        probes=Records(np.zeros((1, 4)), NOTHING, np.array([0, 1])),
        has=np.array([True]),
        rare=0,
        shares=(0.2, 0.8),
        world=world,
        answers={Weights(): answers(own)},
        victims={Weights(): answers(theirs)},
        seed=2,
    )


def permuted(models: list[list[np.ndarray]], seed: int) -> list[list[np.ndarray]]:
    rng, found = np.random.default_rng(seed), []
    for first, second, last in models:
        a, b = rng.permutation(5), rng.permutation(3)
        second = second[b][:, [*a, 5]]
        found.append([first[a], second, last[:, [*b, 3]]])
    return found


WORLD = np.arange(40) % 2
OWN, THEIRS = networks(WORLD, 0), networks(WORLD[:20], 1)


def test_permuting_hidden_units_changes_no_bit() -> None:
    expected = ATTACK.guess(scene(OWN, THEIRS, WORLD))
    assert OWN[0][0][0, 0] != permuted(OWN, 5)[0][0][0, 0]
    for own, theirs in ((OWN, permuted(THEIRS, 3)), (permuted(OWN, 5), THEIRS)):
        np.testing.assert_array_equal(ATTACK.guess(scene(own, theirs, WORLD)), expected)


def test_changing_a_weight_changes_the_guess() -> None:
    expected = ATTACK.guess(scene(OWN, THEIRS, WORLD))
    for layer in range(3):
        other = [[m.copy() for m in model] for model in THEIRS]
        other[0][layer][0, 0] += 1
        guess = ATTACK.guess(scene(OWN, other, WORLD))
        assert guess[0] != expected[0] and (guess[1:] == expected[1:]).all()


def test_it_tells_networks_apart() -> None:
    world, right = np.arange(200) % 2, []
    for seed in range(3):
        made = scene(networks(world, 10 + seed), networks(world, 20 + seed), world)
        right.append(((PermutationInvariant(epochs=40).guess(made) > 0) == (world == 1)).mean())
    assert np.mean(right) > 0.8


@pytest.mark.parametrize(
    "option", [{"features": 3}, {"epochs": 4}, {"learning_rate": 0.02}, {"weight_decay": 0.5}], ids=str
)
def test_every_option_matters(option: dict[str, float]) -> None:
    made = scene(OWN, THEIRS, WORLD)
    assert (replace(ATTACK, **option).guess(made) != ATTACK.guess(made)).any()  # type: ignore[arg-type]
