"""Trials of claims: planted faults are caught, a right training is not accused, and silence is no pass."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.claim import Claim, Drawn, Recorder, Sight, Step, account
from reticent.claim_trial import verify_dp
from reticent.errors import PlanError
from reticent.faulty import Fault, PrivateSgd
from reticent.measure.accounting import gaussian_epsilon, sampled_gaussian_epsilon
from reticent.progress import Quiet
from reticent.verification import Outcome


def tried(train, claim, cache, **options):
    options = {"runs": 100, "outliers": 0, "workers": 1, **options}
    return verify_dp(train, claim, cache=cache, progress=Quiet(), **options)


@pytest.mark.parametrize(
    "fault", [Fault.UNCLIPPED, Fault.CLIPPED_MEAN, Fault.NOISE_OVER_BATCH, Fault.SAME_NOISE], ids=str
)
def test_planted_faults_are_caught_by_what_was_measured(tmp_path, fault):
    train = PrivateSgd(noise=1.27, fault=fault)
    found = tried(train, Claim(3.05, 1e-5), tmp_path)
    assert found.outcome is Outcome.VIOLATED
    assert found.measured and not found.reckoned
    assert "violated with 95 % confidence" in found.sentence


def test_a_right_training_is_not_accused(tmp_path):
    found = tried(PrivateSgd(noise=1.27), Claim(3.05, 1e-5), tmp_path)
    assert found.outcome is Outcome.NOT_REFUTED
    assert found.bound.value <= 3.05
    assert found.accounted == pytest.approx(sampled_gaussian_epsilon(1.27, 0.1, 40, 1e-5), rel=1e-6)


def test_a_record_that_costs_more_than_the_claim_refutes_it(tmp_path):
    train = PrivateSgd(noise=1.27, fault=Fault.FIXED_BATCHES, knows=True)
    found = tried(train, Claim(3.05, 1e-5), tmp_path, runs=60)
    assert found.reckoned and found.outcome is Outcome.VIOLATED


def test_same_seed_gives_the_same_trial(tmp_path):
    one, two = (
        tried(PrivateSgd(noise=2.0), Claim(3, 1e-5), tmp_path / name, runs=60, sight=Sight.WEIGHTS)
        for name in ("a", "b")
    )
    assert one == two
    assert (one.scores == two.scores).all()


def test_a_training_that_leaves_outliers_out_is_no_pass(tmp_path):
    right = PrivateSgd(noise=1.27)

    def train(x, y, *, seed, record):
        kept = np.linalg.norm(x, axis=1) < 1
        return right(x[kept], y[kept], seed=seed, record=record)

    found = tried(train, Claim(3.05, 1e-5), tmp_path, runs=60)
    assert found.outcome is Outcome.NO_POWER
    assert "leaves such records out" in found.sentence


def test_noise_that_does_not_follow_the_seed_is_no_pass(tmp_path):
    right = PrivateSgd(noise=1.27)

    def train(x, y, *, seed, record):
        return right(x, y, seed=0, record=record)

    found = tried(train, Claim(20, 1e-5), tmp_path, runs=60)
    assert found.silence is not None and "two seeds" in found.silence


def test_too_few_runs_for_a_claim_are_no_pass(tmp_path):
    found = tried(PrivateSgd(noise=1.27), Claim(8, 1e-5), tmp_path, runs=60, sight=Sight.SCORES)
    assert found.outcome is Outcome.NO_POWER


def test_recorded_steps_cost_what_the_accountant_says():
    steps = [Step(2.0, 0.1)] * 30
    held = account(steps)
    assert held is not None
    assert held.epsilon(1e-5) == pytest.approx(sampled_gaussian_epsilon(2.0, 0.1, 30, 1e-5), rel=1e-6)
    shuffled = account([Step(4.0, 0.1, Drawn.SHUFFLED)] * 30)
    assert shuffled is not None
    assert shuffled.epsilon(1e-5) == pytest.approx(gaussian_epsilon(4.0, 3, 1e-5), rel=1e-2)
    assert account([Step(None)]) is None
    assert account([]) is None


@pytest.mark.parametrize(("epsilon", "delta"), [(0, 1e-5), (-1, 1e-5), (3, 0), (3, 1)])
def test_claims_that_are_none_are_refused(epsilon, delta):
    with pytest.raises(PlanError, match="state"):
        Claim(epsilon, delta)


def test_mistakes_are_sentences(tmp_path):
    with pytest.raises(PlanError, match="no claim was given"):
        tried(PrivateSgd(noise=1.0), None, tmp_path)
    with pytest.raises(PlanError, match="write it as"):
        tried(lambda x: x, Claim(3, 1e-5), tmp_path)
    with pytest.raises(PlanError, match="at least 40"):
        tried(PrivateSgd(noise=1.0), Claim(3, 1e-5), tmp_path, runs=10)
    with pytest.raises(PlanError, match="share of the records"):
        Recorder().step(rate=2)
