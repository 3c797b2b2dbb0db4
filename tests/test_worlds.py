"""Worlds have the shares asked for and nothing else to tell them apart; mistakes get a sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from reticent.access import Metered
from reticent.data import Property, Records
from reticent.errors import DataError, PlanError
from reticent.fingerprint import fingerprint
from reticent.question import Scores
from reticent.shadows.plan import Draw
from reticent.targets.sklearn import SklearnRecipe
from reticent.worlds import ATTACKER, POISON, PROBE, VICTIM, Grounds, WorldDraw, Worlds

FACT = Property("sex", "f")
WORLDS = Worlds(shares=(0.2, 0.7), models=3, victims=2, size=101, probes=60)


def people(count: int = 1_200, seed: int = 0) -> Records:
    """A third women, of whom a quarter have label 1; half of the men do."""
    rng = np.random.default_rng(seed)
    women = rng.random(count) < 1 / 3
    label = (rng.random(count) < np.where(women, 0.25, 0.5)).astype(np.int64)
    table = pd.DataFrame(rng.normal(size=(count, 2)) + label[:, None], columns=["a", "b"])
    return Records(table.assign(sex=np.where(women, "f", "m")), label, np.array(["no", "yes"]))


def drawn(records: Records, worlds: Worlds = WORLDS, poison: float = 0) -> tuple[Grounds, np.ndarray]:
    stage = Grounds.of(records, FACT, worlds, poison)
    return stage, stage.draw.masks(len(stage.data))


@pytest.mark.parametrize("balance", ["overall", "within"])
def test_every_model_has_its_share_exactly(balance: str) -> None:
    stage, masks = drawn(people(), replace(WORLDS, balance=balance))
    np.testing.assert_array_equal(masks.sum(axis=1), 101)
    shares = np.array([round(0.2 * 101), round(0.7 * 101)])
    np.testing.assert_array_equal((masks & stage.draw.has).sum(axis=1), shares[stage.draw.world])


def test_balance_overall_gives_every_model_equally_many_of_each_label() -> None:
    records = people()
    stage, masks = drawn(records)
    ones = (masks & (stage.data.labels == 1)).sum(axis=1)
    assert len(set(ones.tolist())) == 1
    assert abs(ones[0] - 101 * records.labels.mean()) <= 1


def test_balance_within_holds_the_labels_of_each_side() -> None:
    records = people()
    stage, masks = drawn(records, replace(WORLDS, balance="within"))
    for side in (stage.draw.has, ~stage.draw.has):
        own = masks & side
        expected = own.sum(axis=1) * stage.data.labels[side].mean()
        assert np.abs((own & (stage.data.labels == 1)).sum(axis=1) - expected).max() <= 1


def test_probes_attacker_and_victims_share_no_record() -> None:
    stage, masks = drawn(people())
    part, victim = stage.draw.part, stage.draw.victim
    assert victim.sum() == 4 and (~victim).sum() == 6 and (part == PROBE).sum() == 60
    assert not masks[:, part == PROBE].any()
    assert not masks[victim][:, part == ATTACKER].any()
    assert not masks[~victim][:, part == VICTIM].any()


def test_models_see_no_column_of_the_property() -> None:
    assert list(drawn(people())[0].data.features.columns) == ["a", "b"]


def test_the_shuffle_moves_the_property_and_keeps_how_often_it_comes() -> None:
    has = FACT.of(people())
    shuffled = replace(WORLDS, shuffled=True).believed(has)
    assert shuffled.sum() == has.sum() and (shuffled != has).any()
    assert WORLDS.believed(has) is has


def test_poison_is_of_the_attacker_and_in_every_training_set_and_its_originals_in_none() -> None:
    records = people()
    stage, masks = drawn(records, poison=0.1)
    poison = stage.draw.part == POISON
    assert poison.sum() == round(101 * 0.1 / 0.9)
    assert masks[:, poison].all() and stage.draw.has[poison].all()
    assert stage.rare == 1 and (stage.data.labels[poison] == 1).all()
    np.testing.assert_array_equal(masks.sum(axis=1), 101 + poison.sum())
    rows = stage.data.features.round(12)
    assert not rows.duplicated().any()  # each original is gone
    assert len(stage.data) == len(records)


def test_the_same_seed_draws_the_same_and_another_seed_another() -> None:
    records = people()
    (first, masks), (_, again), (_, other) = (
        drawn(records, replace(WORLDS, seed=seed)) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(masks, again)
    assert (masks != other).any()
    assert first.draw.seeds() == drawn(records, replace(WORLDS, seed=4))[0].draw.seeds()


def test_every_ingredient_of_the_draw_changes_its_key() -> None:
    draw = drawn(people())[0].draw
    has, labels, part = draw.has.copy(), draw.labels.copy(), draw.part.copy()
    has[0], labels[0], part[0] = ~has[0], 1 - labels[0], VICTIM - part[0]
    others = [WorldDraw(replace(WORLDS, seed=1), draw.has, draw.labels, draw.part)]
    others += [
        WorldDraw(WORLDS, has, draw.labels, draw.part),
        WorldDraw(WORLDS, draw.has, labels, draw.part),
        WorldDraw(WORLDS, draw.has, draw.labels, part),
    ]
    assert len({fingerprint(d) for d in (draw, *others)}) == 5


def test_the_draw_is_one_that_the_engine_takes() -> None:
    draw: Draw = drawn(people())[0].draw
    assert len(draw.seeds()) == draw.trainings == 10


def test_the_scene_holds_probes_alone_and_is_kept(tmp_path: Path) -> None:
    stage, _ = drawn(people())
    recipe = SklearnRecipe(LogisticRegression())
    done: list[int] = []
    for _ in range(2):
        scene, worlds = stage.scene(recipe, [Scores()], cache=tmp_path, workers=1, advance=done.append)
    assert scene.answers[Scores()].values.shape == (6, 60, 1, 2)
    assert scene.victims[Scores()].values.shape == (4, 60, 1, 2)
    assert sorted(worlds.tolist()) == [0, 0, 1, 1]
    np.testing.assert_array_equal(scene.world, [0, 1, 0, 1, 0, 1])
    assert done[-1] == 10  # the second time all were kept
    np.testing.assert_allclose(scene.mixtures().sum(axis=1), 1)
    np.testing.assert_allclose(scene.mixtures() @ scene.has, [0.2, 0.7])


def test_a_scene_can_face_one_model_whose_share_nobody_knows(tmp_path: Path) -> None:
    stage, masks = drawn(people())
    recipe = SklearnRecipe(LogisticRegression())
    scene, _ = stage.scene(recipe, [Scores()], cache=tmp_path, workers=1)
    victim = int(np.flatnonzero(stage.draw.victim)[0])
    target = recipe.fit(stage.data.take(masks[victim]), stage.draw.seeds()[victim])
    faced = scene.facing(Metered(target)).victims[Scores()].values
    assert faced.shape == (1, 60, 1, 2)
    assert np.abs(scene.victims[Scores()].values - faced).max(axis=(1, 2, 3)).min() < 1e-6


def test_victims_come_in_no_order_and_with_the_truth_beside_them(tmp_path: Path) -> None:
    stage, masks = drawn(people(), replace(WORLDS, victims=20))
    recipe = SklearnRecipe(LogisticRegression())
    scene, worlds = stage.scene(recipe, [Scores()], cache=tmp_path, workers=1)
    assert 5 < (worlds[::2] == 0).sum() < 15
    for place in (0, 7, 31):
        model = np.random.default_rng([0, 5]).permutation(np.flatnonzero(stage.draw.victim))[place]
        target = recipe.fit(stage.data.take(masks[model]), stage.draw.seeds()[model])
        assert worlds[place] == stage.draw.world[model]
        faced = scene.facing(Metered(target)).victims[Scores()].values[0]
        np.testing.assert_allclose(faced, scene.victims[Scores()].values[place], atol=1e-6)


def test_who_has_no_value_lacks_the_property() -> None:
    sex = pd.array([True, False, None] * 400, dtype="boolean")
    np.testing.assert_array_equal(Property("sex", True).of(changed(people(), sex)), np.arange(1_200) % 3 == 0)


def changed(records: Records, sex: object) -> Records:
    return replace(records, features=records.features.assign(sex=sex))


def test_mistakes_get_a_sentence() -> None:
    records = people()
    with pytest.raises(DataError, match="have no column 'race'; name a column"):
        Grounds.of(records, Property("race", "x"), WORLDS)
    with pytest.raises(DataError, match="all of the records have sex = f"):
        Grounds.of(changed(records, "f"), FACT, WORLDS)
    with pytest.raises(DataError, match="none of the records have sex = x"):
        Grounds.of(records, Property("sex", "x"), WORLDS)
    with pytest.raises(DataError, match=r"a share of 0.5 in samples of 500 needs .* attacker's part holds"):
        drawn(records, replace(WORLDS, shares=(0.5, 0.9), size=500))
    with pytest.raises(DataError, match="records of poison are needed"):
        Grounds.of(records, FACT, replace(WORLDS, size=500), 0.4)
    with pytest.raises(DataError, match="5,000 probes were asked for"):
        Grounds.of(records, FACT, replace(WORLDS, probes=5_000))
    only = np.where(np.arange(len(records)) < 1, "f", "m")
    with pytest.raises(DataError, match="the probes all have the property or all lack it"):
        Grounds.of(changed(records, only), FACT, replace(WORLDS, probes=2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"shares": (0.5,)},
        {"shares": (0.8, 0.5)},
        {"shares": (0.0, 0.5)},
        {"models": 1},
        {"balance": "x"},
        {"size": 2},
        {"shares": (0.2, 0.201)},
    ],
)
def test_worlds_that_make_no_sense_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(PlanError):
        replace(WORLDS, **wrong)  # type: ignore[arg-type]
