from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import combinations, product
from math import comb, exp, log

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from scipy.special import ndtr, ndtri
from scipy.stats import binom

from reticent.measure.epsilon import EpsilonBound, gaussian_epsilon
from reticent.measure.one_run import (
    FixedGuesses,
    GridGuesses,
    Guesses,
    SplitGuesses,
    _contradiction,
    _steinke_p,
    audit_one_run,
    default_guesses,
    one_run_epsilon,
    one_run_epsilon_fdp,
    one_run_epsilon_sharp,
)

# The same counts come up again and again over many worlds, so each bound is found once.
BOUNDS: dict[str, Callable[..., EpsilonBound]] = {
    "steinke": lru_cache(None)(one_run_epsilon),
    "sharp": lru_cache(None)(one_run_epsilon_sharp),
    "gaussian": lru_cache(None)(one_run_epsilon_fdp),
}
STRATEGIES: list[Guesses | None] = [
    None,
    FixedGuesses(30, 0),
    FixedGuesses(200, 200),
    GridGuesses(sizes=4),
    SplitGuesses(sizes=5),
]
every_bound = pytest.mark.parametrize("bound", BOUNDS.values(), ids=BOUNDS)
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES, ids=str)


def at_most(share: float, worlds: int) -> float:
    return float(share + 3 * np.sqrt(share * (1 - share) / worlds))


def slow_steinke_p(v: int, r: int, m: int, epsilon: float, delta: float) -> float:
    q = exp(epsilon) / (1 + exp(epsilon))
    law = [comb(r, k) * q**k * (1 - q) ** (r - k) for k in range(r + 1)]
    alpha = max((sum(law[v - i : v]) / i for i in range(1, v + 1)), default=0)
    return sum(law[v:]) + 2 * m * delta * alpha


@pytest.mark.parametrize(("v", "r", "m"), [(0, 5, 9), (1, 1, 1), (7, 10, 40), (10, 10, 10), (55, 60, 1000)])
@pytest.mark.parametrize(("epsilon", "delta"), [(0.0, 0.0), (0.7, 1e-3), (3.0, 1e-5)])
def test_steinke_agrees_with_the_formula_written_out(
    v: int, r: int, m: int, epsilon: float, delta: float
) -> None:
    assert _steinke_p(v, r, m, epsilon, delta) == pytest.approx(slow_steinke_p(v, r, m, epsilon, delta))


@pytest.mark.parametrize("r", [1, 5, 100, 5000])
def test_all_guesses_right_has_a_closed_form(r: int) -> None:
    """With δ = 0, q^r = 0.05 at the bound."""
    q = 0.05 ** (1 / r)
    expected = max(0.0, log(q / (1 - q)))
    assert one_run_epsilon(r, r, 2 * r, delta=0.0).value == pytest.approx(expected, abs=1e-5)
    assert one_run_epsilon_sharp(r, r, 2 * r, delta=0.0).value == pytest.approx(expected, abs=1e-5)


def slow_contradiction(c: int, c_cap: int, m: int, tau: float, inverse: Callable[[float], float]) -> bool:
    """Algorithm 3 line by line, every r and h kept."""
    r, h = {c: tau * c / m}, {c: tau * (c_cap - c) / m}
    for i in range(c - 1, -1, -1):
        h[i] = max(h[i + 1], inverse(r[i + 1]))
        r[i] = r[i + 1] + i / (c_cap - i) * (h[i] - h[i + 1])
    return r[0] + h[0] > c_cap / m


def gaussian_inverse(mu: float) -> Callable[[float], float]:
    return lambda x: float(ndtr(ndtri(min(x, 1.0)) - mu))


def dp_inverse(epsilon: float, delta: float) -> Callable[[float], float]:
    return lambda x: max(0.0, (x - delta) * exp(-epsilon), 1 - delta - (1 - x) * exp(epsilon))


def test_the_recursion_agrees_with_the_algorithm_written_out() -> None:
    verdicts = []
    for v, r, m in ((1, 1, 2), (8, 10, 30), (37, 40, 40), (90, 120, 1000)):
        for claim in (0.01, 0.1, 0.5, 1.0, 2.0):
            for inverse in (gaussian_inverse(claim), dp_inverse(claim, 1e-3)):
                for tau in (0.05, 0.3):
                    fast = _contradiction(v, r, m, tau, inverse)
                    assert fast == slow_contradiction(v, r, m, tau, inverse)
                    verdicts.append(fast)
    assert 0.2 < np.mean(verdicts) < 0.8


