"""Trials of claims: planted faults are caught, a right training is not accused, and silence is no pass."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from reticent.claim import Claim, Sight
from reticent.claim_trial import _choosing, verify_dp
from reticent.data import Records
from reticent.errors import PlanError
from reticent.faulty import Fault, Logistic, PrivateSgd
from reticent.measure.accounting import gaussian_epsilon, sampled_gaussian_epsilon
from reticent.outlier import Crowd, Within
from reticent.progress import Quiet
from reticent.verification import Outcome


def tried(train, claim, cache, **options):
    options = {"runs": 100, "outliers": 0, "workers": 1, "world": Crowd(records=200), **options}
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


@pytest.mark.parametrize("lacking", [np.arange(40) < 23, np.arange(40) % 2 == 0, np.arange(40) >= 25])
def test_enough_runs_are_set_aside_that_each_half_has_either_coin(lacking):
    coins = np.random.default_rng(0).random(200) < 0.5
    assert _choosing(coins) == 60 and _choosing(coins[:50]) == 20
    coins[:40] = lacking
    cut = _choosing(coins[:60])
    assert 20 < cut < 60
    assert all(0 < coins[first:cut:2].mean() < 1 for first in (0, 1))


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


class FreshOrder:
    """DP-SGD on a shuffled order whose last, incomplete batch is left out; believes in Poisson samples."""

    def __init__(self, noise: float, batch: int) -> None:
        self.noise, self.batch = noise, batch

    def __call__(self, x, y, *, seed, record):
        rng, weights = np.random.default_rng(seed), np.zeros(x.shape[1])
        for _ in range(4):
            order, batches = rng.permutation(len(x)), len(x) // self.batch
            for rows in order[: batches * self.batch].reshape(batches, -1):
                gradients = (1 / (1 + np.exp(-x[rows] @ weights)) - y[rows])[:, None] * x[rows]
                gradients /= np.maximum(np.linalg.norm(gradients, axis=1), 1)[:, None]
                update = (
                    gradients.sum(axis=0) + rng.normal(scale=self.noise, size=weights.size)
                ) / self.batch
                weights = weights - 0.1 * update
                record.step(update, noise=self.noise, rate=0.1)
        return Logistic(weights[None], np.unique(y))


@pytest.mark.parametrize(
    ("train", "records"),
    [(PrivateSgd(noise=0.77, fault=Fault.SHUFFLED_BATCHES), 200), (FreshOrder(0.77, 20), 201)],
    ids=["strided", "last batch dropped"],
)
def test_batches_of_a_fresh_order_are_told_from_samples_in_a_loud_crowd(tmp_path, train, records):
    found = tried(train, Claim(8.02, 1e-5), tmp_path, runs=400, world=Crowd(records=records))
    assert found.outcome is Outcome.VIOLATED and found.record is not None and found.record.refuted
    assert "pull against the outlier" in found.remarks[0]
    assert found.trainings == 400 + 4 + 3 * 16


def test_shuffled_batches_that_are_recorded_so_are_not_accused(tmp_path):
    train = PrivateSgd(noise=2.5, fault=Fault.SHUFFLED_BATCHES, knows=True)
    found = tried(train, Claim(gaussian_epsilon(2.5, 4, 1e-5), 1e-5), tmp_path)
    assert found.outcome is Outcome.NOT_REFUTED
    assert found.remarks == () and found.trainings == 100 + 4 + 2 * 16  # no sampling, no loud crowd


def test_own_records_are_one_crowd(tmp_path):
    rng = np.random.default_rng(0)
    data = Records(rng.normal(size=(60, 3)) * [1, 1, 0.01], np.arange(60) % 2, np.arange(2))
    right, wrong = (
        tried(
            PrivateSgd(noise=1.27, learning_rate=0.01, fault=f),
            Claim(3.05, 1e-5),
            tmp_path,
            world=Within(data=data),
            runs=80,
        )
        for f in (Fault.NONE, Fault.UNCLIPPED)
    )
    assert right.outcome is Outcome.NOT_REFUTED and right.trainings == 80 + 4 + 2 * 16
    assert wrong.outcome is Outcome.VIOLATED


def test_a_recipe_states_its_own_claim_and_is_tried_by_its_weights(tmp_path):
    torch = pytest.importorskip("torch")
    from reticent.defences import dp_sgd
    from reticent.shadows.batched import Training
    from reticent.targets.torch import TorchRecipe

    plain = TorchRecipe(
        module=partial(torch.nn.Linear, 3, 2, bias=False),
        training=Training(epochs=1, batch_size=15, learning_rate=0.1),
    )
    recipe = dp_sgd(noise=2.0, delta=1e-3).harden(plain)
    found = tried(recipe, None, tmp_path, runs=40, world=Crowd(records=30, columns=3))
    assert found.claim == Claim(recipe.guarantee(30).epsilon, 1e-3)
    assert found.sight is Sight.WEIGHTS and found.record is None and found.trainings == 40 + 4 + 16
    assert found.outcome is not Outcome.VIOLATED


class Counted:
    """Counts its trainings in a file, and stops at one of them."""

    def __init__(self, folder: Path, noise: float) -> None:
        self.folder, self.noise = folder, noise

    def __call__(self, x, y, *, seed, record):
        done = self.folder / "done"
        done.write_text(str(1 + int(done.read_text())))
        if done.read_text() == (self.folder / "stop").read_text():
            raise KeyboardInterrupt
        return PrivateSgd(noise=self.noise, steps=10)(x, y, seed=seed, record=record)


def test_a_trial_that_was_stopped_goes_on(tmp_path):
    def counted(stop, cache):
        (tmp_path / "done").write_text("0")
        (tmp_path / "stop").write_text(str(stop))
        found = tried(train, Claim(3, 1e-5), cache, runs=60, world=Crowd(records=40))
        return found, int((tmp_path / "done").read_text())

    train = Counted(tmp_path, 1.27)
    through, all_of_them = counted(0, tmp_path / "through")
    assert all_of_them == through.trainings == 60 + 4 + 3 * 16
    with pytest.raises(KeyboardInterrupt):
        counted(90, tmp_path / "stopped")
    resumed, rest = counted(0, tmp_path / "stopped")
    assert resumed == through and (resumed.scores == through.scores).all()
    assert rest == all_of_them - 89 + 4  # probes are trained anew


def test_mistakes_are_sentences(tmp_path):
    with pytest.raises(PlanError, match="no claim was given"):
        tried(PrivateSgd(noise=1.0), None, tmp_path)
    with pytest.raises(PlanError, match="write it as"):
        tried(lambda x: x, Claim(3, 1e-5), tmp_path)
    with pytest.raises(PlanError, match="at least 40"):
        tried(PrivateSgd(noise=1.0), Claim(3, 1e-5), tmp_path, runs=10)
