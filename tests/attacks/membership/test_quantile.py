"""Quantile regression: what a record's margin would be unseen, learnt from known non-members alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reticent.access import Metered
from reticent.attacks.membership import Loss, Quantile
from reticent.attacks.membership.quantile import FOLDS
from reticent.data import Records
from reticent.errors import PlanError
from reticent.measure.roc import Roc
from reticent.question import Scores
from reticent.scene import Scene
from reticent.shadows.signals import Answers
from reticent.testing import leaking_world

HEADS = (Quantile(), Quantile(head="pinball"), Quantile(head="pinball", level=0.5))


def titles(attack: Quantile) -> str:
    return attack.name


def conditional(
    seed: int, *, gap: float = 1.0, known: int = 400, candidates: int = 200
) -> tuple[Scene, np.ndarray]:
    """Margins are 4 × the record's first feature + noise, and a gap where the target trained on it."""
    rng = np.random.default_rng(seed)
    records = known + candidates
    x, labels = rng.normal(size=(records, 2)), rng.integers(0, 2, records)
    population = rng.permutation(records) < known
    members = ~population & (rng.random(records) < 0.5)
    margins = 4 * x[:, 0] + rng.normal(size=records) + gap * members
    sides = np.where(labels == 0, 1, -1) * margins
    logs = -np.logaddexp(0, np.stack([-sides, sides], axis=1))
    answers = {Scores(): Answers(logs[None, :, None].astype(np.float32), labels)}
    target = Metered(leaking_world(0).target)
    return Scene(target, Records(x, labels, np.arange(2)), population, answers), members


def auc(scores: np.ndarray, scene: Scene, members: np.ndarray) -> float:
    return Roc.of(scores[~scene.known], members[~scene.known]).auc().value


@pytest.mark.parametrize("attack", HEADS, ids=titles)
def test_it_knows_which_records_are_easy_where_one_threshold_does_not(attack: Quantile) -> None:
    """Told the difficulty, the AUC would be Φ(2 / √2) = .92; one threshold has Φ(2 / √34) = .63."""
    worlds = [conditional(seed, gap=2.0) for seed in range(3)]
    ours = np.mean([auc(attack.guess(scene), scene, members) for scene, members in worlds])
    single = np.mean([auc(Loss().guess(scene), scene, members) for scene, members in worlds])
    assert single < 0.7
    assert 0.8 < ours < 0.95


@pytest.mark.parametrize("attack", HEADS, ids=titles)
def test_finds_nothing_where_there_is_nothing(attack: Quantile) -> None:
    worlds = [conditional(seed, gap=0.0, known=150, candidates=150) for seed in range(20)]
    areas = [auc(attack.guess(scene), scene, members) for scene, members in worlds]
    assert abs(np.mean(areas) - 0.5) < 3 * np.std(areas, ddof=1) / np.sqrt(20)


@pytest.mark.parametrize("attack", HEADS, ids=titles)
def test_nothing_is_learnt_from_the_candidates(attack: Quantile) -> None:
    """A candidate's answer changes its own score and no other."""
    scene, _ = conditional(0, known=100, candidates=40)
    usual = attack.guess(scene)
    answers = scene.target_answers()
    values = answers.values.copy()
    first, *rest = scene.candidates
    values[0, rest] = np.log(0.5)
    altered = replace(scene, answers={Scores(): Answers(values, answers.labels)})
    found = attack.guess(altered)
    untouched = np.append(np.flatnonzero(scene.known), first)
    np.testing.assert_array_equal(found[untouched], usual[untouched])
    assert not np.array_equal(found[rest], usual[rest])


def test_the_pinball_score_is_above_nought_for_as_many_unseen_as_the_level_says() -> None:
    for level in (0.5, 0.9):
        shares = []
        for seed in range(4):
            scene, members = conditional(seed, gap=5.0, known=2000, candidates=1000)
            scores = Quantile(head="pinball", level=level).guess(scene)
            shares.append((scores[~scene.known & ~members] <= 0).mean())
        assert np.mean(shares) == pytest.approx(level, abs=0.03)


def test_the_gaussian_score_is_a_standard_deviate_for_the_unseen() -> None:
    """Its spread is that of residuals which no regression was flattered by: about one, whatever the noise."""
    for noise in (1.0, 10.0):
        scene, members = conditional(0, gap=0.0, known=2000, candidates=1000)
        answers = scene.target_answers()
        margins = answers.margin()[0, :, 0].astype(np.float64) * noise
        sides = np.where(answers.labels == 0, 1, -1) * margins
        logs = -np.logaddexp(0, np.stack([-sides, sides], axis=1))
        scaled = replace(scene, answers={Scores(): Answers(logs[None, :, None], answers.labels)})
        scores = Quantile().guess(scaled)[~scene.known]
        assert abs(np.median(scores)) < 0.15
        # exp of the mean log |residual| of a normal one is exp(−(γ + log 2) / 2) = 0.53 of its spread
        assert np.quantile(np.abs(scores), 0.68) == pytest.approx(1 / 0.53, rel=0.15)
        assert not members.all()


@pytest.mark.parametrize("known", [2, FOLDS - 1, FOLDS, 12])
@pytest.mark.parametrize("head", ["gaussian", "pinball"])
def test_a_handful_of_known_non_members_gives_finite_scores(known: int, head: str) -> None:
    scene, _ = conditional(0, known=known, candidates=20)
    assert np.isfinite(Quantile(head=head).guess(scene)).all()  # type: ignore[arg-type]


def test_more_classes_use_the_best_of_the_others() -> None:
    """A shift of what the model says of the third-best class changes no score."""
    world = leaking_world(0)
    scene = world.scene(Quantile())
    answers = scene.target_answers()
    values = answers.values.copy()
    others = values[0, :, 0].copy()
    others[np.arange(len(others)), answers.labels] = np.inf
    values[0, np.arange(len(others)), 0, others.argmin(axis=1)] -= 5
    lower = replace(scene, answers={Scores(): Answers(values, answers.labels)})
    np.testing.assert_array_equal(Quantile().guess(scene), Quantile().guess(lower))


@pytest.mark.parametrize("level", [0, 1, -0.5, 1.5, float("nan")])
def test_a_level_that_is_no_share_is_refused(level: float) -> None:
    with pytest.raises(PlanError, match="level = "):
        Quantile(level=level)


def test_an_unknown_head_is_refused() -> None:
    with pytest.raises(PlanError, match="head = 'cnn' was given; choose one of 'gaussian', 'pinball'"):
        Quantile(head="cnn")  # type: ignore[arg-type]


@pytest.mark.parametrize("attack", HEADS[:2], ids=titles)
def test_without_known_non_members_it_says_so(attack: Quantile) -> None:
    scene, _ = conditional(0, known=10, candidates=20)
    with pytest.raises(PlanError, match="known non-members"):
        attack.guess(replace(scene, known=np.zeros(30, dtype=bool)))
