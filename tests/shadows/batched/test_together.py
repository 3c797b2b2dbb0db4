import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from reticent.errors import DataError
from reticent.shadows.batched import Training, best_together, seeded, train_together
from reticent.shadows.batched.training import orders


def perceptron():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.Tanh(), nn.Linear(16, 5))


def normed():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.LayerNorm(16), nn.Tanh(), nn.Linear(16, 5))


def batch_normed():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(12, 16, bias=False), nn.BatchNorm1d(16), nn.Tanh(), nn.Linear(16, 5)
    )


def convolved():
    return nn.Sequential(nn.Conv1d(3, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 5))


def dropped():
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 16), nn.Dropout(0.3), nn.ReLU(), nn.Linear(16, 5))


TRAININGS = [
    Training(epochs=4, batch_size=8, learning_rate=0.05, momentum=0.9, weight_decay=0.01),
    Training(epochs=4, batch_size=8, learning_rate=0.01, optimiser="adam", schedule="cosine"),
    Training(epochs=2, batch_size=1000, learning_rate=0.1),
]
SEEDS = [3, 1, 4, 1, 5]


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(97, 3, 4)).astype(np.float32))
    y = torch.from_numpy(rng.integers(0, 5, 97))
    masks = rng.random((5, 97)) < 0.5
    assert len(set(masks.sum(1).tolist())) > 1
    return x, y, masks


def one_model(build, x, y, mask, seed, training):
    """The plain loop: one model, autograd, torch.optim."""
    module = seeded(build, seed).train()
    weights = module.parameters()
    optimiser = (
        torch.optim.Adam(weights, lr=1, weight_decay=training.weight_decay)
        if training.optimiser == "adam"
        else torch.optim.SGD(weights, lr=1, momentum=training.momentum, weight_decay=training.weight_decay)
    )
    shuffles = orders(np.flatnonzero(mask), seed)
    for epoch in range(training.epochs):
        optimiser.param_groups[0]["lr"] = training.rate(epoch)
        batches = list(torch.from_numpy(next(shuffles)).split(training.batch_size))
        if build is batch_normed and len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [torch.cat(batches[-2:])]
        for batch in batches:
            optimiser.zero_grad()
            cross_entropy(module(x[batch]), y[batch]).backward()
            optimiser.step()
    return module.eval()(x).detach()


@pytest.mark.parametrize("training", TRAININGS)
@pytest.mark.parametrize("build", [perceptron, normed, batch_normed, convolved])
def test_every_model_ends_where_training_it_alone_ends(build, training, data):
    x, y, masks = data
    models = train_together(build, x, y, masks, SEEDS, training)
    expected = [one_model(build, x, y, m, s, training) for m, s in zip(masks, SEEDS, strict=True)]
    torch.testing.assert_close(models.logits(x), torch.stack(expected), atol=2e-5, rtol=2e-5)
    torch.testing.assert_close(models.module(2)(x).detach(), expected[2], atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("build", [perceptron, batch_normed, dropped])
def test_a_model_does_not_depend_on_its_company(build, data):
    x, y, masks = data
    whole = train_together(build, x, y, masks, SEEDS, TRAININGS[0]).logits(x)
    pair = train_together(build, x, y, masks[[4, 1]], [SEEDS[4], SEEDS[1]], TRAININGS[0]).logits(x)
    torch.testing.assert_close(pair, whole[[4, 1]], atol=2e-5, rtol=2e-5)


@pytest.mark.parametrize("build", [perceptron, normed, dropped])
def test_the_same_seeds_give_the_same_bits_and_others_do_not(build, data):
    x, y, masks = data
    first, again, other = (
        train_together(build, x, y, masks, seeds, TRAININGS[0]).logits(x)
        for seeds in (SEEDS, SEEDS, [9, *SEEDS[1:]])
    )
    assert torch.equal(first, again)
    assert torch.allclose(first[1:], other[1:], atol=2e-5)
    assert not torch.allclose(first[0], other[0], atol=1e-3)


def test_a_model_learns_its_own_records_by_heart():
    rng = np.random.default_rng(1)
    x = torch.from_numpy(rng.normal(size=(60, 3, 4)).astype(np.float32))
    y = torch.from_numpy(rng.integers(0, 5, 60))
    masks = np.arange(60)[None] % 2 == np.arange(2)[:, None]
    training = Training(epochs=200, batch_size=8, learning_rate=0.1, momentum=0.9)
    right = (train_together(perceptron, x, y, masks, [0, 1], training).logits(x).argmax(2) == y).numpy()
    assert right[masks].all()
    assert right[~masks].mean() < 0.5


@pytest.mark.parametrize("build", [perceptron, dropped])
def test_progress_counts_model_epochs(build, data):
    x, y, masks = data
    told = []
    train_together(build, x, y, masks, SEEDS, TRAININGS[0], progress=lambda *at: told.append(at))
    assert told[-1] == (20, 20)
    assert [done for done, _ in told] == sorted({done for done, _ in told})


def test_torchs_random_state_is_left_alone(data):
    x, y, masks = data
    before = torch.get_rng_state()
    train_together(dropped, x, y, masks, SEEDS, TRAININGS[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_shapes_that_do_not_belong_together_are_told(data):
    x, y, masks = data
    for wrong in ((masks[:, :-1], SEEDS), (masks, SEEDS[:-1]), (masks & False, SEEDS)):
        with pytest.raises(DataError, match="97 records"):
            train_together(perceptron, x, y, *wrong, TRAININGS[0])


def test_how_many_are_best_trained_at_once():
    assert best_together(perceptron(), "cpu") == 16
    assert best_together(convolved(), "cpu") == 1
    assert best_together(convolved(), "cuda") == 64
    assert best_together(nn.Linear(4096, 8192), "cpu") == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
@pytest.mark.parametrize("build", [perceptron, normed, batch_normed, convolved, dropped])
def test_an_accelerator_gives_the_same_models(build, data):
    x, y, masks = data
    here, there = (
        train_together(build, x, y, masks, SEEDS, TRAININGS[0], device=d).logits(x) for d in ("cpu", "cuda")
    )
    if build is not dropped:  # whose draws differ between devices
        torch.testing.assert_close(here, there, atol=1e-3, rtol=1e-3)
