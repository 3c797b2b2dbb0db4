from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import binomtest, norm

from reticent.measure.epsilon import (
    Bonferroni,
    EpsilonBound,
    Fixed,
    Split,
    Strategy,
    _bonferroni,
    _fixed,
    _split,
    epsilon_lower_bound,
    gaussian_epsilon,
    gaussian_epsilon_lower_bound,
)

STRATEGIES: list[Strategy] = [
    Fixed(0.0),
    Fixed(1.5),
    Split(),
    Split(share=0.2, seed=3),
    Bonferroni(),
    Bonferroni(3),
]
BOUNDS: list[Callable[..., EpsilonBound]] = [epsilon_lower_bound, gaussian_epsilon_lower_bound]
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
every_bound = pytest.mark.parametrize("bound", BOUNDS, ids=["dp", "gaussian"])
SLACK = 3.0  # standard errors of a share over so many worlds


def at_most(share: float, worlds: int) -> float:
    return share + SLACK * np.sqrt(share * (1 - share) / worlds)


@pytest.mark.parametrize(("sigma", "epsilon"), [(0.5, 9.997), (1, 4.377), (2, 1.993), (4, 0.926)])
def test_gaussian_epsilon_meets_known_values(sigma: float, epsilon: float) -> None:
    assert gaussian_epsilon(1 / sigma, delta=1e-5) == pytest.approx(epsilon, abs=6e-4)


@pytest.mark.parametrize(("mu", "delta"), [(0.3, 1e-3), (1.7, 1e-6), (4.0, 0.01)])
def test_gaussian_epsilon_meets_the_definition_of_delta(mu: float, delta: float) -> None:
    epsilon = gaussian_epsilon(mu, delta=delta)
    start = epsilon / mu + mu / 2  # where the density ratio is e^ε
    excess, _ = quad(
        lambda x: norm.pdf(x - mu) - np.exp(epsilon) * norm.pdf(x), start, start + 12, epsabs=1e-14
    )
    assert excess == pytest.approx(delta, rel=1e-6)


def test_gaussian_epsilon_at_the_ends() -> None:
    assert gaussian_epsilon(0.0, delta=1e-5) == 0
    assert gaussian_epsilon(1e-4, delta=0.5) == 0
    assert gaussian_epsilon(40.0, delta=1e-9) > 800
    for mu, delta in ((1.0, 0.0), (1.0, 1.0), (-1.0, 0.1)):
        with pytest.raises(ValueError, match="delta"):
            gaussian_epsilon(mu, delta=delta)


def test_fixed_threshold_agrees_with_counting_and_an_exact_interval() -> None:
    rng = np.random.default_rng(0)
    members = rng.random(500) < 0.4
    scores = rng.normal(size=500) + 2 * members
    bound = epsilon_lower_bound(scores, members, delta=0.01, level=0.9, strategy=Fixed(1.0))

    def high(count: int, n: int) -> float:
        return float(binomtest(count, n).proportion_ci(0.9, "exact").high)  # each side 5 %

    fpr = high(int((scores[~members] >= 1).sum()), int((~members).sum()))
    fnr = high(int((scores[members] < 1).sum()), int(members.sum()))
    assert bound.value == pytest.approx(max(np.log((1 - fnr - 0.01) / fpr), np.log((1 - fpr - 0.01) / fnr)))
    assert bound.n == 500
    assert "score ≥ 1" in bound.operating_point
    assert str(bound).startswith(f"ε ≥ {bound.value:.2f} at δ = 0.01 (90%")
    gaussian = gaussian_epsilon_lower_bound(scores, members, delta=0.01, level=0.9, strategy=Fixed(1.0))
    assert gaussian.value == pytest.approx(gaussian_epsilon(-norm.ppf(fpr) - norm.ppf(fnr), delta=0.01))


def random_scores(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=n), rng.random(n) < 0.5


