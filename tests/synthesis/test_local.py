"""Noise record by record: e^ε and no more between any two truths, and crowds are heard without bias."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, chisquare

from reticent.errors import PlanError
from reticent.measure.gaussian import discrete_gaussian_sigma
from reticent.noise import Dice, DiscreteGaussian
from reticent.synthesis import local
from reticent.synthesis.local import GRID, frequencies, noisy_numbers, randomised_response


@pytest.mark.parametrize(("values", "epsilon"), [(2, 1.0), (5, 0.5), (3, 3.0)])
def test_the_truth_is_e_to_the_epsilon_times_as_likely(values, epsilon):
    people = 60_000
    answers = np.bincount(
        randomised_response(np.ones(people, np.int64), values, epsilon, Dice(1)), minlength=values
    )
    weights = np.where(np.arange(values) == 1, math.exp(epsilon), 1.0)
    assert chisquare(answers, people * weights / weights.sum()).pvalue > 1e-4
    # a tenth more of epsilon is told apart: the test can fail
    more = np.where(np.arange(values) == 1, math.exp(1.1 * epsilon), 1.0)
    assert chisquare(answers, people * more / more.sum()).pvalue < 1e-4


def test_one_value_or_certainty_is_the_truth():
    truth = np.arange(6) % 3
    assert np.array_equal(randomised_response(truth, 3, 200.0, Dice(0)), truth)
    assert np.array_equal(randomised_response(np.zeros(5, np.int64), 1, 0.1, Dice(0)), np.zeros(5))


def test_frequencies_are_unbiased_over_worlds_and_their_intervals_hold():
    truth = np.repeat([0, 1, 2], [900, 250, 50])
    shares, worlds = np.array([900, 250, 50]) / 1200, 300
    found = np.zeros((worlds, 3))
    held = 0
    for world in range(worlds):
        told = frequencies(randomised_response(truth, 3, 1.0, Dice(world)), 3, 1.0)
        found[world] = [t.value for t in told]
        held += sum(t.low <= s <= t.high for t, s in zip(told, shares, strict=True))
    error = found.std(axis=0) / math.sqrt(worlds)
    assert (np.abs(found.mean(axis=0) - shares) < 4 * error).all()
    assert binomtest(held, 3 * worlds, 0.95, alternative="less").pvalue > 1e-3
    assert found.sum(axis=1) == pytest.approx(np.ones(worlds))


@settings(max_examples=30, deadline=None)
@given(st.floats(-10, 0), st.floats(0.5, 10), st.floats(0.1, 20), st.integers(0, 1000))
def test_numbers_stay_within_their_bounds(low, high, epsilon, seed):
    values = np.array([low, high, (low + high) / 2, low - 5, high + 5])
    moved = noisy_numbers(values, low, high, epsilon, Dice(seed))
    assert (moved >= low - 1e-9).all() and (moved <= high + 1e-9).all()


def test_noise_on_numbers_is_as_wide_as_epsilon_asks():
    # From one bound to the other the chance of an answer at the bound falls by e^ε at most
    epsilon, people = 1.5, 40_000
    here, there = (noisy_numbers(np.full(people, v), 0.0, 1.0, epsilon, Dice(int(v) + 1)) for v in (0.0, 1.0))
    for cut in (0.0, 0.25, 0.5):
        ratio = (here <= cut).mean() / (there <= cut).mean()
        assert ratio < math.exp(epsilon) * 1.08
    assert (here <= 0.0).mean() / (there <= 0.0).mean() > math.exp(epsilon) * 0.92
    centre = noisy_numbers(np.full(people, 0.5), 0.0, 1.0, 40.0, Dice(9))
    assert centre.mean() == pytest.approx(0.5, abs=5 / 40 / math.sqrt(people) * 2)
    assert GRID * (centre - 0.0) == pytest.approx(np.rint(GRID * centre))


@settings(max_examples=8, deadline=None)
@given(st.floats(-10, 0), st.floats(0.5, 10), st.floats(0.5, 20), st.integers(1, 3), st.integers(0, 1000))
def test_gaussian_numbers_stay_within_their_bounds_too(low, high, epsilon, columns, seed):
    values = np.array([low, high, (low + high) / 2, low - 5, high + 5])
    moved = noisy_numbers(values, low, high, epsilon, Dice(seed), delta=1e-3, columns=columns)
    assert (moved >= low - 1e-9).all() and (moved <= high + 1e-9).all()


def test_gaussian_noise_has_its_law_on_the_grid(monkeypatch):
    monkeypatch.setattr(local, "GRID", 8)
    epsilon, delta, people = 6.0, 1e-2, 30_000
    moved = noisy_numbers(np.full(people, 0.25), 0.0, 1.0, epsilon, Dice(3), delta=delta)
    seen = np.bincount(np.rint(8 * moved).astype(int), minlength=9)
    far = np.arange(-200, 201)
    for wider, fits in ((1.0, True), (1.1, False)):
        sigma = wider * discrete_gaussian_sigma(epsilon, delta, 8)
        law = np.exp(-((far - 2) ** 2) / (2 * sigma**2))
        expected = np.bincount(np.clip(far, 0, 8), law / law.sum(), minlength=9)
        assert (chisquare(seen, people * expected).pvalue > 1e-4) == fits


@pytest.mark.parametrize(("epsilon", "columns"), [(1.0, 1), (3.0, 4)])
def test_what_is_spent_is_what_was_stated(monkeypatch, epsilon, columns):
    """From one end to the other in every column, by the noise that is drawn with: delta, and hardly less."""
    monkeypatch.setattr(local, "GRID", 64)
    drawn = []
    monkeypatch.setattr(DiscreteGaussian, "draw", lambda noise, *_: drawn.append(noise) or np.zeros(1, int))
    noisy_numbers(np.zeros(1), 0.0, 1.0, epsilon, Dice(0), delta=1e-4, columns=columns)
    variance = float(drawn[0].variance)
    law = np.exp(-(np.arange(-2_500, 2_501.0) ** 2) / (2 * columns * variance))
    law /= law.sum()
    # of several columns what counts is their sum, which is moved by the sum of the moves
    here, there = np.pad(law, (0, 64 * columns)), np.pad(law, (64 * columns, 0))
    # and the likelihood of a sum that is moved so tells all that the columns do: it is sufficient
    spent = np.maximum(there - math.exp(epsilon) * here, 0).sum()
    assert 0.97e-4 < spent <= 1e-4


@pytest.mark.parametrize(("columns", "less"), [(2, False), (40, True)])
def test_gaussian_noise_is_less_where_columns_are_many(columns, less):
    laplace = math.sqrt(2) * columns * GRID / 2.0
    assert (discrete_gaussian_sigma(2.0, 1e-5, GRID, columns) < 0.7 * laplace) == less


def test_noise_that_drowns_everything_is_refused():
    with pytest.raises(
        PlanError, match="times as wide as their bounds, which drowns everything; give a larger"
    ):
        noisy_numbers(np.zeros(3), 0.0, 1.0, 1e-3, Dice(0), delta=1e-6, columns=9)
