from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri

from reticent.measure.estimate import Estimate, Withheld
from reticent.measure.roc import DEFAULT_FPRS, Roc

Sampler = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class World:
    """Two laws of scores, and the true figures of the attack between them."""

    name: str
    member: Sampler
    nonmember: Sampler
    auc: float
    advantage: float
    tpr_at: Callable[[float], float]

    def roc(self, rng: np.random.Generator, members: int, nonmembers: int) -> Roc:
        scores = np.concatenate([self.member(rng, members), self.nonmember(rng, nonmembers)])
        return Roc.of(scores, np.arange(scores.size) < members)


def gaussian(shift: float) -> World:
    return World(
        f"shift {shift}",
        lambda rng, n: shift + rng.normal(size=n),
        lambda rng, n: rng.normal(size=n),
        float(ndtr(shift / np.sqrt(2))),
        float(2 * ndtr(shift / 2) - 1),
        lambda fpr: float(ndtr(ndtri(fpr) + shift)),
    )


def few_exposed(share: float) -> World:
    """A share of the members stands above everyone; the rest look like non-members."""
    return World(
        f"{share} exposed",
        lambda rng, n: rng.random(n) + 2 * (rng.random(n) < share),
        lambda rng, n: rng.random(n),
        0.5 + share / 2,
        share,
        lambda fpr: share + (1 - share) * fpr,
    )


def few_hidden(share: float) -> World:
    """A share of the members stands below everyone, the rest above: no law makes the area vary more."""
    return World(
        f"{share} hidden",
        lambda rng, n: rng.random(n) + np.where(rng.random(n) < share, -2, 2),
        lambda rng, n: rng.random(n),
        1 - share,
        1 - share,
        lambda fpr: 1 - share,
    )


def levels(tilt: float, count: int = 20) -> World:
    """Scores on ``count`` levels only: most records are tied."""
    outside = np.full(count, 1 / count)
    inside = outside * np.exp(tilt * np.arange(count) / count)
    inside /= inside.sum()
    above_in, above_out = np.cumsum(inside[::-1]), np.cumsum(outside[::-1])
    below = np.cumsum(outside) - outside / 2
    return World(
        f"levels {tilt}",
        lambda rng, n: rng.choice(count, p=inside, size=n).astype(float),
        lambda rng, n: rng.choice(count, p=outside, size=n).astype(float),
        float(inside @ below),
        float(max(0.0, (above_in - above_out).max())),
        lambda fpr: float(np.append(0, above_in)[np.searchsorted(above_out, fpr + 1e-12)]),
    )


NULL = gaussian(0.0)
WORLDS = [NULL, gaussian(0.7416), gaussian(2.326), few_exposed(0.05), few_exposed(0.5)]
WORLDS += [levels(0.0), levels(2.0), few_hidden(0.07), few_hidden(0.15)]
by_name = pytest.mark.parametrize("world", WORLDS, ids=lambda w: w.name)


def slow_auc(scores: np.ndarray, members: np.ndarray) -> float:
    pairs = [(a, b) for a in scores[members] for b in scores[~members]]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


tied_scores = st.lists(
    st.tuples(st.integers(0, 6) | st.sampled_from([-np.inf, np.inf]), st.booleans()), min_size=2, max_size=40
).filter(lambda rows: 0 < sum(m for _, m in rows) < len(rows))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(tied_scores)
def test_the_curve_agrees_with_counting_at_every_threshold(rows: list[tuple[float, bool]]) -> None:
    scores, members = np.array([float(s) for s, _ in rows]), np.array([m for _, m in rows])
    roc = Roc.of(scores, members)
    assert roc.thresholds[1:].tolist() == sorted(set(scores.tolist()), reverse=True)
    assert (roc.fpr[0], roc.tpr[0], roc.thresholds[0]) == (0, 0, np.inf)
    for fpr, tpr, t in zip(roc.fpr[1:], roc.tpr[1:], roc.thresholds[1:], strict=True):
        assert tpr == pytest.approx(np.mean(scores[members] >= t))
        assert fpr == pytest.approx(np.mean(scores[~members] >= t))
    assert roc.auc().value == pytest.approx(slow_auc(scores, members))
    for fpr in (0.0, 0.2, 0.5, 0.9):
        seen = [np.mean(scores[members] >= t) for t in scores if np.mean(scores[~members] >= t) <= fpr]
        figure = roc.tpr_at(fpr)
        if isinstance(figure, Estimate):
            assert figure.value == pytest.approx(max(seen, default=0))
            assert figure.low <= figure.value <= figure.high
    advantage, accuracy = roc.advantage(), roc.balanced_accuracy()
    if isinstance(advantage, Estimate):
        assert isinstance(accuracy, Estimate)
        assert accuracy.value == pytest.approx(max((roc.tpr + 1 - roc.fpr) / 2))
        assert accuracy.low == (1 + advantage.low) / 2


