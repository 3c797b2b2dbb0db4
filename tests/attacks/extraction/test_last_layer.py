"""The last layer from answers: its width exactly, its weights up to a matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from reticent.attacks.extraction import LastLayer
from reticent.attacks.extraction.last_layer import turned
from reticent.errors import ModelError, QueryLimit
from reticent.language import MeteredLanguage
from reticent.targets.text import TextModule

TOKENS = 200


class Net(nn.Module):
    """Embeds two tokens back, mixes, normalises as asked, and answers by a linear layer."""

    def __init__(self, width: int, norm: str = "none", places: int | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.tokens = nn.Embedding(TOKENS, width)
        self.mix = nn.Linear(2 * width, width)
        self.norm = {
            "none": nn.Identity(),
            "layer": nn.LayerNorm(width, bias=False),
            "rms": nn.RMSNorm(width),
        }[norm]
        self.head = nn.Linear(width, TOKENS, bias=False)
        self.places = places

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        here = self.tokens(tokens)
        before = torch.roll(here, 1, dims=1)
        logits = self.head(self.norm(torch.tanh(self.mix(torch.cat([here, before], 2)))))
        return logits if self.places is None else logits.round(decimals=self.places)


def asked(module: nn.Module, limit: int | None = None) -> MeteredLanguage:
    return MeteredLanguage(
        TextModule(
            module=module,
            encode=lambda text: np.zeros(2, dtype=np.int64),
            decode=lambda tokens: "",
            vocabulary=TOKENS,
            longest=40,
        ),
        limit=limit,
    )


def error(layer, module: Net) -> float:
    truth = module.head.weight.detach().numpy()
    truth = truth - truth.mean(axis=0)
    return float(np.linalg.norm(turned(layer.weight, truth) - truth) / np.linalg.norm(truth))


@pytest.mark.parametrize("width", [5, 24, 60])
@pytest.mark.parametrize("norm", ["none", "rms"])
def test_the_width_is_told_exactly_and_the_weights_up_to_a_matrix(width, norm):
    module = Net(width, norm)
    layer = LastLayer().recover(asked(module), 0)
    assert layer.width == width
    assert error(layer, module) < 1e-4
    assert layer.weight.shape == (TOKENS, width)


def test_a_normalisation_that_takes_off_the_mean_hides_one():
    assert LastLayer().recover(asked(Net(24, "layer")), 0).width == 23


def test_more_is_asked_until_the_width_stands_out():
    model = asked(Net(90))
    layer = LastLayer().recover(model, 0)
    assert layer.width == 90
    assert layer.answers == 256
    assert model.queries == 8


def test_answers_rounded_to_a_hundredth_still_tell_and_to_whole_ones_do_not():
    assert LastLayer().recover(asked(Net(24, "rms", places=2)), 0).width == 24
    with pytest.raises(ModelError, match="no hidden dimension stands out"):
        LastLayer().recover(asked(Net(24, "rms", places=0)), 0)


def test_fewer_tokens_than_dimensions_tell_nothing():
    with pytest.raises(ModelError, match="no hidden dimension stands out"):
        LastLayer().recover(asked(Net(400)), 0)


def test_a_budget_too_small_is_said():
    with pytest.raises(QueryLimit):
        LastLayer().recover(asked(Net(24), limit=2), 0)


def test_the_same_seed_gives_the_same_layer():
    one, other = (LastLayer().recover(asked(Net(12)), 3).weight for _ in range(2))
    np.testing.assert_array_equal(one, other)
