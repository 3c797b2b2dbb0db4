"""LiRA: the formulas, the optimum on normal worlds, and where it can err."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

from reticent.attacks.membership.lira import Lira
from reticent.errors import PlanError
from reticent.shadows.signals import Answers, Signals


def ahead(log_scores: Any, labels: Any) -> np.ndarray:
    """log p_y less the largest other, record by record."""
    answers = np.asarray(log_scores, dtype=np.float64)
    found = np.empty(answers.shape[:-1])
    for place in np.ndindex(found.shape):
        y, own = labels[place[-2]], answers[place]
        found[place] = own[y] - max(own[j] for j in range(len(own)) if j != y)
    return found


def slow(world: Any, *, mode: str, own: bool, location: str = "mean", statistic: str = "logit") -> np.ndarray:
    """Record by record, straight from the paper."""
    if statistic == "hinge":
        x, target = (ahead(s.values, s.labels) for s in (world.shadows, world.target))
        target = target[0]
    else:
        x, target = world.shadows.margin().astype(np.float64), world.target.margin()[0].astype(np.float64)
    members, (records, variants) = world.shadows.members, target.shape
    scores = np.zeros(records)
    for v in range(variants):
        sides = [[x[members[:, r] == side, r, v] for r in range(records)] for side in (False, True)]
        pooled = [
            sum(((s - s.mean()) ** 2).sum() for s in side) / sum(len(s) - 1 for s in side) for side in sides
        ]
        for r in range(records):
            law = []
            for side, all_records in zip(sides, pooled, strict=True):
                s = side[r]
                each = max(s.var(ddof=1), 0.01 * all_records) if len(s) > 1 else all_records
                centre = s.mean() if location == "mean" else np.median(s)
                law.append(norm(centre, np.sqrt(each if own else all_records)))
            outside, inside = law
            if mode == "online":
                scores[r] += inside.logpdf(target[r, v]) - outside.logpdf(target[r, v])
            else:
                scores[r] += -outside.logsf(target[r, v])
    return scores / variants


@pytest.mark.parametrize("mode", ["online", "offline"])
@pytest.mark.parametrize("variance", ["per-record", "global"])
@pytest.mark.parametrize(
    ("location", "statistic"), [("mean", "logit"), ("median", "logit"), ("mean", "hinge")]
)
def test_agrees_with_a_plain_loop(
    mode: Any, variance: Any, location: Any, statistic: Any, small_world: Any
) -> None:
    attack = Lira(mode=mode, variance=variance, location=location, statistic=statistic)
    found = attack.score(small_world.target, small_world.shadows, small_world.nobody)
    expected = slow(
        small_world, mode=mode, own=variance == "per-record", location=location, statistic=statistic
    )
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("mode", ["online", "offline"])
def test_reaches_the_optimum_between_normal_laws(
    mode: Any, mean_auc: Callable[..., tuple[float, float]]
) -> None:
    """N(μ, 1) against N(μ + d, 1) with μ known: no test has an AUC above Φ(d/√2)."""
    attack = Lira(mode=mode, variance="global")
    mean, error = mean_auc(attack, range(6), gap=1.0, models=128, records=2000)
    optimum = norm.cdf(1 / np.sqrt(2))
    assert optimum - 0.015 < mean < optimum + 3.5 * error


def test_a_margin_in_the_usual_direction_alone_counts_offline(world: Callable[..., Any]) -> None:
    """A two-sided test would take low margins for high ones."""
    found = world(0, gap=3.0, records=2000, models=32)
    scores = Lira(mode="offline", variance="global").score(found.target, found.shadows, found.nobody)
    margins = found.target.margin()[0, :, 0] - np.array(
        [found.shadows.margin()[~m, r, 0].mean() for r, m in enumerate(found.shadows.members.T)]
    )
    assert (np.diff(scores[np.argsort(margins)]) > -1e-5).all()


def test_residuals_not_margins_are_pooled(world: Callable[..., Any]) -> None:
    """Records of very different difficulty must not widen the common variance."""
    found = world(0, gap=2.0, difficulty=5.0, records=2000, models=32)
    scores = Lira(variance="global").score(found.target, found.shadows, found.nobody)
    assert found.auc(scores) > norm.cdf(2 / np.sqrt(2)) - 0.02


def test_far_tails_are_still_in_order(world: Callable[..., Any]) -> None:
    shadows = world(0, records=6, models=8, difficulty=0.0, gap=0.0).shadows
    margins = np.array([0.0, 10, 20, 40, 60, 80])
    values = np.stack([np.zeros(6), -margins], axis=-1)[None, :, None]
    same = shadows.part(np.zeros(6, dtype=np.int64))
    labels = np.zeros(6, dtype=np.int64)
    scores = Lira(mode="offline").score(
        Answers(values, labels), Signals(same.values, labels, same.members), np.zeros(6, dtype=bool)
    )
    assert (np.diff(scores) > 0).all() and np.isfinite(scores).all()


def test_a_variance_each_beats_one_for_all_with_many_models_and_loses_with_few(
    mean_auc: Callable[..., tuple[float, float]],
) -> None:
    def gain(models: int) -> float:
        aucs = [
            mean_auc(Lira(variance=v), range(5), models=models, gap=1.0, variance_spread=s, records=1500)[0]
            for v, s in (("per-record", 0.7), ("global", 0.7))
        ]
        return aucs[0] - aucs[1]

    assert gain(64) > 0.01
    assert gain(4) < -0.01


def test_auto_follows_carlini_from_64_models_and_held_out_models_below(world: Callable[..., Any]) -> None:
    def same(models: int, variance: Any, spread: float) -> bool:
        found = world(0, models=models, gap=1.0, variance_spread=spread, records=2000)
        scores = [
            Lira(variance=v).score(found.target, found.shadows, found.nobody) for v in ("auto", variance)
        ]
        return np.array_equal(*scores)

    assert same(64, "per-record", 0.0)
    assert same(32, "per-record", 1.0)
    assert same(8, "global", 0.0)
    assert same(2, "global", 1.0)


def test_variants_are_averaged(world: Callable[..., Any]) -> None:
    found = world(0, variants=3, records=100, models=8)
    one = [
        Lira(variance="per-record").score(
            Answers(found.target.values[:, :, [v]], found.target.labels),
            Signals(found.shadows.values[:, :, [v]], found.shadows.labels, found.shadows.members),
            found.nobody,
        )
        for v in range(3)
    ]
    whole = Lira(variance="per-record").score(found.target, found.shadows, found.nobody)
    np.testing.assert_allclose(whole, np.mean(one, axis=0), rtol=1e-4, atol=1e-5)


def test_every_option_changes_something(small_world: Any) -> None:
    tried = [
        Lira(),
        Lira(mode="offline"),
        Lira(variance="per-record" if small_world.shadows.models < 64 else "global"),
        Lira(location="median"),
    ]
    chosen = [a.score(small_world.target, small_world.shadows, small_world.nobody) for a in tried]
    assert not np.allclose(chosen[0], chosen[1])
    assert not np.allclose(chosen[0], chosen[3])
    other = Lira(variance="global").score(small_world.target, small_world.shadows, small_world.nobody)
    assert not np.allclose(chosen[2], other)


@pytest.mark.parametrize("option", ["mode", "variance", "location", "statistic"])
def test_an_unknown_choice_is_told(option: str) -> None:
    with pytest.raises(PlanError, match=f"{option} = 'other' was given; choose one of"):
        Lira(**{option: "other"})  # type: ignore[arg-type]
