"""KKT reconstruction: gradients as automatic differentiation has them, a small world given away, a null."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from reticent.attacks.weights import KktReconstruction
from reticent.attacks.weights.kkt import _gradients, _layers
from reticent.errors import DataError, ModelError
from reticent.open_model import OpenModel

POINTS = np.array([[0.9, 0.1, 0.0], [-0.2, 0.8, 0.5], [-0.7, -0.6, 0.3], [0.1, -0.4, -0.9]])


def net(*sizes, seed=0, kind=torch.float64):
    torch.manual_seed(seed)
    layers = [nn.Flatten()]
    for place, (before, after) in enumerate(pairwise(sizes)):
        layers += [nn.ReLU()] if place else []
        layers += [nn.Linear(before, after, bias=not place)]
    return nn.Sequential(*layers).to(kind)


@pytest.mark.parametrize("sizes", [(3, 7, 1), (3, 6, 5, 1)])
def test_the_sum_of_gradients_is_that_of_automatic_differentiation(sizes):
    module = net(*sizes)
    x, force = torch.tensor(POINTS), torch.tensor([0.5, -1.0, 2.0, 0.3], dtype=torch.float64)
    (force * module(x).squeeze(1)).sum().backward()
    for ours, parameter in zip(
        _gradients(_layers(module), x, force, 100.0), module.parameters(), strict=True
    ):
        assert torch.allclose(ours, parameter.grad)


def fitted():
    """A net trained on the four points until its margins are all but equal."""
    module = net(3, 100, 1)
    nn.init.normal_(module[1].weight, std=1e-2)
    nn.init.zeros_(module[1].bias)
    x, sign = torch.tensor(POINTS), torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    for _ in range(4000):
        module.zero_grad()
        margin = sign * module(x).squeeze(1)
        torch.logsumexp(-margin, dim=0).backward()
        with torch.no_grad():
            for parameter in module.parameters():
                parameter -= 0.02 / max(1.0, float(margin.min()) / 5) * parameter.grad
    return module


def test_the_points_that_a_net_was_trained_on_are_found_and_an_untrained_net_shows_none():
    search = KktReconstruction(candidates=16, force=0.3, steepness=20.0, steps=1500)
    away, mismatch = [], []
    for module in (fitted(), net(3, 100, 1, seed=1)):
        made = search.reconstruct(OpenModel(model=module, shape=(3,), low=-1.0, high=1.0), 0)
        away.append(np.linalg.norm(POINTS[:, None] - made.records[None], axis=2).min(axis=1))
        mismatch.append(made.mismatch)
    assert away[0].max() < 0.3
    assert away[0].mean() < 0.2 < 0.4 < away[1].mean()
    assert mismatch[0] < 0.01 < 0.9 < mismatch[1]


def asked(module, **options):
    seen = OpenModel(model=module, shape=(3,), low=-1.0, high=1.0)
    return KktReconstruction(candidates=12, steps=1500, force=0.5, **options).reconstruct(seen, 0)


def test_weights_that_differ_give_another_answer_and_the_same_seed_the_same():
    one, other = net(3, 30, 1), net(3, 30, 1, seed=1)
    brief = KktReconstruction(candidates=6, steps=20)
    first, again, others = (
        brief.reconstruct(OpenModel(model=m, shape=(3,), low=-1.0, high=1.0), 0).records
        for m in (one, one, other)
    )
    assert np.array_equal(first, again)
    assert not np.allclose(first, others)


def test_records_keep_their_shape_and_half_of_them_each_label():
    brief = KktReconstruction(candidates=6, steps=5)
    made = brief.reconstruct(OpenModel(model=net(12, 9, 1), shape=(3, 4), low=0.0, high=1.0), 0)
    assert made.records.shape == (6, 3, 4)
    assert made.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert np.isfinite(made.mismatch)


@pytest.mark.parametrize(
    "module",
    [
        object(),
        nn.Linear(3, 1),
        nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1, bias=False)),
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2, bias=False)),
        nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1)),
    ],
    ids=["no module", "one layer", "tanh", "two outputs", "a later bias"],
)
def test_another_layout_is_refused(module):
    with pytest.raises(ModelError, match="no bias but in the first"):
        asked(module)


def test_weights_that_are_not_finite_are_refused():
    module = net(3, 4, 1)
    with torch.no_grad():
        module[1].weight[0, 0] = float("nan")
    with pytest.raises(ModelError, match="not finite"):
        asked(module)


def test_records_of_another_size_are_refused():
    with pytest.raises(DataError, match="records of 3 values were given to a net of 5"):
        asked(net(5, 4, 1))
