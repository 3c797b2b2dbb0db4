from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import norm, spearmanr

from reticent.measure.estimate import Withheld
from reticent.measure.risk import (
    Exposure,
    _holm,
    _monotone_ratio,
    calibrated_likelihood_ratios,
    exposed,
    posterior,
    worst_groups,
)

Arrays = tuple[np.ndarray, np.ndarray]


def shifted(rng: np.random.Generator, n: int, shift: float) -> Arrays:
    members = rng.random(n) < 0.5
    return rng.normal(size=n) + shift * members, members


def tied(rng: np.random.Generator, n: int, shift: float) -> Arrays:
    scores, members = shifted(rng, n, shift)
    return np.round(scores), members


def at_most(share: float, worlds: int) -> float:
    return float(share + 3 * np.sqrt(share * (1 - share) / worlds))


@pytest.mark.parametrize("world", [shifted, tied])
@pytest.mark.parametrize("n", [60, 1000])
def test_ratios_of_a_null_stay_near_one(world: Callable[..., Arrays], n: int) -> None:
    worlds = 100
    found = np.array(
        [calibrated_likelihood_ratios(*world(np.random.default_rng(i), n, 0.0)) for i in range(worlds)]
    )
    assert np.mean(np.abs(np.log(found)).max(axis=1) > np.log(5)) <= 0.05
    assert np.quantile(np.abs(np.log(found)), 0.5) < np.log(1.35)
    assert np.abs(np.log(found).mean()) < 0.1


def test_ratios_agree_with_the_true_ones() -> None:
    scores, members = shifted(np.random.default_rng(0), 20_000, 1.0)
    found = calibrated_likelihood_ratios(scores, members)
    true = np.exp(scores - 0.5)  # of N(1, 1) to N(0, 1)
    middle = np.abs(scores - 0.5) < 2
    assert np.abs(np.log(found / true))[middle].max() < 0.5
    assert np.abs(np.log(found / true))[middle].mean() < 0.08
    assert spearmanr(scores, found).statistic > 0.99


def test_ratios_are_calibrated_on_unequal_numbers() -> None:
    """Of records given a posterior near p, a share near p are members, whatever their share at large."""
    rng = np.random.default_rng(0)
    members = rng.random(40_000) < 0.1
    scores = rng.normal(size=40_000) + 2 * members
    p = posterior(calibrated_likelihood_ratios(scores, members), 0.1)
    for low, high in ((0.0, 0.02), (0.1, 0.3), (0.4, 0.6), (0.7, 1.0)):
        within = (p >= low) & (p < high)
        assert within.sum() > 100
        assert members[within].mean() == pytest.approx(p[within].mean(), abs=0.05)


def test_no_record_is_judged_by_a_fit_that_saw_its_own_truth() -> None:
    """On random scores a fit flatters the records that it saw, and must not be asked about them."""
    own, crossed = [], []
    for seed in range(60):
        scores, members = shifted(np.random.default_rng(seed), 200, 0.0)
        for kept, found in (
            (own, _monotone_ratio(scores, members)(scores)),
            (crossed, calibrated_likelihood_ratios(scores, members)),
        ):
            kept.append(np.log(found)[members].mean() - np.log(found)[~members].mean())
    assert np.mean(own) > 0.03
    assert np.mean(crossed) < 0.01


def test_ratios_support_what_the_sample_supports() -> None:
    """Perfect separation of k members shows odds of about k/3, never infinity."""
    for n in (30, 300, 3000):
        scores = np.arange(2 * n)
        found = calibrated_likelihood_ratios(scores, scores >= n)
        assert 0.1 * n < found.max() < 0.5 * n
        assert found.min() == pytest.approx(1 / found.max(), rel=0.3)


@pytest.mark.parametrize("members", [[True, False], [True, False, False, True], [True] * 3 + [False] * 40])
def test_a_handful_of_records_is_no_error(members: list[bool]) -> None:
    found = calibrated_likelihood_ratios(np.arange(len(members)), members)
    assert np.all(np.isfinite(found))
    assert np.all(found > 0)


def test_the_same_seed_gives_the_same_ratios() -> None:
    scores, members = shifted(np.random.default_rng(0), 300, 1.0)
    first, again, other = (calibrated_likelihood_ratios(scores, members, seed=s) for s in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.floats(0, 1e9), st.floats(0.0, 1.0))
@example(5e-324, 0.5)
@example(0.0, 1.0)
def test_posterior_is_bayes_rule(ratio: float, prior: float) -> None:
    expected = prior * ratio / (prior * ratio + 1 - prior) if prior * ratio + 1 - prior > 0 else 0.0
    assert posterior([ratio], prior)[0] == pytest.approx(expected, abs=1e-12)


def test_posterior_at_the_ends() -> None:
    assert posterior([0.0, 1.0, np.inf], 0.25).tolist() == [0.0, 0.25, 1.0]
    assert posterior([0.5, 3.0], 1.0).tolist() == [1.0, 1.0]
    assert posterior([0.5, 3.0], 0.0).tolist() == [0.0, 0.0]
    with pytest.raises(ValueError, match="prior"):
        posterior([1.0], 1.5)


@pytest.mark.parametrize("world", [shifted, tied])
@pytest.mark.parametrize(("prior", "above"), [(0.5, 0.9), (0.5, 0.55), (0.05, 0.3)])
def test_a_null_exposes_nobody(world: Callable[..., Arrays], prior: float, above: float) -> None:
    worlds = 200
    for n in (300, 3000):
        found = [
            exposed(*world(np.random.default_rng(i), n, 0.0), prior=prior, posterior_above=above)
            for i in range(worlds)
        ]
        counted = [f for f in found if isinstance(f, Exposure)]
        if n == 3000:
            assert len(counted) == worlds
        fired = np.mean([f.members_exposed.low > 0 for f in counted]) if counted else 0.0
        assert fired <= at_most(0.05, worlds)


