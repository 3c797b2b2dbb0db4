import pytest
import torch
from torch import nn
from torch.nn import functional

from reticent.shadows.batched.reading import ACTIVATIONS, Layer, read


class Written(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(6, 4), nn.Linear(4, 3, bias=False)

    def forward(self, x):
        return self.last(torch.tanh(self.first(x.flatten(1))))


class Skips(Written):
    def forward(self, x):
        return self.last(torch.tanh(self.first(x)) + 1.0)


class Doubles(Written):
    def forward(self, x):
        return 2 * self.last(torch.tanh(self.first(x)))


class Decides(Written):
    def forward(self, x):
        return self.last(self.first(x)) if x.sum() > 0 else self.first(x)


class Leaky(Written):
    def forward(self, x):
        return self.last(functional.leaky_relu(self.first(x)))


def test_a_chain_is_read_however_it_is_written():
    expected = [Layer("first", True, "tanh"), Layer("last", False)]
    assert read(Written(), flat=False) == expected
    nested = nn.Sequential(nn.Flatten(), nn.Sequential(nn.Linear(6, 4), nn.ReLU()), nn.Linear(4, 3))
    assert read(nested, flat=False) == [Layer("1.0", True, "relu"), Layer("2", True)]
    assert read(nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))) == [Layer("0", True), Layer("1", True)]


def test_records_that_nobody_flattens_are_no_chain():
    assert read(nn.Sequential(nn.Linear(6, 3)), flat=False) is None


def frozen():
    module = nn.Sequential(nn.Linear(6, 4), nn.Linear(4, 3))
    module[0].weight.requires_grad_(False)
    return module


def twice():
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.ReLU(), layer)


def buffered():
    module = nn.Sequential(nn.Linear(6, 3))
    module.register_buffer("seen", torch.zeros(1))
    return module


@pytest.mark.parametrize(
    "make",
    [
        Skips,
        Doubles,
        Decides,
        Leaky,
        frozen,
        twice,
        buffered,
        lambda: nn.Sequential(nn.Linear(6, 3), nn.ReLU()),
        lambda: nn.Sequential(nn.ReLU(), nn.Linear(6, 3)),
        lambda: nn.Sequential(nn.Linear(6, 4), nn.Dropout(), nn.Linear(4, 3)),
        lambda: nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Tanh(), nn.Linear(4, 3)),
        lambda: nn.Sequential(nn.Linear(6, 3)).double(),
        lambda: nn.Sequential(nn.Conv1d(6, 3, 1)),
        lambda: nn.Sequential(nn.Tanh()),
    ],
)
def test_anything_else_is_not_read(make):
    assert read(make()) is None


@pytest.mark.parametrize("kind", ACTIVATIONS)
def test_activations_and_their_gradients_are_torchs_own(kind):
    x = torch.linspace(-3, 3, 20, requires_grad=True)
    output = getattr(torch, kind)(x)
    upstream = torch.linspace(1, 2, 20)
    output.backward(upstream)
    computed = ACTIVATIONS[kind].forward(x.detach().clone())
    gradient = upstream.clone()
    ACTIVATIONS[kind].backward(gradient, computed)
    torch.testing.assert_close(computed, output.detach())
    torch.testing.assert_close(gradient, x.grad)
