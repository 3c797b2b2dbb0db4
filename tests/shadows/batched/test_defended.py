"""Measures in training: every one beside a slow, plain reference, and models beside each other beside
alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from reticent.shadows.batched import Training, seeded, train_together
from reticent.shadows.batched.defended import DefendedMlp
from reticent.shadows.batched.defended_alone import DefendedAlone
from reticent.shadows.batched.objective import CrossEntropy
from reticent.shadows.batched.privacy import Coins, Privacy
from reticent.shadows.batched.reading import read
from reticent.shadows.batched.stacked import initial, tensors
from reticent.shadows.batched.training import Adversary, Mixing, Stopping

SEEDS = [3, 1, 4]


def perceptron():
    return nn.Sequential(nn.Linear(6, 16), nn.Tanh(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 3))


def dropped():
    return nn.Sequential(nn.Linear(6, 64), nn.Tanh(), nn.Dropout(0.4), nn.Linear(64, 3))


def normed():
    return nn.Sequential(nn.Linear(6, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 3))


def convolved():
    return nn.Sequential(
        nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)
    )


@dataclass(frozen=True)
class Mean:
    """Cross-entropy again, as an objective of another class: what stands on the general path."""

    alone = True
    reference = 0

    def begin(self, seeds, classes):
        return CrossEntropy().begin(seeds, classes)


PLAIN = Training(epochs=3, batch_size=16, learning_rate=0.1, momentum=0.9, weight_decay=0.01)


def test_the_general_path_trains_what_the_plain_one_does(data):
    x, y, masks = data
    expected = train_together(perceptron, x, y, masks, SEEDS, PLAIN)
    found = train_together(perceptron, x, y, masks, SEEDS, replace(PLAIN, objective=Mean()))
    for name in expected.state:
        torch.testing.assert_close(found.state[name], expected.state[name], rtol=1e-4, atol=1e-5)


def test_labels_as_probabilities_train_what_labels_do(data):
    x, y, masks = data
    soft = nn.functional.one_hot(y, 3).float().expand(3, -1, -1)
    for build in (perceptron, normed):
        expected = train_together(build, x, y, masks, SEEDS, PLAIN)
        found = train_together(build, x, soft, masks, SEEDS, PLAIN)
        for name in expected.state:
            torch.testing.assert_close(found.state[name], expected.state[name], rtol=1e-4, atol=1e-5)


def private(x, y, own, build, seed, training):
    """DP-SGD as a page of a textbook has it, noise left out: one record's gradient after another."""
    module = seeded(build, seed).train()
    privacy = training.privacy
    optimiser = torch.optim.SGD(module.parameters(), lr=1, momentum=training.momentum)
    rate = privacy.rate(len(own), training.batch_size)
    coins = Coins([own], [seed], [rate])
    for epoch in range(training.epochs):
        for _ in range(privacy.steps(len(own), training.batch_size, 1)):
            rows, counts = coins.drawn(1)
            total = [torch.zeros_like(p) for p in module.parameters()]
            for row in rows[0, : counts[0]]:
                loss = cross_entropy(module(x[[row]]), y[[row]])
                gradients = torch.autograd.grad(loss, list(module.parameters()))
                norm = torch.sqrt(sum(g.square().sum() for g in gradients))
                for t, g in zip(total, gradients, strict=True):
                    t += g * min(1.0, privacy.clip / float(norm))
            for p, t in zip(module.parameters(), total, strict=True):
                p.grad = t / (rate * len(own))
            optimiser.param_groups[0]["lr"] = training.rate(epoch)
            optimiser.step()
    return dict(tensors(module))


def test_private_gradients_are_clipped_record_by_record(data, any_net):
    x, y, masks = data
    privacy = Privacy(noise=1e-7, clip=0.5)
    training = Training(epochs=2, batch_size=16, learning_rate=0.2, momentum=0.5, privacy=privacy)
    found = train_together(any_net, x, y, masks, SEEDS, training)
    for model, seed in enumerate(SEEDS):
        expected = private(x, y, np.flatnonzero(masks[model]), any_net, seed, training)
        for name, tensor in expected.items():
            torch.testing.assert_close(found.state[name][model], tensor.detach(), rtol=1e-3, atol=1e-5)