@settings(derandomize=True, max_examples=60, deadline=None)
@given(tied_scores)
def test_only_the_order_counts(rows: list[tuple[float, bool]]) -> None:
    scores, members = np.array([float(s) for s, _ in rows]), np.array([m for _, m in rows])
    roc, stretched = Roc.of(scores, members), Roc.of(np.arctan(scores) * 7 - 3, members)
    shuffled = np.random.default_rng(0).permutation(scores.size)
    listed_otherwise = Roc.of(scores[shuffled], members[shuffled])
    for other in (stretched, listed_otherwise):
        assert np.array_equal(roc.fpr, other.fpr)
        assert np.array_equal(roc.tpr, other.tpr)
        assert roc.auc() == other.auc()
    assert Roc.of(-scores, members).auc().value == pytest.approx(1 - roc.auc().value)


def test_delong_variance_agrees_with_its_definition() -> None:
    """At large samples the interval is the plain DeLong one, computed here pair by pair."""
    rng = np.random.default_rng(0)
    inside, outside = rng.integers(0, 9, 300) + 2.0, rng.integers(0, 9, 500) + 0.0
    wins = (inside[:, None] > outside) + 0.5 * (inside[:, None] == outside)
    variance = wins.mean(axis=1).var(ddof=1) / 300 + wins.mean(axis=0).var(ddof=1) / 500
    auc = Roc.of(np.append(inside, outside), np.arange(800) < 300).auc()
    assert auc.value == pytest.approx(wins.mean())
    assert auc.high - auc.low == pytest.approx(2 * 1.96 * np.sqrt(variance), rel=0.08)


def test_ties_are_one_step_and_not_counted_once() -> None:
    """The planted fault of a peer: only the first of tied scores counted."""
    roc = levels(2.0).roc(np.random.default_rng(0), 4000, 4000)
    assert roc.fpr.size == 21
    assert roc.auc().low < levels(2.0).auc < roc.auc().high


@by_name
@pytest.mark.parametrize(
    ("members", "nonmembers", "worlds"), [(20, 20, 300), (20, 300, 300), (300, 20, 300), (2000, 2000, 150)]
)
def test_auc_interval_covers(world: World, members: int, nonmembers: int, worlds: int) -> None:
    rng = np.random.default_rng(members + 7 * nonmembers)
    found = [world.roc(rng, members, nonmembers).auc() for _ in range(worlds)]
    assert np.mean([e.low <= world.auc <= e.high for e in found]) >= 0.92


def test_auc_of_a_null_covers_one_half_in_90_of_100_worlds() -> None:
    for n in (30, 400):
        found = [NULL.roc(np.random.default_rng(seed), n, n).auc() for seed in range(100)]
        assert sum(e.low <= 0.5 <= e.high for e in found) >= 90
        assert np.mean([e.high - e.low for e in found]) < 2.6 / np.sqrt(n)  # honest is not vacuous


@pytest.mark.parametrize("n", [3, 20, 200, 2000])
def test_perfect_separation_is_not_taken_for_certainty(n: int) -> None:
    auc = Roc.of(np.arange(2 * n), np.arange(2 * n) >= n).auc()
    assert auc.value == auc.high == 1
    assert auc.low <= 0.025 ** (1 / n)  # what n successes in n trials would show, and no more
    assert auc.low >= 0.97 or n < 200


def test_auc_covers_where_separation_is_almost_perfect() -> None:
    world = gaussian(3.29)
    found = [world.roc(np.random.default_rng(seed), 25, 25).auc() for seed in range(300)]
    assert np.mean([e.value == 1 for e in found]) > 0.1
    assert np.mean([e.low <= world.auc <= e.high for e in found]) >= 0.93


def test_one_member_is_enough_for_a_wide_interval() -> None:
    auc = Roc.of([1.0, 2.0, 3.0], [False, False, True]).auc()
    assert auc.value == 1
    assert auc.low < 0.2


