"""What a client shares of a step on texts: the gradient of the next tokens, and nothing that does not fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from reticent.errors import DataError, ModelError
from reticent.text_observation import SpanLayers, observe_text

TEXTS = [np.array([5, 9, 9, 2]), np.array([7, 1])]


def seen(module, layers, **options):
    return observe_text(module, layers, TEXTS, vocabulary=200, end=0, **options)


def test_the_gradient_is_that_of_every_next_token_text_by_text(decoder, span_layers):
    """The plain reference: no text is filled up, and the loss is added token by token."""
    module = decoder().double()
    losses = []
    for text in TEXTS:
        scores = module(torch.as_tensor(text)[None])[0].log_softmax(1)
        for position, after in enumerate([*text[1:], 0]):
            losses.append(-scores[position, after])
    wanted = torch.autograd.grad(torch.stack(losses).mean(), list(module.parameters()))
    given = seen(module, span_layers)
    assert (given.batch, given.longest, given.noise) == (2, 4, 0)
    for found, true in zip(given.gradients.values(), wanted, strict=True):
        torch.testing.assert_close(found, true, rtol=1e-9, atol=1e-12)


def test_noise_is_as_large_as_it_says_and_comes_again_with_its_seed(decoder, span_layers):
    plain = seen(decoder(), span_layers).gradients
    noisy = seen(decoder(), span_layers, noise_multiplier=0.1, seed=1)
    apart = torch.cat([(noisy.gradients[n] - g).flatten() for n, g in plain.items()])
    norm = torch.cat([g.flatten() for g in plain.values()]).norm()
    assert noisy.noise == pytest.approx(0.1 * float(norm), rel=1e-5)
    assert float(apart.std()) == pytest.approx(noisy.noise, rel=0.02)
    again, other = (
        seen(decoder(), span_layers, noise_multiplier=0.1, seed=s).gradients["head.bias"] for s in (1, 2)
    )
    assert torch.equal(again, noisy.gradients["head.bias"])
    assert not torch.equal(other, again)


def test_the_inputs_are_what_the_blocks_project(decoder, span_layers):
    module, tokens = decoder(), torch.arange(12).reshape(3, 4)
    first, second = span_layers.inputs(module, tokens)
    with torch.no_grad():
        x = module.tokens(tokens) + module.positions(torch.arange(4))
        torch.testing.assert_close(first.float(), module.blocks[0].before(x))
        torch.testing.assert_close(second.float(), module.blocks[1].before(module.blocks[0](x)))
    assert first.dtype == torch.float64
    assert not any(m._forward_pre_hooks for m in module.modules())


def test_many_sequences_go_through_in_parts(decoder, span_layers, monkeypatch):
    module, tokens = decoder(), torch.arange(12).reshape(6, 2)
    whole = span_layers.inputs(module, tokens)
    monkeypatch.setattr("reticent.text_observation.AT_ONCE", 4)
    for one, other in zip(span_layers.inputs(module, tokens), whole, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda g: {n: v * float("nan") for n, v in g.items()}, "not finite"),
        (lambda g: {**g, "head.bias": g["head.bias"][:3]}, "hold head.bias"),
        (lambda g: {**g, "tail.weight": g["head.bias"]}, "hold tail.weight"),
        (lambda g: {n: v for n, v in g.items() if "query" not in n}, "lack blocks.0.query.weight"),
    ],
)
def test_gradients_that_can_not_be_are_refused(decoder, span_layers, change, said):
    given = seen(decoder(), span_layers)
    with pytest.raises(DataError, match=said):
        replace(given, gradients=change(given.gradients))


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"longest": 0}, {"vocabulary": 0}, {"noise": -1.0}])
def test_sizes_that_can_not_be_are_refused(decoder, span_layers, wrong):
    with pytest.raises(DataError, match="give at least one of each"):
        replace(seen(decoder(), span_layers), **wrong)


def test_layers_that_are_not_the_modules_are_a_sentence(decoder, span_layers):
    tokens = torch.zeros(1, 2, dtype=torch.long)
    with pytest.raises(ModelError, match=r"no submodules 'blocks\.7\.query'"):
        replace(span_layers, first="blocks.7.query").inputs(decoder(), tokens)
    module = decoder()
    module.idle = torch.nn.Identity()
    with pytest.raises(ModelError, match="name submodules that it calls"):
        replace(span_layers, second="idle").inputs(module, tokens)


@pytest.mark.parametrize("wrong", [{"second": "a"}, {"first_weights": ()}, {"second_weights": ()}])
def test_layers_that_are_no_two_blocks_are_a_sentence(wrong):
    given = {"first": "a", "second": "b", "first_weights": ("v",), "second_weights": ("w",), **wrong}
    with pytest.raises(ModelError, match="each of two blocks"):
        SpanLayers(**given)
