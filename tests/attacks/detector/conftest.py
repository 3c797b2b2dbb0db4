"""Scenes of detectors made by hand: what leaks is known."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.detections import Detections, DetectorScene, Shadow

BOXES = [np.array([[2.0, 2, 12, 12], [20, 20, 40, 44]]), np.array([[5.0, 30, 25, 45]])]


def answers(rng, members, truth):
    """Members' boxes are drawn surely and in place, others' less so and besides."""
    found = []
    for member, boxes in zip(members, truth, strict=True):
        spread = 0.5 if member else 3.0
        drawn = np.clip(boxes + rng.normal(0, spread, boxes.shape), 0, 48)
        stray = rng.uniform(0, 30, (1 if member else 4, 2))
        drawn = np.concatenate([drawn, np.concatenate([stray, stray + 9], axis=1)])
        scores = np.concatenate(
            [rng.uniform(0.9, 0.99, len(boxes)) - 0.3 * (not member), rng.uniform(0.02, 0.2, len(stray))]
        )
        drawn[:, 2:] = np.maximum(drawn[:, 2:], drawn[:, :2])
        found.append(Detections(drawn, scores, np.ones(len(drawn), np.int64)))
    return tuple(found)


def world(seed, count=60, *, leaks=True):
    """A scene, and who is a member; in a world that leaks nothing all are answered as strangers are."""
    rng = np.random.default_rng(seed)
    truth = tuple(BOXES[i] for i in rng.integers(0, 2, count))
    members = rng.permutation(np.arange(count) < count // 2)
    shadows = []
    for _ in range(2):
        own = rng.permutation(np.arange(count) < count // 2)
        shadows.append(Shadow(answers(rng, own & leaks, truth), own))
    sizes = np.full((count, 2), 48)
    scene = DetectorScene(
        sizes=sizes,
        boxes=truth,
        answers=answers(rng, members & leaks, truth),
        own_sizes=sizes,
        own_boxes=truth,
        shadows=tuple(shadows),
        seed=seed,
    )
    return scene, members


@pytest.fixture(scope="session")
def made():
    return world
