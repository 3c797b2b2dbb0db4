"""Readings of traces and the rule that is chosen among them, on traces drawn without any training."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.measure.accounting import Sampled, composed_delta
from reticent.measure.allowed import Allowed
from reticent.measure.epsilon import Fixed, gaussian_epsilon, gaussian_epsilon_lower_bound
from reticent.measure.trace import Reading, _of_moments, _of_pulls, choose, largest_epsilon, readings

STEPS, RATE, NOISE = 40, 0.1, 1.27
EPSILONS = np.linspace(0, 4.5, 40)
ALLOWED = Allowed(EPSILONS, composed_delta((Sampled(NOISE, RATE, STEPS),), EPSILONS))


def sampled(rng, runs, size, rate=RATE):
    """Traces of steps that each take the record by a coin, its coins, and what eight twins would show."""
    coins = rng.random(runs) < 0.5
    taken = (rng.random((runs, STEPS)) < rate) * coins[:, None]
    pulls = size * (rng.random((8, STEPS)) < rate)
    return rng.normal(scale=NOISE, size=(runs, STEPS)) + size * taken + 3.0, coins, pulls


def once_an_epoch(rng, runs, size):
    coins = rng.random(runs) < 0.5
    traces = rng.normal(scale=NOISE, size=(runs, STEPS // 10, 10))
    place = rng.integers(0, 10, (runs, STEPS // 10, 1))
    pulls = np.zeros((8, STEPS // 10, 10))
    np.put_along_axis(pulls, rng.integers(0, 10, (8, STEPS // 10, 1)), size, axis=2)
    shift = np.zeros_like(traces)
    np.put_along_axis(shift, place, size, axis=2)
    return (traces + shift * coins[:, None, None]).reshape(runs, STEPS), coins, pulls.reshape(8, STEPS)


def refuted(traces, coins, pulls):
    """The trial's test of the record: a rule of the first three tenths, tried on the rest."""
    cut = round(0.3 * len(coins))
    fit = lambda t, c: readings(t, c, pulls, 10)  # noqa: E731
    rule = choose(fit, traces[:cut], coins[:cut], ALLOWED.telling)
    guessed, held = rule.scores(traces[cut:]) >= rule.threshold, coins[cut:]
    wrong, missed = int(guessed[~held].sum()), int((~guessed)[held].sum())
    return ALLOWED.chance(wrong, missed, int((~held).sum()), int(held.sum())) <= 0.02


def test_true_traces_are_accused_in_at_most_five_of_a_hundred_trials():
    found = [refuted(*sampled(np.random.default_rng(seed), 100, 1.0)) for seed in range(200)]
    assert np.mean(found) <= 0.05


@pytest.mark.parametrize("draw", [sampled, once_an_epoch])
def test_a_record_that_adds_twice_what_was_recorded_is_found(draw):
    found = [refuted(*draw(np.random.default_rng(seed), 500, 2.0)) for seed in range(12)]
    assert np.mean(found) >= 0.9


@given(st.floats(0.2, 5), st.floats(0.05, 1), st.booleans())
@settings(max_examples=30, deadline=None)
def test_what_is_added_to_some_steps_is_read_off_twins(size, rate, down):
    pulls = np.zeros((8, STEPS))
    pulls[:, : max(1, round(rate * STEPS))] = -size if down else size
    assert _of_pulls(pulls) == pytest.approx((-size if down else size, max(1, round(rate * STEPS)) / STEPS))


def test_twins_that_show_nothing_add_nothing():
    assert _of_pulls(np.zeros((8, STEPS))) == (0.0, 1.0)
    assert _of_moments(np.zeros((8, STEPS))) == (0.0, 1.0)


def test_moments_tell_size_and_rate_where_runs_are_many():
    rng = np.random.default_rng(0)
    inside = rng.normal(size=(20000, STEPS)) + 2.0 * (rng.random((20000, STEPS)) < 0.1)
    assert _of_moments(inside) == pytest.approx((2.0, 0.1), rel=0.1)


