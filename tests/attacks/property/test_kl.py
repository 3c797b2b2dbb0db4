"""Divergences and votes agree with loops."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reticent.attacks.property import KullbackLeibler
from reticent.attacks.property.kl import divergences
from reticent.worlds import PropertyScene


def log_scores(models: int, records: int, seed: int) -> np.ndarray:
    raw = np.random.default_rng(seed).normal(size=(models, records, 3))
    return raw - np.log(np.exp(raw).sum(axis=2, keepdims=True))


def slow(ours: np.ndarray, theirs: np.ndarray, weights: np.ndarray) -> float:
    return sum(
        w * sum(np.exp(p) * (p - q) for p, q in zip(a, b, strict=True))
        for a, b, w in zip(ours, theirs, weights, strict=True)
    )


def test_divergences_agree_with_a_loop() -> None:
    ours, theirs, weights = log_scores(3, 4, 0), log_scores(2, 4, 1), np.array([0.1, 0.2, 0.3, 0.4])
    expected = [[slow(a, b, weights) for b in theirs] for a in ours]
    np.testing.assert_allclose(divergences(ours, theirs, weights), expected)
    assert np.abs(np.diag(divergences(ours, ours, weights))).max() < 1e-12


def test_votes_agree_with_a_loop(scene_of: Callable[..., PropertyScene]) -> None:
    own, theirs = log_scores(5, 6, 2).astype(np.float32), log_scores(4, 6, 3).astype(np.float32)
    world, has = np.array([0, 1, 0, 1, 1]), np.array([True, False] * 3)
    expected = []
    for victim in theirs:
        votes = []
        for share in (0.2, 0.8):
            weights = np.where(has, share / 3, (1 - share) / 3)
            for first in own[world == 0]:
                for second in own[world == 1]:
                    votes.append(slow(first, victim, weights) > slow(second, victim, weights))
        expected.append(np.mean(votes) - 0.5)
    np.testing.assert_allclose(KullbackLeibler().guess(scene_of(own, theirs, world, has)), expected)