def test_a_model_depends_on_its_own_records_and_seed_alone(data):
    x, y, masks = data
    ways = (
        {"privacy": Privacy(noise=1.0)},
        {"privacy": Privacy(noise=1.0, order="ordered")},
        {"mixing": Mixing(0.5)},
        {"adversary": Adversary(0.1, 3)},
    )
    for way in ways:
        training = replace(Training(epochs=3, batch_size=16, learning_rate=0.1), **way)
        beside = train_together(dropped, x, y, masks, SEEDS, training)
        alone = train_together(dropped, x, y, masks[1:2], SEEDS[1:2], training)
        for name in beside.state:
            torch.testing.assert_close(beside.state[name][1], alone.state[name][0], rtol=1e-4, atol=1e-5)


def test_the_noise_is_as_strong_as_it_was_said():
    x, y = torch.zeros(400, 6), torch.zeros(400, dtype=torch.int64)  # biases apart, no gradient but the noise
    for order, expected in (("sampled", 40.0), ("ordered", 40.0)):
        training = Training(
            epochs=1, batch_size=40, learning_rate=1.0, privacy=Privacy(noise=2.0, clip=0.5, order=order)
        )
        state = initial(perceptron, [0], x.device)
        steps = DefendedMlp(read(perceptron()), state, x, y, training, seeds=[0], sizes=[400], reference=None)
        start = steps.state()["0.weight"].clone()
        steps.step(slice(0, 1), torch.zeros(1, 1, dtype=torch.int64), np.array([0]), 1.0)
        moved = steps.state()["0.weight"] - start
        assert moved.std() == pytest.approx(2.0 * 0.5 / expected, rel=0.2)


def test_dropout_drops_its_share_in_training_and_none_afterwards(data):
    x, y, _ = data
    state = initial(dropped, [0], x.device)
    steps = DefendedMlp(read(dropped()), state, x, y, PLAIN, seeds=[0], sizes=[120], reference=None)
    mask = steps._mask(slice(0, 1), torch.ones(1, 500), 64, 0.4)
    assert float((mask == 0).float().mean()) == pytest.approx(0.4, abs=0.02)
    assert float(mask.mean()) == pytest.approx(1.0, abs=0.02)
    module = seeded(dropped, 0).eval()
    torch.testing.assert_close(steps.answers(slice(0, 1), x[None])[0], module(x).detach())


def test_the_adversary_stays_within_its_radius_and_bounds_and_raises_the_loss(data):
    x, y, _ = data
    for build in (perceptron, convolved):
        steps_of = Training(
            epochs=1, batch_size=8, learning_rate=0.1, adversary=Adversary(0.3, 5, low=-1.0, high=1.0)
        )
        rows = torch.arange(120)[None]
        if build is perceptron:
            state = initial(build, [0], x.device)
            steps = DefendedMlp(read(build()), state, x, y, steps_of, seeds=[0], sizes=[120], reference=None)
            moved = steps._prepared(slice(0, 1), rows, torch.ones(1, 120))[0][0, :, :6]
        else:
            steps = DefendedAlone(build, 0, x, y, steps_of, records=120, reference=None)
            moved = steps._prepared(rows, torch.ones(1, 120))[0]
        inside = x.clamp(-1, 1)
        assert float(moved.abs().max()) <= 1
        assert float((moved - x).abs()[x.abs() <= 0.7].max()) <= 0.3 + 1e-6
        module = seeded(build, 0).eval()
        assert cross_entropy(module(moved), y) > cross_entropy(module(inside), y)


def test_training_stops_where_the_watched_loss_is_least(data):
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(400, 6)).astype(np.float32))
    y = ((x[:, 0] > 0) ^ torch.from_numpy(rng.random(400) < 0.3)).long()
    masks = np.zeros((2, 400), bool)
    masks[:, :60] = True
    reference = x[100:], y[100:]
    long = Training(epochs=150, batch_size=16, learning_rate=0.2, momentum=0.9)
    epochs: list[int] = []
    stopped = train_together(
        perceptron, x, y, masks, [0, 1], replace(long, stopping=Stopping(patience=5, share=0.2)),
        reference=reference, progress=lambda done, of: epochs.append(done),
    )  # fmt: skip
    whole = train_together(perceptron, x, y, masks, [0, 1], long)
    assert len(epochs) < 100
    early, late = (
        [cross_entropy(m.module(i)(reference[0]), reference[1]).item() for i in range(2)]
        for m in (stopped, whole)
    )
    assert all(e < w for e, w in zip(early, late, strict=True))
