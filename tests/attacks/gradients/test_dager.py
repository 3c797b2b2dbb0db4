"""Texts read back from gradients: exactly while they are fewer than the width, and not at all beyond."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from reticent.attacks.gradients import Dager
from reticent.errors import DataError, ModelError, PlanError
from reticent.text_observation import SpanLayers, TextObservation, observe_text

END = 0


def texts(seed, batch, longest, vocabulary=200):
    """Sequences of other lengths; the first tokens are few, so that some begin alike."""
    rng = np.random.default_rng(seed)
    made = [rng.integers(1, vocabulary, longest - i % 3) for i in range(batch)]
    for text in made:
        text[0] = rng.integers(1, 4)
    return made


def as_set(sequences):
    return {tuple(s.tolist()) for s in sequences}


def seen(module, layers, sequences, **options):
    return observe_text(module, layers, sequences, vocabulary=200, end=END, **options)


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize(("batch", "longest", "width"), [(1, 16, 64), (4, 12, 64), (8, 12, 128)])
def test_fewer_tokens_than_the_width_are_read_back_exactly(
    decoder, span_layers, batch, longest, width, double
):
    for seed in range(3):
        module = decoder(seed, width=width)
        sequences = texts(seed, batch, longest)
        found = Dager().read(seen(module.double() if double else module, span_layers, sequences))
        assert as_set(found) == as_set(sequences)
        assert len(found) == batch


def test_no_other_token_lies_in_the_span(decoder, span_layers):
    """The plain reference: least squares, one token and position at a time."""
    module, (text,) = decoder(), texts(0, 1, 6)
    gradients = seen(module, span_layers, [text]).gradients
    rows = torch.cat([gradients[name] for name in span_layers.first_weights]).double().numpy()
    with torch.no_grad():
        for position in range(6):
            entering = module.tokens.weight + module.positions.weight[position]
            entering = module.blocks[0].before(entering).double().numpy()
            left = [
                np.linalg.norm(x - rows.T @ np.linalg.lstsq(rows.T, x, rcond=1e-6)[0]) / np.linalg.norm(x)
                for x in entering
            ]
            assert (np.flatnonzero(np.array(left) < 1e-3) == text[position]).all()
            assert sorted(left)[1] > 0.5


def test_as_many_tokens_as_the_width_blind_it(decoder, span_layers):
    with pytest.raises(DataError, match="every token fits; give a gradient of fewer tokens"):
        Dager().read(seen(decoder(), span_layers, texts(0, 8, 12)))


def test_a_gradient_of_other_texts_says_nothing_of_these(decoder, span_layers):
    """A null world: what is read back is of the batch, not of the module."""
    module = decoder()
    found = Dager().read(seen(module, span_layers, texts(1, 4, 12)))
    assert not as_set(found) & as_set(texts(2, 4, 12))


def test_gradients_of_mere_noise_are_refused(decoder, span_layers):
    given = seen(decoder(), span_layers, texts(0, 1, 8))
    noise = {n: 1e-3 * torch.randn(g.shape) for n, g in given.gradients.items()}
    with pytest.raises(DataError, match="nothing but noise"):
        Dager().read(replace(given, gradients=noise, noise=1e-3))
    with pytest.raises(DataError, match="every token fits"):
        Dager().read(replace(given, gradients=noise))


def test_a_little_noise_that_is_known_of_still_lets_one_text_through(decoder, span_layers):
    kept, lost = 0, 0
    for seed in range(4):
        sequences = texts(seed, 1, 8)
        for noise in (1e-5, 1e-1):
            try:
                found = Dager().read(
                    seen(decoder(seed), span_layers, sequences, noise_multiplier=noise, seed=seed)
                )
            except DataError:
                found = ()
            hit = as_set(found) == as_set(sequences)
            kept, lost = kept + (hit and noise < 1e-3), lost + (hit and noise > 1e-3)
    assert kept >= 3
    assert lost == 0


def test_a_text_that_comes_twice_comes_out_once(decoder, span_layers):
    (text,) = texts(0, 1, 8)
    found = Dager().read(seen(decoder(), span_layers, [text, text]))
    assert [f.tolist() for f in found] == [text.tolist()]


class Rotary(nn.Module):
    """A decoder whose positions turn queries and keys, and are no part of what enters."""

    def __init__(self, width=64, blocks=2, bias=True):
        super().__init__()
        self.tokens = nn.Embedding(200, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width, bias=bias) for _ in range(blocks))
        self.joint = nn.ModuleList(nn.Linear(width, 3 * width) for _ in range(blocks))
        self.out = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.head = nn.Linear(width, 200)

    def forward(self, tokens):
        x = self.tokens(tokens)
        for norm, joint, out in zip(self.norms, self.joint, self.out, strict=True):
            query, key, value = joint(norm(x)).chunk(3, dim=-1)
            seen = nn.functional.scaled_dot_product_attention(
                self.turned(query), self.turned(key), value, is_causal=True
            )
            x = x + out(seen).tanh()
        return self.head(x)

    def turned(self, x):
        angles = torch.arange(x.shape[1])[:, None] * 100.0 ** -torch.linspace(0, 1, x.shape[2] // 2)
        half, other = x.chunk(2, dim=-1)
        return torch.cat(
            [half * angles.cos() - other * angles.sin(), half * angles.sin() + other * angles.cos()], dim=-1
        )


ROTARY = SpanLayers(
    first="joint.0",
    second="joint.1",
    first_weights=("joint.0.weight",),
    second_weights=("joint.1.weight",),
)


@pytest.mark.parametrize("bias", [True, False])
def test_the_second_block_puts_tokens_without_positions_in_order(bias):
    for seed in range(3):
        torch.manual_seed(seed)
        sequences = texts(seed, 4, 10)
        found = Dager().read(seen(Rotary(bias=bias), ROTARY, sequences))
        assert as_set(found) == as_set(sequences)


def test_weights_kept_with_their_inputs_first_are_read_by_columns():
    class Turned(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.weight = nn.Parameter(inner.weight.detach().T.clone())

        def forward(self, x):
            return x @ self.weight

    torch.manual_seed(0)
    module = Rotary()
    module.joint = nn.ModuleList(Turned(joint) for joint in module.joint)
    sequences = texts(0, 3, 10)
    given = seen(module, replace(ROTARY, inputs_first=True), sequences)
    assert as_set(Dager().read(given)) == as_set(sequences)
    with pytest.raises(ModelError, match="say whether their inputs come first"):
        Dager().read(replace(given, layers=ROTARY))


def test_a_module_that_looks_ahead_is_a_sentence(decoder, span_layers):
    module = decoder()
    module.blocks[0].register_forward_hook(lambda block, given, made: made + made.sum(1, keepdim=True))
    with pytest.raises(ModelError, match="give a causal decoder"):
        Dager().read(seen(module, span_layers, texts(0, 1, 8)))


def test_it_draws_no_lots(decoder, span_layers):
    given = seen(decoder(), span_layers, texts(3, 4, 12))
    one, two = Dager().read(given), Dager().read(given)
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("options", [{"tolerance": -1}, {"tolerance": 2}, {"beam": 0}])
def test_impossible_options_are_refused(options):
    with pytest.raises(PlanError):
        Dager(**options)


def test_a_wider_beam_or_tolerance_changes_nothing_where_all_is_clear(decoder, span_layers):
    given = seen(decoder(), span_layers, texts(0, 2, 8))
    assert isinstance(given, TextObservation)
    plain = as_set(Dager().read(given))
    assert as_set(Dager(beam=32).read(given)) == as_set(Dager(tolerance=1e-5).read(given)) == plain