def tied_random_scores(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.integers(0, 4, n) - 1.0, rng.random(n) < 0.3


@every_bound
@every_strategy
@pytest.mark.parametrize("world", [random_scores, tied_random_scores])
def test_random_scores_show_no_epsilon(bound: Callable, strategy: Strategy, world: Callable) -> None:
    worlds = 200
    for n in (40, 600):
        rng = np.random.default_rng(n)
        found = [bound(*world(rng, n), delta=1e-5, strategy=strategy).value for _ in range(worlds)]
        assert np.mean(np.array(found) > 0) <= at_most(0.05, worlds)


def test_the_best_threshold_uncorrected_cries_wolf() -> None:
    """The planted fault that peers ship: the null test above must be able to fail."""
    worlds, fired = 200, 0
    for seed in range(worlds):
        scores, members = random_scores(np.random.default_rng(seed), 2000)
        thresholds = np.tile(np.sort(scores)[::5], 2)
        tests = _fixed(scores, members, thresholds, np.repeat([1.0, -1.0], 400), 0.05)
        fired += bool((tests.fpr + tests.fnr < 1).any())  # that is, ln(TPR / FPR) > 0 for sure
    assert fired / worlds > at_most(0.05, worlds)


def test_all_error_rates_bounded_hold_at_once() -> None:
    """What the figure rests on, sharper than the figure: no bound of any test considered is broken."""
    worlds, broken = 300, {"split": 0, "bonferroni": 0}

    def mu(fpr: np.ndarray, fnr: np.ndarray) -> np.ndarray:
        return -norm.ppf(fpr) - norm.ppf(fnr)

    for seed in range(worlds):
        scores, members = random_scores(np.random.default_rng(seed), 400)
        for name, tests in (
            ("split", _split(scores, members, Split(seed=seed), mu, 0.05)),
            ("bonferroni", _bonferroni(scores, members, 16, 0.05)),
        ):
            fpr = norm.sf(tests.sign * tests.threshold)
            broken[name] += bool(((fpr > tests.fpr) | (1 - fpr > tests.fnr)).any())
    assert broken["split"] / worlds <= at_most(0.05, worlds)
    assert broken["bonferroni"] / worlds <= at_most(0.05, worlds)


def randomised_response(rng: np.random.Generator, n: int, epsilon: float, delta: float) -> tuple:
    """Scores of a mechanism that is exactly (ε, δ): with probability δ it tells, else it lies a little."""
    members = rng.random(n) < 0.5
    told = rng.random(n) < delta
    honest = rng.random(n) < 1 / (1 + np.exp(-epsilon))
    answer = np.where(honest, members, ~members) * 1.0
    return np.where(told, np.where(members, 2.0, -2.0), answer), members


@every_strategy
@pytest.mark.parametrize(("epsilon", "delta"), [(0.5, 0.0), (2.0, 0.0), (1.0, 0.05)])
def test_the_bound_does_not_exceed_a_known_epsilon(strategy: Strategy, epsilon: float, delta: float) -> None:
    rng, worlds = np.random.default_rng(1), 200
    found = np.array(
        [
            epsilon_lower_bound(
                *randomised_response(rng, 800, epsilon, delta), delta=delta, strategy=strategy
            ).value
            for _ in range(worlds)
        ]
    )
    assert np.mean(found > epsilon) <= at_most(0.05, worlds)


@every_strategy
@every_bound
def test_the_bound_does_not_exceed_a_gaussian_mechanism(bound: Callable, strategy: Strategy) -> None:
    rng, worlds, truth = np.random.default_rng(2), 200, gaussian_epsilon(1.0, delta=1e-2)
    found = []
    for _ in range(worlds):
        members = rng.random(1500) < 0.5
        found.append(bound(rng.normal(size=1500) + members, members, delta=1e-2, strategy=strategy).value)
    assert np.mean(np.array(found) > truth) <= at_most(0.05, worlds)


def test_bounds_are_close_with_many_trials() -> None:
    rng = np.random.default_rng(0)
    scores, members = randomised_response(rng, 100_000, 1.5, 0.0)
    for strategy in (Fixed(0.5), Split(), Bonferroni()):
        assert 1.4 < epsilon_lower_bound(scores, members, strategy=strategy).value <= 1.5
    members = rng.random(100_000) < 0.5
    scores = rng.normal(size=100_000) + members
    truth = gaussian_epsilon(1.0, delta=1e-5)
    for strategy in (Fixed(0.5), Split(), Bonferroni()):
        found = gaussian_epsilon_lower_bound(scores, members, delta=1e-5, strategy=strategy)
        assert 0.94 * truth < found.value <= truth


@pytest.mark.parametrize("strategy", [Split(), Bonferroni()], ids=str)
def test_a_leak_in_the_other_direction_is_found_too(strategy: Strategy) -> None:
    rng = np.random.default_rng(0)
    members = rng.random(4000) < 0.5
    scores = rng.normal(size=4000) - 2 * members
    assert epsilon_lower_bound(scores, members, strategy=strategy).value > 1
    assert epsilon_lower_bound(scores, members, strategy=Fixed(0.0)).value == 0


def test_a_leak_that_only_shows_in_sure_nonmembers_is_found() -> None:
    """The twin bound, ln(TNR / FNR): some scores are never a member's."""
    rng = np.random.default_rng(0)
    members = rng.random(4000) < 0.5
    scores = rng.random(4000) - 2 * (~members & (rng.random(4000) < 0.3))
    found = epsilon_lower_bound(scores, members)
    assert found.value > 3
    assert "score ≥" in found.operating_point


def test_infinite_scores_are_scores() -> None:
    members = np.arange(400) < 200
    scores = np.where(members, np.inf, -np.inf)
    for strategy in STRATEGIES:
        assert epsilon_lower_bound(scores, members, strategy=strategy).value > 2


def test_the_same_seed_splits_alike() -> None:
    scores, members = random_scores(np.random.default_rng(0), 300)
    scores = scores + members
    first, again, other = (epsilon_lower_bound(scores, members, strategy=Split(seed=s)) for s in (0, 0, 1))
    assert first == again
    assert first != other


@every_bound
def test_nonsense_is_refused(bound: Callable) -> None:
    scores, members = [1.0, 2.0, 3.0], [True, False, True]
    with pytest.raises(ValueError, match="delta"):
        bound(scores, members, delta=1.0)
    with pytest.raises(ValueError, match="NaN"):
        bound([1.0, np.nan, 1.0], members, delta=0.1)
    with pytest.raises(ValueError, match="split"):
        bound(scores, members, delta=0.1, strategy=Split())
    with pytest.raises(ValueError, match="at least 1"):
        bound(scores, members, delta=0.1, strategy=Bonferroni(0))