def test_likelihoods_agree_with_a_slow_plain_reference():
    """With means and noise known: eight thousand runs to fit on."""
    rng, size = np.random.default_rng(1), 1.5
    traces, coins, pulls = sampled(rng, 8000, size)
    found = {r.name: r.of(traces[:20]) for r in readings(traces, coins, pulls, 10)}
    each, once = [], []
    for trace in (traces[:20] - 3.0) / NOISE:
        ratios = [np.exp(size / NOISE * z - (size / NOISE) ** 2 / 2) for z in trace]
        rate = (pulls > 0).mean()
        each.append(sum(np.log(1 - rate + rate * r) for r in ratios))
        once.append(sum(np.log(np.mean(ratios[i : i + 10])) for i in range(0, STEPS, 10)))
    assert found["likelihood of a sampled record"] == pytest.approx(each, abs=0.3)
    assert found["likelihood of a record once an epoch"] == pytest.approx(once, abs=0.5)


@pytest.mark.parametrize("period", [None, 1, 3, 10, 1000])
def test_the_readings_are_the_same_ones_whatever_they_are_fitted_on(period):
    rng = np.random.default_rng(2)
    names = set()
    for runs in (8, 50):
        traces, coins, pulls = sampled(rng, runs, 1.0)
        coins[:2] = True, False
        for shown in (None, pulls, 0 * pulls):
            found = readings(traces, coins, shown, period)
            names.add(tuple(r.name for r in found))
            assert all(np.isfinite(r.of(traces)).all() for r in found)
    assert len(names) == 1


def test_certain_steps_are_found_where_batches_have_a_fixed_order():
    rng = np.random.default_rng(3)
    traces, coins = rng.normal(size=(300, STEPS)), rng.random(300) < 0.5
    traces[:, 7::10] += 1.5 * coins[:, None]
    rule = choose(lambda t, c: readings(t, c, None, 10), traces, coins, ALLOWED.telling)
    assert rule.reading.name.startswith("certain steps")


def test_what_flatters_itself_where_it_was_fitted_is_not_chosen():
    """A reading that knows its runs by heart loses to one that tells a little everywhere."""
    rng = np.random.default_rng(4)
    coins = rng.random(80) < 0.5
    seen = np.stack([np.arange(80.0), coins + rng.normal(size=80)], axis=1)

    def fit(part, of):
        known = dict(zip(part[:, 0], of, strict=True))
        by_heart = lambda x: np.array([float(known.get(i, 0.5)) for i in x[:, 0]])  # noqa: E731
        return [Reading("by heart", by_heart), Reading("a little", lambda x: x[:, 1])]

    rule = choose(fit, seen, coins, largest_epsilon(1e-5, 0.02))
    assert rule.reading.name == "a little" and rule.sign == 1


def test_a_rule_turned_round_reads_what_points_down():
    rng = np.random.default_rng(5)
    coins = rng.random(200) < 0.5
    seen = rng.normal(size=(200, 1)) - 3 * coins[:, None]
    rule = choose(
        lambda s, c: [Reading("plain", lambda x: x[:, 0])], seen, coins, largest_epsilon(1e-5, 0.02)
    )
    assert rule.sign == -1
    assert np.mean((rule.scores(seen) >= rule.threshold) == coins) > 0.85


def test_one_gaussian_sum_is_bounded_by_its_closed_form_and_nearly_reached():
    """A training that releases one sum: mu = 1 / noise, and epsilon by Dong, Roth & Su's corollary 2.13."""
    delta, mu, bounds = 1e-2, 1.5, []
    true = gaussian_epsilon(mu, delta=delta)
    for runs in (300, 60_000):
        rng = np.random.default_rng(6)
        coins = rng.random(runs) < 0.5
        traces = (rng.normal(size=runs) + mu * coins)[:, None]
        cut = min(300, round(0.3 * runs))
        rule = choose(readings, traces[:cut], coins[:cut], largest_epsilon(delta, 0.02))
        bound = gaussian_epsilon_lower_bound(
            rule.scores(traces[cut:]), coins[cut:], delta=delta, strategy=Fixed(rule.threshold)
        )
        bounds.append(bound.value)
    assert bounds[0] < bounds[1] <= true
    assert bounds[1] > 0.9 * true


def test_the_gaussian_bound_is_wrong_at_most_as_often_as_it_says():
    delta, mu, above = 1e-2, 1.0, 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        coins = rng.random(200) < 0.5
        traces = (rng.normal(size=200) + mu * coins)[:, None]
        rule = choose(readings, traces[:60], coins[:60], largest_epsilon(delta, 0.02))
        how = {"delta": delta, "strategy": Fixed(rule.threshold)}
        bound = gaussian_epsilon_lower_bound(rule.scores(traces[60:]), coins[60:], **how)
        above += bound.value > gaussian_epsilon(mu, delta=delta)
    assert above <= 8  # of 100 at 95 %: five, and 1.4 standard errors