@by_name
@pytest.mark.parametrize(("members", "nonmembers"), [(60, 60), (500, 500), (40, 1500)])
def test_tpr_interval_covers_the_population(world: World, members: int, nonmembers: int) -> None:
    rng = np.random.default_rng(members)
    rocs = [world.roc(rng, members, nonmembers) for _ in range(200)]
    for fpr in (0.1, 0.02):
        truth = world.tpr_at(fpr)
        found = [roc.tpr_at(fpr) for roc in rocs]
        assert all(isinstance(e, Estimate) for e in found)
        assert np.mean([e.low > truth + 1e-12 for e in found]) <= 0.035
        assert np.mean([e.high < truth - 1e-12 for e in found]) <= 0.035


def test_tpr_interval_is_not_vacuous() -> None:
    world = few_exposed(0.2)
    figure = world.roc(np.random.default_rng(0), 5000, 5000).tpr_at(0.01)
    assert isinstance(figure, Estimate)
    assert 0.18 < figure.low < figure.high < 0.24


def test_a_binomial_interval_at_the_empirical_threshold_would_not_cover() -> None:
    """The planted fault: forgetting that the threshold itself is estimated."""
    from reticent.measure.estimate import clopper_pearson

    world, missed = gaussian(1.5), 0
    for seed in range(200):
        roc = world.roc(np.random.default_rng(seed), 2000, 100)
        best = int(np.searchsorted(roc.fpr, 0.05, side="right")) - 1
        naive = clopper_pearson(round(roc.tpr[best] * 2000), 2000)
        missed += not naive.low <= world.tpr_at(0.05) <= naive.high
    assert missed > 60


@pytest.mark.parametrize(("fpr", "needed"), [(0.001, "1,000"), (0.0001, "10,000")])
def test_a_figure_that_the_sample_cannot_resolve_is_withheld(fpr: float, needed: str) -> None:
    figure = NULL.roc(np.random.default_rng(0), 200, 999).tpr_at(fpr)
    assert isinstance(figure, Withheld)
    assert needed in figure.reason
    assert "999" in figure.reason


def test_tpr_at_takes_every_default_level_and_refuses_nonsense() -> None:
    roc = NULL.roc(np.random.default_rng(0), 100, 10_000)
    assert all(isinstance(roc.tpr_at(fpr), Estimate) for fpr in DEFAULT_FPRS)
    assert isinstance(roc.tpr_at(0.0), Withheld)
    for nonsense in (-0.1, 1.0, np.nan):
        with pytest.raises(ValueError, match="false positive rate"):
            roc.tpr_at(nonsense)


@by_name
@pytest.mark.parametrize(("members", "nonmembers"), [(20, 20), (300, 300), (30, 1000)])
def test_advantage_covers_the_best_threshold(world: World, members: int, nonmembers: int) -> None:
    rng = np.random.default_rng(members)
    found = [world.roc(rng, members, nonmembers).advantage() for _ in range(300)]
    assert np.mean([e.low > world.advantage + 1e-12 for e in found]) <= 0.045
    assert np.mean([e.high < world.advantage - 1e-12 for e in found]) <= 0.045


def test_advantage_of_a_null_is_positive_by_eye_and_nil_by_interval() -> None:
    found = [NULL.roc(np.random.default_rng(seed), 100, 100).advantage() for seed in range(400)]
    assert np.mean([e.value > 0 for e in found]) > 0.95
    assert 0.002 < np.mean([e.low > 0 for e in found]) <= 0.045


def test_advantage_of_a_handful_is_withheld() -> None:
    roc = Roc.of([1.0, 2.0, 3.0], [False, True, True])
    assert isinstance(roc.advantage(), Withheld)
    assert isinstance(roc.balanced_accuracy(), Withheld)


def test_points_keep_the_low_end_and_lose_nothing_that_can_be_kept() -> None:
    roc = gaussian(1.0).roc(np.random.default_rng(0), 3000, 3000)
    fpr, tpr = roc.points(200)
    assert fpr.size <= 200
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    whole_fpr, whole_tpr = roc.points(10_000)
    assert np.array_equal(fpr[:100], whole_fpr[:100])
    assert np.array_equal(tpr[:100], whole_tpr[:100])
    assert whole_fpr.size < roc.fpr.size  # straight runs are gone, and the area is the same
    area = float(np.diff(whole_fpr) @ (whole_tpr[1:] + whole_tpr[:-1]) / 2)
    assert area == pytest.approx(roc.auc().value, abs=1e-12)
    with pytest.raises(ValueError, match="limit"):
        roc.points(3)


def test_the_curve_cannot_be_changed() -> None:
    roc = NULL.roc(np.random.default_rng(0), 10, 10)
    with pytest.raises(ValueError, match="read-only"):
        roc.tpr[0] = 1
