"""A small DP-SGD with faults to plant: the right one does as it says, each wrong one errs in one way."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.claim import Drawn, Recorder, account
from reticent.faulty import Fault, PrivateSgd
from reticent.measure.accounting import sampled_gaussian_epsilon
from reticent.outlier import Crowd

SILENT = 1e-9
"""Noise so small that an update shows its sum."""


def shown(train, x, y, seed=0):
    recorder = Recorder()
    model = train(x, y, seed=seed, record=recorder)
    return model, recorder


def sums(train, x, y, seed=0):
    """(steps, columns) what the records added to each step."""
    return np.stack(shown(train, x, y, seed)[1].updates) * train.rate * len(x)


def crowd(records=60, pull=0.05):
    planted = Crowd(records=records, columns=3, pull=pull).planted()
    rows = np.delete(np.arange(records + 1), -2)
    return np.asarray(planted.features)[rows], planted.labels[rows]


@given(st.integers(0, 10_000), st.floats(0.1, 3), st.floats(0.1, 50))
@settings(max_examples=25, deadline=None)
def test_a_record_adds_no_more_than_the_clip(seed, clip, reach):
    """First step, all records: with one more or without, the sums differ by the clip at most."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(scale=reach, size=(20, 3)), np.arange(20) % 2
    added = {}
    for fault in (Fault.NONE, Fault.UNCLIPPED, Fault.CLIPPED_SUM, Fault.CLIPPED_MEAN):
        train = PrivateSgd(noise=SILENT, rate=1.0, steps=1, clip=clip, fault=fault)
        added[fault] = np.linalg.norm(sums(train, x, y)[0] - sums(train, x[:-1], y[:-1])[0])
    assert added[Fault.NONE] <= clip * (1 + 1e-6)
    assert added[Fault.CLIPPED_SUM] <= 2 * clip * (1 + 1e-6)
    assert added[Fault.UNCLIPPED] == pytest.approx(np.linalg.norm(0.5 * x[-1]), rel=1e-5)


def test_each_clipping_fault_lets_the_outlier_add_more():
    x, y = crowd()
    added = {}
    for fault in (Fault.NONE, Fault.CLIPPED_SUM, Fault.CLIPPED_MEAN, Fault.UNCLIPPED):
        train = PrivateSgd(noise=SILENT, rate=1.0, steps=1, fault=fault)
        added[fault] = np.linalg.norm(sums(train, x, y)[0] - sums(train, x[:-1], y[:-1])[0])
    assert added[Fault.NONE] == pytest.approx(1.0, abs=1e-6)
    assert added[Fault.CLIPPED_SUM] == pytest.approx(2.0, abs=1e-6)
    assert added[Fault.CLIPPED_MEAN] > 4 and added[Fault.UNCLIPPED] == pytest.approx(5.0, abs=1e-6)


@pytest.mark.parametrize("fault", [Fault.FIXED_BATCHES, Fault.SHUFFLED_BATCHES])
def test_batches_take_each_record_once_an_epoch(fault):
    train = PrivateSgd(noise=1.0, steps=20, fault=fault)
    rng = np.random.default_rng(0)
    rows = [train._rows(7, rng, 53, step) for step in range(20)]
    for epoch in (rows[:10], rows[10:]):
        assert sorted(np.concatenate(epoch)) == list(range(53))
    same = all((a == b).all() for a, b in zip(rows[:10], rows[10:], strict=True) if a.size == b.size)
    assert same == (fault is Fault.FIXED_BATCHES)


def test_samples_take_each_record_by_a_coin():
    train, rng = PrivateSgd(noise=1.0, rate=0.2), np.random.default_rng(0)
    sizes = np.array([train._rows(0, rng, 100, step).size for step in range(2000)])
    assert sizes.mean() == pytest.approx(20, abs=0.4)
    assert sizes.var() == pytest.approx(16, rel=0.15)


def test_noise_is_as_large_as_it_says_or_smaller_or_one_for_all():
    x, y = np.zeros((50, 4)), np.arange(50) % 2  # records that add nothing
    of = lambda fault: sums(PrivateSgd(noise=2.0, steps=2000, fault=fault), x, y)  # noqa: E731
    assert of(Fault.NONE).std() == pytest.approx(2.0, rel=0.05)
    assert of(Fault.NOISE_OVER_BATCH).std() == pytest.approx(2.0 / 5, rel=0.05)
    assert np.ptp(of(Fault.SAME_NOISE), axis=0) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("fault", list(Fault), ids=str)
def test_what_is_claimed_is_what_the_record_costs(fault):
    train = PrivateSgd(noise=1.3, steps=10, fault=fault)
    x, y = crowd(20)
    held = account(shown(train, x, y)[1].steps)
    assert held is not None
    assert held.epsilon(1e-5) == pytest.approx(train.claim().epsilon, rel=1e-6)
    rate = 0.02 if fault is Fault.WRONG_SIZE else 0.1
    assert train.claim().epsilon == sampled_gaussian_epsilon(1.3, rate, 10, 1e-5)


def test_one_that_knows_records_how_it_samples():
    x, y = crowd(20)
    told = {
        fault: shown(PrivateSgd(noise=1.0, fault=fault, knows=True), x, y)[1].steps[0]
        for fault in (Fault.NONE, Fault.SHUFFLED_BATCHES, Fault.WRONG_SIZE)
    }
    assert told[Fault.NONE].drawn is Drawn.POISSON and told[Fault.SHUFFLED_BATCHES].drawn is Drawn.SHUFFLED
    assert told[Fault.WRONG_SIZE].rate == 0.1


def test_same_seed_gives_the_same_model_and_it_answers():
    x, y = crowd()
    train = PrivateSgd(noise=1.0)
    one, two, other = (shown(train, x, y, seed)[0] for seed in (1, 1, 2))
    assert (one.coef_ == two.coef_).all() and (one.coef_ != other.coef_).any()
    assert one.predict_proba(x).sum(axis=1) == pytest.approx(1)
    assert set(one.predict(x)) <= {0, 1}
