"""The network over networks is indifferent to the order of units, but for rounding."""

from __future__ import annotations

import torch

from reticent.attacks.property.deep_sets import DeepSets
from reticent.shadows.batched import seeded


def test_it_does_not_look_at_the_order_of_hidden_units() -> None:
    network = seeded(lambda: DeepSets([(5, 4), (3, 6), (2, 4)], 8), 0)
    generator = torch.Generator().manual_seed(0)
    first, second, last = (torch.randn(7, *s, generator=generator) for s in ((5, 4), (3, 6), (2, 4)))
    a, b = torch.tensor([3, 1, 4, 0, 2]), torch.tensor([2, 0, 1])
    moved = [first[:, a], second[:, b][..., [*a.tolist(), 5]], last[..., [*b.tolist(), 3]]]
    with torch.no_grad():
        torch.testing.assert_close(network(moved), network([first, second, last]))
        assert not torch.allclose(network([first, second, last.flip(1)]), network([first, second, last]))


def test_a_single_layer_is_read_too() -> None:
    network = seeded(lambda: DeepSets([(2, 4)], 8), 0)
    assert network([torch.zeros(3, 2, 4)]).shape == (3,)