def most_leaking_mechanism(m: int, r: int, v: int, claims: list[tuple[float, float]]) -> float:
    """The largest P[v or more of r guesses right] over *all* mechanisms that meet every (ε, δ) claimed.

    A linear programme over the whole mechanism: a probability for every guess vector (r guesses
    about m canaries, abstaining on the others) given every outcome of the m coins.
    """
    coins = list(product((0, 1), repeat=m))
    answers = [(who, what) for who in combinations(range(m), r) for what in product((0, 1), repeat=r)]
    flips = [
        (u, coins.index(tuple(b ^ (i == j) for i, b in enumerate(c))))
        for u, c in enumerate(coins)
        for j in range(m)
    ]
    k, size = len(answers), len(coins) * len(answers)
    gain = np.zeros(size + len(flips) * k * len(claims))
    for u, c in enumerate(coins):
        for a, (who, what) in enumerate(answers):
            gain[u * k + a] = -(sum(c[i] == b for i, b in zip(who, what, strict=True)) >= v) / len(coins)
    entries: list[tuple[int, int, float]] = []
    limits: list[float] = []
    excess = size
    for epsilon, delta in claims:
        for u, w in flips:
            for a in range(k):  # P(a | u) − e^ε P(a | w) ≤ excess
                row = len(limits)
                entries += [(row, u * k + a, 1.0), (row, w * k + a, -exp(epsilon)), (row, excess + a, -1.0)]
                limits.append(0.0)
            entries += [(len(limits), excess + a, 1.0) for a in range(k)]  # and the excesses sum to ≤ δ
            limits.append(delta)
            excess += k
    rows, columns, values = zip(*entries, strict=True)
    unequal = csr_matrix((values, (rows, columns)), shape=(len(limits), gain.size))
    whole = csr_matrix(
        (np.ones(size), (np.arange(size) // k, np.arange(size))), shape=(len(coins), gain.size)
    )
    solved = linprog(gain, A_ub=unequal, b_ub=limits, A_eq=whole, b_eq=np.ones(len(coins)), method="highs")
    return float(-solved.fun)


@pytest.mark.parametrize(("m", "r", "v"), [(3, 2, 2), (3, 3, 2), (3, 3, 3), (4, 2, 2), (4, 3, 3), (4, 4, 3)])
@pytest.mark.parametrize(("epsilon", "delta"), [(0.4, 0.0), (0.3, 0.02), (1.2, 0.01)])
def test_no_mechanism_beats_the_bounds(m: int, r: int, v: int, epsilon: float, delta: float) -> None:
    """Ground truth: the worst mechanism there is, found by linear programming, never breaks a bound."""
    worst = most_leaking_mechanism(m, r, v, [(epsilon, delta)])
    assert _steinke_p(v, r, m, epsilon, delta) >= worst - 1e-7
    assert not _contradiction(v, r, m, 0.999 * worst, dp_inverse(epsilon, delta))
    if delta == 0:  # then randomised response is the worst, and Steinke's bound is exact
        assert _steinke_p(v, r, m, epsilon, delta) == pytest.approx(worst)
    if v == r:  # where all are right, algorithm 3 is exact
        assert _contradiction(v, r, m, 1.001 * worst, dp_inverse(epsilon, delta))


@pytest.mark.parametrize(("m", "r", "v"), [(2, 2, 2), (3, 2, 2), (3, 3, 3)])
@pytest.mark.parametrize("mu", [0.1, 0.5])
def test_no_gaussian_mechanism_beats_the_bound(m: int, r: int, v: int, mu: float) -> None:
    """The Gaussian trade-off curve, held by eight of its tangents (which allow slightly more)."""
    at = np.linspace(0, 4 * mu, 8)
    claims = [(float(e), float(ndtr(mu / 2 - e / mu) - exp(e) * ndtr(-mu / 2 - e / mu))) for e in at]
    worst = most_leaking_mechanism(m, r, v, claims)
    assert not _contradiction(v, r, m, 0.98 * worst, gaussian_inverse(mu))
    assert _contradiction(v, r, m, 1.02 * worst, gaussian_inverse(mu))


@pytest.mark.parametrize(("r", "epsilon"), [(1, 0.5), (50, 1.0), (400, 0.2), (400, 3.0)])
def test_randomised_response_exceeds_the_bound_at_most_so_often(r: int, epsilon: float) -> None:
    """Its right guesses are binomial, so the bound's chance of exceeding ε is a sum, not a simulation."""
    q = 1 / (1 + exp(-epsilon))
    for bound in (one_run_epsilon, one_run_epsilon_sharp):
        over = min(v for v in range(r + 2) if v > r or bound(v, r, r, delta=0.0).value > epsilon)
        chance = binom.sf(over - 1, r, q)
        assert chance <= 0.05 + 1e-9
        if bound is one_run_epsilon and over <= r:
            assert chance + binom.pmf(over - 1, r, q) > 0.05 - 1e-4  # one guess fewer would be too often


def gaussian_counts(sigma: float, canaries: int, guesses: int) -> int:
    """The expected number right, rounded down, on the idealised Gaussian: N(1, σ²) in, N(0, σ²) out."""
    low, high = 0.0, 60.0
    for _ in range(80):  # the half-width of the band within which the attacker abstains
        middle = (low + high) / 2
        said = canaries * (ndtr((0.5 - middle) / sigma) + ndtr(-(0.5 + middle) / sigma))
        low, high = (middle, high) if said > guesses else (low, middle)
    return int(canaries * ndtr((0.5 - low) / sigma))


@pytest.mark.parametrize(
    ("sigma", "steinke", "sharp", "gaussian"),
    [
        (0.5, (8242, 4.88), (2557, 5.60), (2913, 7.34)),
        (1.0, (1268, 2.65), (412, 2.91), (679, 3.33)),
        (2.0, (1030, 1.29), (368, 1.36), (679, 1.49)),
    ],
)
def test_the_idealised_gaussian_reaches_the_table(
    sigma: float, steinke: tuple, sharp: tuple, gaussian: tuple
) -> None:
    m = 10**5
    for bound, (guesses, at_least) in (
        (one_run_epsilon, steinke),
        (one_run_epsilon_sharp, sharp),
        (one_run_epsilon_fdp, gaussian),
    ):
        found = bound(gaussian_counts(sigma, m, guesses), guesses, m, delta=1e-5).value
        assert at_least <= found <= at_least + 0.05
        assert found < gaussian_epsilon(1 / sigma, delta=1e-5)


@every_bound
def test_more_right_guesses_show_more_and_never_less(bound: Callable) -> None:
    values = [bound(v, 60, 300, delta=1e-4, level=0.95).value for v in range(61)]
    assert values == sorted(values)
    assert values[30] == 0
    assert values[60] > 2
    assert bound(55, 60, 300, delta=1e-4, level=0.99).value < values[55]
    assert bound(55, 60, 300, delta=1e-2, level=0.95).value < values[55]


def test_sharp_is_never_below_steinke_and_above_it_where_delta_bites() -> None:
    for v, r, m in ((20, 20, 100), (300, 330, 10**4), (2000, 2005, 10**5)):
        steinke, sharp = (b(v, r, m, delta=1e-5).value for b in (one_run_epsilon, one_run_epsilon_sharp))
        assert sharp >= steinke
    assert sharp > steinke + 0.5


def gaussian_run(rng: np.random.Generator, canaries: int, mu: float) -> tuple[np.ndarray, np.ndarray]:
    included = rng.random(canaries) < 0.5
    return rng.normal(size=canaries) + mu * included, included


@every_bound
@every_strategy
@pytest.mark.parametrize("mu", [0.5, 2.0])
def test_a_known_gaussian_is_exceeded_in_at_most_five_percent_of_runs(
    bound: Callable, strategy: Guesses | None, mu: float
) -> None:
    runs, rng, delta = 200, np.random.default_rng(7), 1e-5
    truth = gaussian_epsilon(mu, delta=delta)
    found = np.array(
        [
            audit_one_run(*gaussian_run(rng, 1000, mu), delta=delta, guesses=strategy, bound=bound).value
            for _ in range(runs)
        ]
    )
    assert np.mean(found > truth) <= 0.05
    assert np.median(found) > 0 or mu < 1  # and is seen


@every_bound
@every_strategy
def test_random_scores_show_no_epsilon(bound: Callable, strategy: Guesses | None) -> None:
    runs, rng = 400, np.random.default_rng(11)
    fired = [
        audit_one_run(*gaussian_run(rng, 1000, 0.0), delta=1e-5, guesses=strategy, bound=bound).value > 0
        for _ in range(runs)
    ]
    assert np.mean(fired) <= at_most(0.05, runs)


def test_the_best_number_of_guesses_uncorrected_cries_wolf() -> None:
    """The planted fault: what the grid pays for."""
    runs, rng, fired = 200, np.random.default_rng(0), 0
    for _ in range(runs):
        scores, included = gaussian_run(rng, 1000, 0.0)
        fired += any(
            audit_one_run(scores, included, delta=0.0, guesses=g, bound=BOUNDS["steinke"]).value > 0
            for g in GridGuesses(sizes=8).choices(1000)
        )
    assert fired / runs > 0.15


@every_strategy
def test_a_mechanism_that_leaks_rarely_but_wholly(strategy: Guesses | None) -> None:
    """With probability δ it tells everything: (0, δ), the case that the δ term is there for."""
    runs, rng, delta = 300, np.random.default_rng(5), 0.02
    found = []
    for _ in range(runs):
        scores, included = gaussian_run(rng, 400, 0.0)
        told = included * 100.0 if rng.random() < delta else scores
        found.append(
            audit_one_run(told, included, delta=delta, guesses=strategy, bound=BOUNDS["sharp"]).value > 0
        )
    assert np.mean(found) <= at_most(0.05, runs)


@pytest.mark.parametrize("strategy", [None, GridGuesses(4), SplitGuesses(sizes=5)], ids=str)
def test_tied_scores_do_not_betray_the_order_of_the_list(strategy: Guesses | None) -> None:
    """Included canaries listed first and one score for all: a stable sort would name every one."""
    runs, fired = 200, 0
    for seed in range(runs):
        included = np.arange(400) < 200
        bound = audit_one_run(
            np.zeros(400), included, delta=1e-5, guesses=strategy, bound=BOUNDS["steinke"], seed=seed
        )
        fired += bound.value > 0
    assert fired / runs <= at_most(0.05, runs)


def test_the_audit_counts_as_a_loop_would() -> None:
    rng = np.random.default_rng(0)
    scores, included = gaussian_run(rng, 500, 2.0)
    ranked = sorted(range(500), key=lambda i: -scores[i])
    right = sum(included[i] for i in ranked[:40]) + sum(not included[i] for i in ranked[-25:])
    found = audit_one_run(scores, included, delta=1e-5, guesses=FixedGuesses(40, 25), bound=one_run_epsilon)
    assert found == one_run_epsilon(int(right), 65, 500, delta=1e-5)
    assert found.operating_point == f"{right} of 65 guesses right"


def test_default_guesses_are_near_the_best_fixed_number() -> None:
    for sigma, m in ((1.0, 300), (1.0, 10**4), (2.0, 10**5)):
        default = default_guesses(m).top + default_guesses(m).bottom
        values = {
            r: one_run_epsilon_fdp(gaussian_counts(sigma, m, r), r, m, delta=1e-5).value
            for r in (default, *np.unique(np.geomspace(10, m, 20).astype(int)).tolist())
        }
        assert values[default] > 0.85 * max(values.values())
    assert default_guesses(4) == FixedGuesses(2, 2)


def test_the_same_seed_gives_the_same_bits() -> None:
    scores, included = gaussian_run(np.random.default_rng(0), 300, 1.0)
    for strategy in STRATEGIES:
        if strategy != FixedGuesses(200, 200):
            first, again = (audit_one_run(scores, included, delta=1e-5, guesses=strategy) for _ in range(2))
            assert first == again
            assert first.level == 0.95


@every_bound
@pytest.mark.parametrize(("v", "r", "m"), [(-1, 3, 9), (4, 3, 9), (3, 10, 9), (0, 0, 9)])
def test_impossible_counts_are_refused(bound: Callable, v: int, r: int, m: int) -> None:
    with pytest.raises(ValueError, match="guesses"):
        bound(v, r, m, delta=1e-5, level=0.95)


def test_impossible_audits_are_refused() -> None:
    scores, included = gaussian_run(np.random.default_rng(0), 20, 1.0)
    for guesses in (FixedGuesses(15, 15), FixedGuesses(-1, 5), FixedGuesses(0, 0)):
        with pytest.raises(ValueError, match="at most one a canary"):
            audit_one_run(scores, included, delta=1e-5, guesses=guesses)
    with pytest.raises(ValueError, match="delta"):
        audit_one_run(scores, included, delta=0.0, bound=one_run_epsilon_fdp)
    with pytest.raises(ValueError, match="too few"):
        audit_one_run(scores, included, delta=1e-5, guesses=SplitGuesses(share=0.0))
    with pytest.raises(ValueError, match="non-members"):
        audit_one_run(scores, np.ones(20, dtype=bool), delta=1e-5)
