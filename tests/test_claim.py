"""What a training claims and records: mistakes are refused, and steps cost what the accountant says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.claim import Account, Claim, Drawn, Recorder, Sight, Step, account, flat
from reticent.errors import PlanError
from reticent.measure.accounting import Sampled, gaussian_epsilon, sampled_gaussian_epsilon


@pytest.mark.parametrize(
    ("epsilon", "delta"), [(0, 1e-5), (-1, 1e-5), (float("inf"), 1e-5), (float("nan"), 1e-5), (3, 0), (3, 1)]
)
def test_claims_that_are_none_are_refused(epsilon, delta):
    with pytest.raises(PlanError, match="state"):
        Claim(epsilon, delta)


def test_a_rung_includes_those_below():
    assert Sight.SCORES < Sight.WEIGHTS < Sight.STEPS
    assert str(Sight.STEPS) == "steps" and str(Claim(3, 1e-5)) == "epsilon 3 at delta 1e-05"


def test_recorded_steps_cost_what_the_accountant_says():
    sampled = account([Step(2.0, 0.1)] * 30)
    assert sampled is not None and sampled.sampled and sampled.period == 10
    assert sampled.epsilon(1e-5) == pytest.approx(sampled_gaussian_epsilon(2.0, 0.1, 30, 1e-5), rel=1e-6)
    shuffled = account([Step(4.0, 0.1, Drawn.SHUFFLED)] * 30)
    assert shuffled is not None and not shuffled.sampled
    assert shuffled.epsilon(1e-5) == pytest.approx(gaussian_epsilon(4.0, 3, 1e-5), rel=1e-2)
    whole = account([Step(4.0, 1.0, Drawn.WHOLE)] * 3)
    assert whole == shuffled


def test_a_begun_epoch_counts_as_one():
    held = account([Step(4.0, 0.1, Drawn.SHUFFLED)] * 31)
    assert held == Account((Sampled(4.0, 1.0, 4),))


def test_the_delta_of_an_account_turns_its_epsilon_round():
    held = account([Step(1.5, 0.05)] * 20)
    assert held is not None
    assert held.delta(np.array([held.epsilon(1e-5)]))[0] == pytest.approx(1e-5, rel=0.05)
    deltas = held.delta(np.linspace(0, 4, 9))
    assert (np.diff(deltas) <= 0).all()


def test_where_noise_was_not_recorded_there_is_no_account():
    assert account([]) is None
    assert account([Step(1.0), Step(None)]) is None


@given(st.lists(st.sampled_from([Step(1.0, 0.1), Step(2.0, 0.1), Step(1.0, 0.2)]), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_an_account_counts_every_step_once(steps):
    held = account(steps)
    assert held is not None
    assert sum(part.times for part in held.parts) == len(steps)
    assert (held.period is None) == (len({s.rate for s in steps}) > 1)
    assert str(held).count("steps of noise") == min(3, len(held.parts))


def test_what_is_recorded_is_kept_in_order_and_copied():
    recorder, update = Recorder(), np.array([[1.0, 2.0], [3.0, 4.0]])
    recorder.step(update, noise=1.0, rate=0.5)
    update[:] = 0
    recorder.step(
        [np.array([5.0]), None, (np.zeros(2), np.ones(1))], noise=1.0, rate=0.5, drawn=Drawn.SHUFFLED
    )
    assert recorder.updates[0].tolist() == [1, 2, 3, 4]
    assert recorder.updates[1].tolist() == [5, 0, 0, 1]
    assert recorder.steps == [Step(1.0, 0.5), Step(1.0, 0.5, Drawn.SHUFFLED)]


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"rate": 2.0}, "share of the records"),
        ({"rate": 0.0}, "share of the records"),
        ({"noise": 0.0}, "over the clipping norm"),
        ({"noise": float("inf")}, "over the clipping norm"),
    ],
)
def test_steps_that_cannot_be_are_refused(step, said):
    with pytest.raises(PlanError, match=said):
        Recorder().step(**step)


def test_updates_are_shown_at_all_steps_or_none():
    recorder = Recorder()
    recorder.step(np.ones(2))
    with pytest.raises(PlanError, match="some without"):
        recorder.step()


def test_tensors_are_flattened_as_arrays_are():
    torch = pytest.importorskip("torch")
    tensor = torch.arange(6.0, requires_grad=True).reshape(2, 3)
    assert flat([tensor, None]).tolist() == flat([np.arange(6.0)]).tolist() == list(range(6))
    assert flat([None]).size == 0


def test_an_opacus_optimizer_records_after_its_noise_and_calls_the_hook_that_was_there():
    torch, optimizers = pytest.importorskip("torch"), pytest.importorskip("opacus.optimizers")
    weight = torch.nn.Parameter(torch.zeros(3))
    private = optimizers.DPOptimizer(
        torch.optim.SGD([weight], lr=1.0),
        noise_multiplier=0.5,
        max_grad_norm=1.0,
        expected_batch_size=2,
        generator=torch.Generator().manual_seed(0),
    )
    called = []
    private.attach_step_hook(lambda optimizer: called.append(len(called)))
    recorder = Recorder()
    recorder.attach(private, rate=0.25)
    for _ in range(2):
        before = weight.detach().clone()
        weight.grad_sample = torch.tensor([[3.0, 0, 0], [0, 4.0, 0]])
        private.step()
        applied = (before - weight.detach()).numpy()
        assert recorder.updates[-1] == pytest.approx(applied, abs=1e-6)
        private.zero_grad()
    assert called == [0, 1]
    assert recorder.steps == [Step(0.5, 0.25)] * 2
