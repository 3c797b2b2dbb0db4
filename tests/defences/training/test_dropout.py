"""Dropout: behind every activation, in training alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from reticent.defences import dropout
from reticent.defences.training.dropout import WithDropout
from reticent.errors import ModelError, PlanError


class Own(nn.Module):
    """Activations called as functions, one of them twice read."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(5, 8), nn.Linear(8, 3)

    def forward(self, x):
        at = functional.relu(self.first(x))
        return self.second(at) + at[:, :3]


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def dropouts(module):
    return [m for m in module.modules() if isinstance(m, nn.Dropout)]


def test_every_activation_gets_one(torch_recipe):
    module = dropout(0.3).harden(torch_recipe).module()
    assert [m.p for m in dropouts(module)] == [0.3]
    deep = WithDropout(lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Tanh()), 0.5)()
    assert len(dropouts(deep)) == 2
    assert len(dropouts(WithDropout(Own, 0.5)())) == 1


def test_in_service_nothing_is_dropped():
    torch.manual_seed(0)
    plain = Own()
    dropped = WithDropout(lambda: plain, 0.5)()
    x = torch.randn(9, 5)
    torch.testing.assert_close(dropped.eval()(x), plain.eval()(x))


def test_everything_that_reads_the_activation_reads_it_dropped():
    dropped = WithDropout(Own, 1 - 1e-7)().train()
    torch.manual_seed(0)
    x = torch.randn(50, 5)
    torch.testing.assert_close(dropped(x), dropped.second.bias.expand(50, 3), rtol=0, atol=1e-3)


def test_a_module_that_cannot_be_traced_or_has_none_is_told(torch_recipe, logistic):
    with pytest.raises(ModelError, match="can't be traced"):
        WithDropout(Branching, 0.5)()
    with pytest.raises(ModelError, match="no activation for dropout to stand behind"):
        WithDropout(lambda: nn.Linear(2, 2), 0.5)()
    with pytest.raises(ModelError, match="a LogisticRegression has none; leave it out"):
        dropout().harden(logistic)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_share_out_of_range_is_told(share):
    with pytest.raises(PlanError, match="dropout was given share="):
        dropout(share)
