import numpy as np
import pytest
import torch
from torch import nn

from reticent.shadows.batched import Training, train_together
from reticent.shadows.batched.sparse import SparseBatch, compressed, worth_gathering


def mostly_zeros(records, inputs, share, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(records, inputs)) * (rng.random((records, inputs)) < share)
    return torch.from_numpy(x.astype(np.float32))


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_gathering_is_multiplying(share):
    x = mostly_zeros(30, 12, share)
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 12, 5, generator=generator)
    rows = torch.randint(0, 30, (3, 7), generator=generator, dtype=torch.int32)
    gradient = torch.randn(3, 7, 5, generator=generator)
    batch = SparseBatch(compressed(x), rows)
    torch.testing.assert_close(batch.times(weight), torch.bmm(x[rows], weight))
    torch.testing.assert_close(batch.outer(gradient), torch.bmm(x[rows].mT, gradient))


def test_only_large_products_of_mostly_zeros_are_gathered():
    sparse, dense = mostly_zeros(100, 400, 0.1), mostly_zeros(100, 400, 0.5)
    assert worth_gathering(sparse, 64, 128)
    assert not worth_gathering(dense, 64, 128)
    assert not worth_gathering(sparse, 4, 128)


@pytest.mark.parametrize("bias", [True, False])
def test_models_are_the_same_whichever_way(bias, monkeypatch):
    def net():
        return nn.Sequential(nn.Linear(12, 6, bias=bias), nn.Tanh(), nn.Linear(6, 3))

    x, y = mostly_zeros(50, 12, 0.1), torch.arange(50) % 3
    masks = np.random.default_rng(1).random((4, 50)) < 0.5
    training = Training(epochs=5, batch_size=8, learning_rate=0.1, momentum=0.9)
    answers = []
    for gathers in (False, True):
        monkeypatch.setattr("reticent.shadows.batched.mlp.worth_gathering", lambda *_, told=gathers: told)
        answers.append(train_together(net, x, y, masks, [1, 2, 3, 4], training).logits(x))
    torch.testing.assert_close(*answers, atol=1e-5, rtol=1e-5)
    assert not torch.equal(*answers)  # else both went the same way