def test_the_best_empirical_count_would_cry_wolf() -> None:
    """The planted fault: reading precision off the curve names members in random scores."""
    fired = 0
    for seed in range(100):
        scores, members = shifted(np.random.default_rng(seed), 1000, 0.0)
        ranked = members[np.argsort(-scores)]
        right = np.cumsum(ranked) / np.arange(1, 1001)
        fired += bool((right >= 0.9).any())
    assert fired > 25


@pytest.mark.parametrize(("shift", "above"), [(1.5, 0.9), (2.5, 0.95), (1.0, 0.7)])
def test_exposed_counts_cover_the_true_threshold(shift: float, above: float) -> None:
    """For N(shift, 1) against N(0, 1): the lowest t with TPR ≥ λ FPR, found on a fine grid."""
    odds, t = above / (1 - above), np.linspace(-5, 8, 200_001)
    lowest = t[norm.sf(t - shift) >= odds * norm.sf(t)][0]
    covered = []
    for seed in range(100):
        scores, members = shifted(np.random.default_rng(seed), 2000, shift)
        found = exposed(scores, members, prior=0.5, posterior_above=above)
        assert isinstance(found, Exposure)
        count = found.members_exposed
        assert count.low <= count.value <= count.high
        assert count.n == members.sum()
        covered.append(count.low <= (scores[members] > lowest).sum() <= count.high)
    assert np.mean(covered) >= 0.95


def test_exposed_finds_the_few_who_stand_out() -> None:
    rng = np.random.default_rng(0)
    members = np.arange(8000) < 4000
    scores = rng.random(8000) + 5 * (np.arange(8000) < 150)
    found = exposed(scores, members, prior=0.5, posterior_above=0.9)
    assert isinstance(found, Exposure)
    assert 100 <= found.members_exposed.low <= 150 <= found.members_exposed.high < 260
    assert found.members_exposed.value >= 150
    assert 0.8 < found.threshold < 6
    rarer = exposed(scores, members, prior=0.01, posterior_above=0.9)
    assert isinstance(rarer, Withheld)
    assert "non-members" in rarer.reason


def test_everyone_is_exposed_where_the_prior_says_so_already() -> None:
    scores, members = shifted(np.random.default_rng(0), 500, 0.0)
    found = exposed(scores, members, prior=0.5, posterior_above=0.1)
    assert isinstance(found, Exposure)
    assert found.members_exposed.value == found.members_exposed.high == members.sum()


def test_exposed_refuses_certainty() -> None:
    scores, members = shifted(np.random.default_rng(0), 100, 0.0)
    for prior, above in ((0.0, 0.9), (1.0, 0.9), (0.5, 1.0)):
        with pytest.raises(ValueError, match="between 0 and 1"):
            exposed(scores, members, prior=prior, posterior_above=above)


def test_groups_that_do_not_matter_are_cleared() -> None:
    """Ten columns of random labels: hardly ever is one group, of all, called worse."""
    worlds, fired, missed = 60, 0, 0
    truth = float(ndtr(1 / np.sqrt(2)))
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        scores, members = shifted(rng, 800, 1.0)
        columns = {f"column {i}": rng.integers(0, 3, 800) for i in range(10)}
        found = worst_groups(scores, columns, members)
        assert len(found) == 30
        fired += any(g.worse for g in found)
        missed += any(not g.auc.low <= truth <= g.auc.high for g in found)
    assert fired <= 0.1 * worlds
    assert missed <= 0.1 * worlds


def test_the_group_that_leaks_is_found_and_the_unusual_one_is_not() -> None:
    """The planted fault: a group that scores high as such, members or not, is not exposed."""
    rng = np.random.default_rng(0)
    members = rng.random(3000) < 0.5
    town = rng.choice(["leaky", "unusual", "plain", "other"], 3000)
    scores = rng.normal(size=3000) + 2 * members * (town == "leaky") + 3 * (town == "unusual")
    columns = {"town": town, "sex": rng.integers(0, 2, 3000)}
    worst, *others = worst_groups(scores, columns, members)
    assert (worst.column, worst.group, worst.worse) == ("town", "leaky", True)
    assert worst.auc.low > 0.85
    assert worst.rest < 0.6
    assert worst.p_value < 1e-6
    assert not any(g.worse for g in others)
    assert {g.group for g in others} == {"unusual", "plain", "other", "0", "1"}


def test_small_groups_and_small_rests_are_left_out() -> None:
    members = np.arange(200) % 2 == 0
    column = np.where(np.arange(200) < 30, "small", "large")
    assert worst_groups(np.arange(200.0), {"size": column, "same": ["all"] * 200}, members) == []
    assert len(worst_groups(np.arange(200.0), {"size": column}, members, smallest=15)) == 2


def test_labels_may_be_anything_that_prints() -> None:
    members = np.arange(200) % 2 == 0
    column = [None if i < 100 else float("nan") for i in range(200)]
    assert {g.group for g in worst_groups(np.arange(200.0), {"odd": column}, members)} == {"None", "nan"}
    with pytest.raises(ValueError, match="'short' has 2 labels for 200 records"):
        worst_groups(np.arange(200.0), {"short": ["a", "b"]}, members)


def test_holm_agrees_with_its_definition() -> None:
    assert _holm(np.array([0.04, 0.01, 0.03])).tolist() == pytest.approx([0.06, 0.03, 0.06])
    assert _holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]
    assert _holm(np.array([])).size == 0
