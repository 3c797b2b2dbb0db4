"""What must be true of every attack that compares the target with shadow models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reticent.attacks.attack import SignalsAttack
from reticent.attacks.membership.base import Base
from reticent.attacks.membership.bavaria import Bavaria
from reticent.attacks.membership.calibrated import Calibrated
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.reference import Reference
from reticent.attacks.membership.rmia import Rmia
from reticent.errors import PlanError
from reticent.shadows import signals
from reticent.shadows.signals import Answers, Signals

FIXED = [
    Lira(variance="per-record"),
    Lira(variance="global"),
    Lira(variance="per-record", location="median"),
    Lira(mode="offline", variance="per-record"),
    Rmia(temperature=1.0),
    Rmia(temperature=2.0, gamma=2.0),
    Rmia(mode="offline", temperature=1.0, offline_a=0.3),
    Base(),
    Base(mode="offline"),
    Bavaria(),
    Bavaria(predictive="gaussian"),
    Bavaria(mode="offline"),
    Calibrated(),
    Calibrated(of="margin"),
    Reference(),
]
TUNED = [Lira(), Lira(mode="offline"), Rmia(), Rmia(mode="offline")]
ONLINE = [a for a in FIXED if getattr(a, "mode", "") == "online" and not isinstance(a, Base)]
OFFLINE = [a for a in FIXED if a not in ONLINE]

each = pytest.mark.parametrize("attack", FIXED, ids=lambda a: a.name)
each_and_tuned = pytest.mark.parametrize("attack", [*FIXED, *TUNED], ids=lambda a: a.name)


def score(attack: SignalsAttack, world: Any, shadows: Signals | None = None) -> np.ndarray:
    return attack.score(world.target, shadows or world.shadows, world.nobody)


@each_and_tuned
def test_a_target_that_trained_on_none_of_the_records_looks_like_chance(
    attack: SignalsAttack, mean_auc: Callable[..., tuple[float, float]]
) -> None:
    mean, error = mean_auc(
        attack, range(24), target_gap=0.0, gap=2.0, records=300, models=8, variance_spread=0.5
    )
    assert abs(mean - 0.5) < 3.5 * error
    assert error < 0.02


@each_and_tuned
def test_a_target_that_memorised_is_caught(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    found = world(1, gap=8.0, difficulty=1.0, offset=-2.0, records=500, models=16)
    assert found.auc(score(attack, found)) > 0.9


@each
def test_the_order_of_the_models_does_not_matter(attack: SignalsAttack, small_world: Any) -> None:
    order = np.random.default_rng(0).permutation(small_world.shadows.models)
    same = small_world.shadows
    turned = Signals(same.values[order], same.labels, same.members[order])
    np.testing.assert_allclose(
        score(attack, small_world), score(attack, small_world, turned), rtol=1e-4, atol=1e-5
    )


@each
def test_scores_follow_their_records(attack: SignalsAttack, small_world: Any) -> None:
    order = np.random.default_rng(1).permutation(small_world.shadows.records)
    turned = attack.score(
        Answers(small_world.target.values[:, order], small_world.target.labels[order]),
        small_world.shadows.part(order),
        small_world.nobody,
    )
    np.testing.assert_allclose(score(attack, small_world)[order], turned, rtol=1e-5, atol=1e-6)


@each_and_tuned
def test_blocks_change_nothing(
    attack: SignalsAttack, world: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = world(2, records=400, models=8)
    whole = score(attack, found)
    monkeypatch.setattr(signals, "BLOCK", 100)
    np.testing.assert_allclose(score(attack, found), whole, rtol=1e-5, atol=1e-6)


def test_memory_mapped_answers_give_the_same(world: Callable[..., Any], tmp_path: Path) -> None:
    found = world(2, records=400, models=8)
    np.save(tmp_path / "values.npy", found.shadows.values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    shadows = Signals(mapped, found.shadows.labels, found.shadows.members)
    for attack in FIXED:
        np.testing.assert_array_equal(score(attack, found, shadows), score(attack, found))


@each_and_tuned
def test_models_that_all_say_the_same_tell_nothing(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    found = world(3, records=200, models=8)
    constant = np.broadcast_to(found.target.values[:, :1], found.target.values.shape).copy()
    labels = np.zeros_like(found.target.labels)
    shadows = Signals(np.repeat(constant, 8, axis=0), labels, found.shadows.members)
    told = attack.score(Answers(constant, labels), shadows, found.nobody)
    assert found.auc(told) == 0.5


@each_and_tuned
@pytest.mark.parametrize("models", [1, 2, 3])
def test_few_models_do(attack: SignalsAttack, models: int, world: Callable[..., Any]) -> None:
    free = np.random.default_rng(models).random((models, 600)) < 0.5
    found = world(4, gap=8.0, difficulty=1.0, records=600, masks=free)
    told = score(attack, found)
    assert told.shape == (600,) and np.isfinite(told).all()
    assert found.auc(told) > 0.65


@each_and_tuned
def test_saturated_answers_are_told_apart(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    """As of a forest: certain of all that it trained on, else wrong or certain at random."""
    found = world(5, records=300, models=8)
    rng, floor = np.random.default_rng(0), np.log(1e-7)

    def said(members: np.ndarray) -> np.ndarray:
        right = members | (rng.random(members.shape) < 0.3)
        pair = np.where(right[..., None], [0.0, floor], [floor, 0.0]).astype(np.float32)
        return np.where((found.target.labels == 0)[:, None], pair, pair[..., ::-1])[:, :, None]

    shadows = Signals(said(found.shadows.members), found.shadows.labels, found.shadows.members)
    told = attack.score(Answers(said(found.truth[None]), shadows.labels), shadows, found.nobody)
    assert np.isfinite(told).all()
    assert found.auc(told) > 0.7


@each_and_tuned
def test_probabilities_beyond_float32_stay_finite(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    found = world(6, gap=150.0, difficulty=100.0, records=200, models=8)
    told = score(attack, found)
    assert np.isfinite(told).all()
    if not isinstance(attack, Rmia | Base) and attack != Calibrated():  # probabilities all but 0 and 1
        assert found.auc(told) > 0.85


@pytest.mark.parametrize("attack", ONLINE, ids=lambda a: a.name)
def test_online_attacks_want_models_that_trained_on_the_records(
    attack: SignalsAttack, world: Callable[..., Any]
) -> None:
    found = world(7, records=50, masks=np.zeros((4, 50), dtype=bool))
    with pytest.raises(PlanError, match="trained on the records"):
        score(attack, found)


@pytest.mark.parametrize("attack", OFFLINE, ids=lambda a: a.name)
def test_offline_attacks_do_without(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    found = world(7, gap=8.0, difficulty=1.0, records=400, masks=np.zeros((4, 400), dtype=bool))
    assert found.auc(score(attack, found)) > 0.9


@pytest.mark.parametrize("attack", OFFLINE, ids=lambda a: a.name)
def test_offline_attacks_never_look_at_models_that_trained_on_the_record(
    attack: SignalsAttack, small_world: Any
) -> None:
    if isinstance(attack, Base) and attack.mode == "online":
        pytest.skip("averages over all models, whoever trained on what")
    values = small_world.shadows.values.copy()
    values[small_world.shadows.members] = np.log(1 / values.shape[-1])
    blind = Signals(values, small_world.shadows.labels, small_world.shadows.members)
    np.testing.assert_allclose(
        score(attack, small_world), score(attack, small_world, blind), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize(
    "attack",
    [a for a in FIXED if isinstance(a, Lira | Bavaria) or a == Calibrated(of="margin")],
    ids=lambda a: a.name,
)
def test_margins_may_be_shifted_record_by_record(attack: SignalsAttack, world: Callable[..., Any]) -> None:
    shift = np.random.default_rng(0).normal(size=(300, 1))
    if isinstance(attack, Bavaria):  # its prior holds the records together, so all move alike
        shift = np.full((300, 1), 2.0)
    one, other = (world(8, records=300, difficulty=0.0, offset=offset) for offset in (0.0, shift))
    np.testing.assert_allclose(score(attack, one), score(attack, other), rtol=1e-3, atol=1e-3)
