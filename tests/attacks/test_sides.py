"""The two sides of every record, against loops over records."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.sides import IN, OUT, filled, log_mean_probabilities, moments, spread_mean
from reticent.errors import PlanError
from reticent.shadows import signals
from reticent.shadows.signals import Signals, log_confidence, margin


def drawn(seed: int, models: int = 9, records: int = 40, variants: int = 2) -> Signals:
    """Sides of all sizes, some without a model."""
    rng = np.random.default_rng(seed)
    logits = 3 * rng.normal(size=(models, records, variants, 4))
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    members = rng.random((models, records)) < rng.random(records)
    return Signals(logs.astype(np.float32), rng.integers(0, 4, records), members)


@pytest.mark.parametrize("location", ["mean", "median"])
@pytest.mark.parametrize("block", [1, 1 << 18])
def test_moments_are_each_records_own(location: str, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "BLOCK", block)
    shadows = drawn(0)
    found = moments(shadows, margin, location)  # type: ignore[arg-type]
    x = shadows.margin().astype(np.float64)
    for record in range(shadows.records):
        for side, chosen in ((OUT, ~shadows.members[:, record]), (IN, shadows.members[:, record])):
            own = x[chosen, record]
            assert found.counts[side, record] == len(own)
            if len(own) == 0:
                assert np.isnan(found.centres[side, record]).all()
                continue
            centre = own.mean(axis=0) if location == "mean" else np.median(own, axis=0)
            np.testing.assert_allclose(found.centres[side, record], centre, atol=1e-5)
            squares = ((own - own.mean(axis=0)) ** 2).sum(axis=0)
            np.testing.assert_allclose(found.squares[side, record], squares, rtol=1e-4, atol=1e-8)


def test_variance_is_pooled_around_each_records_own_mean() -> None:
    shadows = drawn(1)
    x, found = shadows.margin().astype(np.float64), moments(shadows, margin)
    for side in (OUT, IN):
        squares, freedom = np.zeros(2), 0
        for record in range(shadows.records):
            own = x[shadows.members[:, record] == (side == IN), record]
            if len(own):
                squares += ((own - own.mean(axis=0)) ** 2).sum(axis=0)
                freedom += len(own) - 1
        np.testing.assert_allclose(found.pooled_variance()[side, 0], squares / freedom, rtol=1e-4)


def test_small_variances_keep_their_digits_under_large_means() -> None:
    """As two certain models: margins of 16 that differ in the fourth decimal."""
    rng = np.random.default_rng(0)
    far = rng.choice([-16.0, 16.0], size=(1, 500, 1)) + 1e-3 * rng.normal(size=(20, 500, 1))
    values = np.stack([far, np.zeros_like(far)], axis=-1).astype(np.float32)
    shadows = Signals(values, np.zeros(500, dtype=np.int64), rng.random((20, 500)) < 0.5)
    found = moments(shadows, margin)
    np.testing.assert_allclose(found.pooled_variance().ravel(), 1e-6, rtol=0.05)


def test_without_two_models_on_a_side_the_spread_over_records_stands_in() -> None:
    shadows = drawn(2, models=2)
    found = moments(Signals(shadows.values, shadows.labels, np.array([[True] * 40, [False] * 40])), margin)
    expected = shadows.margin()[[1, 0]].astype(np.float64).var(axis=1)
    np.testing.assert_allclose(found.pooled_variance()[:, 0], expected, rtol=1e-4)


def test_equal_values_have_variance_nought_and_a_floor() -> None:
    values = np.full((6, 30, 1, 2), np.log(0.5), dtype=np.float32)
    values[:3, 0, 0, 0] = [-1, -2, -3]
    members = np.arange(6)[:, None] % 2 == np.arange(30) % 2
    found = moments(Signals(values, np.zeros(30, dtype=np.int64), members), margin)
    assert (found.squares[:, 1:] == 0).all()
    floor = 0.01 * found.pooled_variance()
    np.testing.assert_allclose(found.variances()[:, 1:], np.broadcast_to(floor, (2, 29, 1)))
    assert (found.variances()[:, 0] > floor[:, 0]).all()


def test_mean_probabilities_are_each_records_own() -> None:
    shadows = drawn(3)
    counts, logs = log_mean_probabilities(shadows, log_confidence)
    p = np.exp(shadows.log_confidence().astype(np.float64))
    for record in range(shadows.records):
        for side, chosen in ((OUT, ~shadows.members[:, record]), (IN, shadows.members[:, record])):
            assert counts[side, record] == chosen.sum()
            if chosen.any():
                expected = np.log(p[chosen, record].mean(axis=0))
                np.testing.assert_allclose(logs[side, record], expected, atol=1e-5)
            else:
                assert np.isnan(logs[side, record]).all()


def test_a_sides_mean_is_not_lost_beside_a_far_larger_one() -> None:
    values = np.zeros((8, 1, 1, 2), dtype=np.float32)
    values[4:, 0, 0, 0] = -60.0
    values[:, 0, 0, 1] = -1.0
    members = np.arange(8)[:, None] < 4
    _, logs = log_mean_probabilities(Signals(values, np.zeros(1, dtype=np.int64), members), log_confidence)
    np.testing.assert_allclose(logs[:, 0, 0], [-60.0, 0.0], atol=1e-4)


def test_probabilities_that_underflow_are_averaged_all_the_same() -> None:
    values = np.full((4, 1, 1, 2), -200.0, dtype=np.float32)
    values[..., 1] = 0
    members = np.array([[True], [True], [False], [False]])
    _, logs = log_mean_probabilities(Signals(values, np.zeros(1, dtype=np.int64), members), log_confidence)
    np.testing.assert_allclose(logs[:, 0, 0], -200.0)


def test_a_missing_side_is_the_other_moved_by_the_mean_difference() -> None:
    centres = np.array([[[1.0], [3.0], [np.nan]], [[np.nan], [5.0], [9.0]]])
    shift = 7.0 - 2.0
    expected = [[[1.0], [3.0], [9.0 - shift]], [[1.0 + shift], [5.0], [9.0]]]
    np.testing.assert_allclose(filled(centres, (OUT, IN), "lira"), expected)


def test_filling_in_is_unbiased() -> None:
    """Which side is missing is chance: on average what is filled in is what was there."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(2, 20_000, 1)) + np.array([0.0, 3.0])[:, None, None]
    seen = centres.copy()
    side = rng.integers(0, 2, 20_000)
    seen[side, np.arange(20_000)] = np.nan
    wrong = (filled(seen, (OUT, IN), "lira") - centres)[side, np.arange(20_000)]
    assert abs(wrong.mean()) < 4 * wrong.std() / np.sqrt(20_000)


def test_a_side_that_is_nowhere_is_refused_only_where_needed() -> None:
    centres = np.array([[[1.0]], [[np.nan]]])
    assert filled(centres, (OUT,), "lira") is centres
    with pytest.raises(PlanError, match=r"lira needs shadow models that trained on the records"):
        filled(centres, (OUT, IN), "lira")
    with pytest.raises(PlanError, match="did not train"):
        filled(centres[::-1], (OUT,), "lira")


def test_spread_mean_is_of_the_records_that_have_a_model() -> None:
    centres = np.array([[[1.0], [np.nan]], [[np.nan], [np.nan]]])
    np.testing.assert_array_equal(spread_mean(centres)[:, 0, 0], [1.0, 0.0])
