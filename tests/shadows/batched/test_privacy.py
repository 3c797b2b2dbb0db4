"""Private training's draws: coins that are fair, noise of the size that was said, trees that add up."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reticent.errors import PlanError
from reticent.measure.accounting import gaussian_epsilon, sampled_gaussian_epsilon
from reticent.shadows.batched.privacy import Coins, Noise, Privacy

CPU = torch.device("cpu")


def test_noise_follows_from_epsilon_and_back():
    for order, epsilon in (("sampled", 3.0), ("ordered", 8.0)):
        wanted = Privacy(epsilon=epsilon, order=order)
        noise = wanted.multiplier(2000, 100, 10)
        found = Privacy(noise=noise, order=order).guarantee(2000, 100, 10)
        assert found.epsilon == pytest.approx(epsilon, rel=0.02) and found.epsilon <= epsilon
        assert f"{noise:.3g}" in found.by and found.delta == 1e-5


def test_what_is_guaranteed_is_what_the_accountant_says_of_these_steps():
    found = Privacy(noise=1.1).guarantee(2000, 100, 10)
    assert found.epsilon == pytest.approx(sampled_gaussian_epsilon(1.1, 0.05, 200, 1e-5))
    tree = Privacy(noise=5.0, order="ordered").guarantee(2000, 100, 3)
    # 20 leaves: a path of ceil(log2 20) + 1 = 6 nodes, in each of three trees
    assert tree.epsilon == pytest.approx(gaussian_epsilon(5.0, 18, 1e-5))


@pytest.mark.parametrize("records", [999, 1000, 1001, 7919])
def test_the_rate_is_never_below_what_is_drawn(records):
    rate = Privacy(noise=1.0).rate(records, 64)
    assert 64 / records <= rate <= 1.1 * 64 / records
    assert Privacy(noise=1.0).rate(50, 64) == 1.0


def test_coins_are_fair_and_each_models_own():
    own = [np.arange(1000), np.arange(500, 900)]
    coins = Coins(own, seeds=[1, 2], rates=[0.1, 0.25])
    counts, seen = [], np.zeros(1000)
    for _ in range(300):
        rows, many = coins.drawn(2)
        counts.append(many)
        first = rows[0, : many[0]]
        assert len(set(first)) == len(first)
        assert set(rows[1, : many[1]]) <= set(own[1])
        seen[first] += 1
    counts = np.array(counts)
    assert counts.mean(axis=0) == pytest.approx([100, 100], abs=3)
    assert counts.var(axis=0) == pytest.approx([90, 75], rel=0.3)  # binomial, so not batches of one size
    assert seen.std() == pytest.approx(np.sqrt(300 * 0.1 * 0.9), rel=0.15)


def test_a_model_draws_the_same_coins_alone_and_beside_others():
    own = [np.arange(100), np.arange(100)]
    both, alone = Coins(own, [1, 2], [0.2, 0.2]), Coins(own[:1], [1], [0.2])
    for _ in range(5):
        rows, many = both.drawn(2)
        mine, count = alone.drawn(1)
        assert many[0] == count[0]
        np.testing.assert_array_equal(rows[0, : many[0]], mine[0, : count[0]])


def test_independent_noise_is_standard_and_independent():
    noise = Noise([1, 2], 20_000, CPU, tree=False)
    one = noise.next(slice(0, 2)).clone()
    two = noise.next(slice(0, 2)).clone()
    drawn = torch.cat([one, two])
    assert drawn.mean(1).abs().max() < 0.03
    assert (drawn.std(1) - 1).abs().max() < 0.03
    away = torch.corrcoef(drawn) - torch.eye(4)
    assert away.abs().max() < 0.03


def test_a_trees_noise_of_the_sum_so_far_is_that_of_the_nodes_that_cover_it():
    noise, total = Noise([1], 40_000, CPU, tree=True), torch.zeros(40_000)
    for step in range(1, 17):
        total = total + noise.next(slice(0, 1))[0]
        assert float(total.var()) == pytest.approx(step.bit_count(), rel=0.04), step
    before = total.clone()
    noise.restart()
    after = before + noise.next(slice(0, 1))[0]
    assert float((after - before).var()) == pytest.approx(1, rel=0.04)


def test_too_large_a_delta_is_told():
    with pytest.warns(UserWarning, match="delta=0.01 is not below one over 200 records"):
        Privacy(noise=1.0, delta=0.01).multiplier(200, 20, 2)


@pytest.mark.parametrize("wrong", [{"clip": 0.0, "noise": 1.0}, {}, {"epsilon": 1.0, "noise": 1.0}])
def test_a_mistake_is_one_sentence(wrong):
    with pytest.raises(PlanError):
        Privacy(**wrong)
