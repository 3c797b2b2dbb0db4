"""Held-out shadow models: the better way is found, and nothing is learnt from how many models are left."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from reticent.attacks.held_out import best_way
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals


def drawn(seed: int, models: int = 6, records: int = 400, gap: float = 1.0) -> Signals:
    rng = np.random.default_rng(seed)
    members = Plan(models=models, seed=seed).masks(records)
    own = -np.exp(rng.normal(size=members.shape) - gap * members)
    values = np.stack([own, np.log1p(-np.exp(own))], axis=-1)[:, :, None].astype(np.float32)
    return Signals(values, np.zeros(records, dtype=np.int64), members)


def confidence(target: Answers) -> np.ndarray:
    return target.log_confidence()[0, :, 0].astype(np.float64)


def test_the_way_that_parts_members_best_is_chosen() -> None:
    def ways(target: Answers, others: Signals) -> Iterator[np.ndarray]:
        yield -confidence(target)
        yield np.zeros(target.records)
        yield confidence(target)

    assert best_way(drawn(0), ways) == 2


def test_counts_of_models_left_tell_nothing() -> None:
    """Each record is in exactly half: with one model left out, the counts would give its members away."""

    def ways(target: Answers, others: Signals) -> Iterator[np.ndarray]:
        yield confidence(target)
        yield -others.members.sum(axis=0).astype(np.float64)

    assert best_way(drawn(0, gap=0.3), ways) == 0


def test_the_target_is_not_among_its_shadows() -> None:
    seen: list[int] = []

    def ways(target: Answers, others: Signals) -> Iterator[np.ndarray]:
        assert not any(np.array_equal(target.values[0], other) for other in others.values)
        seen.append(others.models)
        yield confidence(target)

    best_way(drawn(0), ways)
    assert seen == [4] * 4


def test_with_too_few_models_the_first_way_is_taken() -> None:
    def ways(target: Answers, others: Signals) -> Iterator[np.ndarray]:
        raise AssertionError("there is nothing to try")
        yield confidence(target)

    assert best_way(drawn(0, models=2), ways) == 0
    nobody = drawn(0)
    assert best_way(Signals(nobody.values, nobody.labels, np.zeros_like(nobody.members)), ways) == 0


def test_equals_go_to_the_first() -> None:
    assert best_way(drawn(0), lambda target, others: [confidence(target)] * 3) == 0
