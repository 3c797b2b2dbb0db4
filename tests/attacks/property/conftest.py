"""Worlds whose models give the property away, and scenes that are made up number by number."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from reticent.attacks import property as properties
from reticent.attacks.attack import PropertyAttack
from reticent.data import Property, Records
from reticent.finding import Finding
from reticent.property_trial import infer_property
from reticent.question import Labels, Question, Scores
from reticent.shadows.batched import Training
from reticent.shadows.signals import Answers
from reticent.targets.torch import TorchRecipe
from reticent.worlds import PropertyScene, Worlds

SEEDS = 5
FACT = Property("member", "yes")


def people(seed: int, count: int = 1_500) -> Records:
    """Who has the property has label 1 where a is above 0, the others where b is; c hints at who has it."""
    rng = np.random.default_rng(seed)
    has = rng.random(count) < 0.5
    a, b = rng.normal(size=(2, count))
    label = np.where(has, a, b) > 0
    table = pd.DataFrame({"a": a, "b": b, "c": has + 0.3 * rng.normal(size=count)})
    return Records(
        table.assign(member=np.where(has, "yes", "no")), label.astype(np.int64), np.array(["no", "yes"])
    )


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 6), nn.Tanh(), nn.Linear(6, 2))


RECIPE = TorchRecipe(
    module=network, training=Training(epochs=10, batch_size=32, learning_rate=0.01, optimiser="adam")
)


def tried(attacks: tuple[PropertyAttack, ...], cache: Path, seeds: int = SEEDS) -> list[list[Finding]]:
    """Each attack's findings over several seeds."""
    found = []
    for seed in range(seeds):
        worlds = Worlds(shares=(0.2, 0.5), models=10, victims=8, size=200, probes=200, seed=seed)
        found.append(
            infer_property(RECIPE, people(seed), FACT, attacks, worlds=worlds, cache=cache, workers=1)
        )
    return [list(each) for each in zip(*found, strict=True)]


Try = Callable[..., list[list[Finding]]]


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    """Every attack's findings over several seeds, by its title."""
    torch.set_num_threads(1)
    attacks = (*(a for a in properties.DEFAULT if not a.poison), properties.Snap(poison_share=0.05))
    found = tried(attacks, tmp_path_factory.mktemp("planted"))
    return {a.title(): f for a, f in zip(attacks, found, strict=True)}


@pytest.fixture(scope="session")
def try_attacks() -> Try:
    """Runs attacks on worlds of the first seeds."""
    return tried


SceneOf = Callable[..., PropertyScene]


@pytest.fixture
def scene_of() -> SceneOf:
    return partial(_scene_of)


def _scene_of(
    own: np.ndarray,
    theirs: np.ndarray,
    world: np.ndarray,
    has: np.ndarray,
    *,
    labels: np.ndarray | None = None,
    question: Question | None = None,
    shares: tuple[float, ...] = (0.2, 0.8),
) -> PropertyScene:
    """A scene of answers (models, probes, channels): right or not, or log-probabilities."""
    labels = np.zeros(len(has), np.int64) if labels is None else labels
    question = question or (Labels() if own.shape[2] == 1 else Scores())
    probes = Records(np.zeros((len(has), 1)), labels, np.array([0, 1]))
    return PropertyScene(
        probes=probes,
        has=has,
        rare=1,
        shares=shares,
        world=world,
        answers={question: Answers(own[:, :, None], labels)},
        victims={question: Answers(theirs[:, :, None], labels)},
        seed=3,
    )
