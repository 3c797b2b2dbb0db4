import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from reticent.shadows.batched.mlp import Mlp, loss_gradient
from reticent.shadows.batched.reading import read
from reticent.shadows.batched.stacked import initial, seeded
from reticent.shadows.batched.training import Training

NETS = {
    "two layers": lambda: nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3)),
    "four layers": lambda: nn.Sequential(
        nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 7), nn.Linear(7, 5), nn.Sigmoid(), nn.Linear(5, 3)
    ),
    "no bias": lambda: nn.Sequential(nn.Linear(6, 8, bias=False), nn.Tanh(), nn.Linear(8, 3, bias=False)),
    "one layer": lambda: nn.Sequential(nn.Linear(6, 3)),
    "one layer, no bias": lambda: nn.Sequential(nn.Linear(6, 3, bias=False)),
}


@pytest.mark.parametrize("name", NETS)
@torch.no_grad()
def test_one_step_of_plain_descent_is_the_gradient_that_autograd_finds(name):
    net, seeds = NETS[name], [1, 2, 3]
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 2, 3, generator=generator)
    y = torch.randint(0, 3, (20,), generator=generator)
    rows, counts = torch.tensor([[0, 3, 5, 7], [2, 2, 9, 0], [4, 0, 0, 0]]), np.array([4, 3, 1])
    layers = read(net())
    state = initial(net, seeds, x.device)
    steps = Mlp(layers, state, x, y, Training(epochs=1, batch_size=4, learning_rate=1.0))
    for name_, value in steps.state().items():
        torch.testing.assert_close(value, state[name_])
    steps.step(slice(0, 3), rows, counts, 1.0)
    moved = steps.state()
    for model, (seed, count) in enumerate(zip(seeds, counts, strict=True)):
        module = seeded(net, seed)
        own = rows[model, :count]
        with torch.enable_grad():
            cross_entropy(module(x[own].flatten(1)), y[own]).backward()
        for name_, parameter in module.named_parameters():
            torch.testing.assert_close(moved[name_][model], parameter.detach() - parameter.grad)


@torch.no_grad()
def test_models_outside_the_run_stay_where_they_are():
    net = NETS["two layers"]
    x, y = torch.ones(4, 6), torch.zeros(4, dtype=torch.int64)
    state = initial(net, [1, 2, 3], x.device)
    steps = Mlp(read(net()), state, x, y, Training(epochs=1, batch_size=2, learning_rate=1.0, momentum=0.5))
    steps.step(slice(0, 2), torch.zeros(2, 2, dtype=torch.int64), None, 1.0)
    moved = steps.state()
    assert torch.equal(moved["0.weight"][2], state["0.weight"][2])
    assert not torch.equal(moved["0.weight"][1], state["0.weight"][1])


def test_positions_without_a_record_have_no_gradient():
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    gradient = loss_gradient(logits, torch.tensor([[0, 1, 2, 0], [1, 1, 0, 0]]), np.array([4, 2]))
    assert torch.equal(gradient[1, :, 2:], torch.zeros(3, 2))
    torch.testing.assert_close(gradient.sum(1), torch.zeros(2, 4), atol=1e-7, rtol=0)
    assert gradient[0, 0, 0] == pytest.approx((logits[0].softmax(0)[0, 0].item() - 1) / 4)
