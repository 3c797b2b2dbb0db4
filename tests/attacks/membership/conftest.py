"""Worlds in which it is known how much models give away, for attacks that compare models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from reticent.measure.roc import Roc
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals


@dataclass(frozen=True, eq=False)
class World:
    """A target, its shadow models, and the truth about the target."""

    target: Answers
    shadows: Signals
    truth: np.ndarray

    @property
    def nobody(self) -> np.ndarray:
        """No record is known to be a non-member."""
        return np.zeros(len(self.truth), dtype=bool)

    def auc(self, scores: np.ndarray) -> float:
        return Roc.of(scores, self.truth).auc().value


def answers(margins: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(models, records, variants, 2) log-probabilities of two classes that have these margins."""
    own, other = -np.logaddexp(0, -margins), -np.logaddexp(0, margins)
    first = (labels == 0)[:, None]
    return np.stack([np.where(first, own, other), np.where(first, other, own)], axis=-1).astype(np.float32)


def gaussian(
    seed: int,
    *,
    gap: float = 1.0,
    records: int = 1000,
    models: int = 64,
    target_gap: float | None = None,
    difficulty: float = 2.0,
    variance_spread: float = 0.0,
    variants: int = 1,
    masks: np.ndarray | None = None,
    offset: np.ndarray | float = 0.0,
) -> World:
    """Margins are normal: mean the record's difficulty, plus `gap` where the model trained on it.

    Args:
        target_gap: the target's own gap where it differs: 0 for a target that trained on none of them.
        variance_spread: of the log standard deviation over records; 0 where it is 1 for all.
        masks: who trained on what; None for each record in exactly half of the models.
        offset: what is added to all margins, (records, 1) or a number.
    """
    rng = np.random.default_rng(seed)
    members = Plan(models=models, seed=seed).masks(records) if masks is None else masks
    truth, labels = rng.random(records) < 0.5, rng.integers(0, 2, records)
    centre = difficulty * rng.normal(size=(records, 1)) + offset
    spread = np.exp(variance_spread * rng.normal(size=(records, 1)))
    noise = rng.normal(size=(len(members) + 1, records, variants)) * spread
    own = noise[0] + centre + (gap if target_gap is None else target_gap) * truth[:, None]
    theirs = noise[1:] + centre + gap * members[..., None]
    return World(
        Answers(answers(own[None], labels), labels), Signals(answers(theirs, labels), labels, members), truth
    )


def many_classes(
    seed: int, *, records: int = 60, models: int = 8, classes: int = 5, variants: int = 2
) -> World:
    """A small world of several classes and variants, membership drawn freely, for slow references."""
    rng = np.random.default_rng(seed)
    labels, members = rng.integers(0, classes, records), rng.random((models + 1, records)) < 0.5
    members[1, :], members[2, :] = True, False  # no record lacks a side
    logits = 2 * rng.normal(size=(models + 1, records, variants, classes))
    logits[:, np.arange(records), :, labels] += 2 * members.T[..., None]
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    values = logs.astype(np.float32)
    return World(Answers(values[:1], labels), Signals(values[1:], labels, members[1:]), members[0])


@pytest.fixture
def world() -> Callable[..., World]:
    return gaussian


@pytest.fixture
def small_world() -> World:
    return many_classes(0)


@pytest.fixture
def mean_auc() -> Callable[..., tuple[float, float]]:
    """Mean over worlds of an attack's AUC, and its standard error."""

    def measured(attack: Any, seeds: range, **options: Any) -> tuple[float, float]:
        areas = []
        for seed in seeds:
            found = gaussian(seed, **options)
            areas.append(found.auc(attack.score(found.target, found.shadows, found.nobody)))
        return float(np.mean(areas)), float(np.std(areas, ddof=1) / np.sqrt(len(areas)))

    return measured
