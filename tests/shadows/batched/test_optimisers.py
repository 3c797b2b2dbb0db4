import pytest
import torch

from reticent.shadows.batched.optimisers import Slot, optimiser
from reticent.shadows.batched.training import Training

CASES = [
    Training(epochs=1, batch_size=1, learning_rate=0.1),
    Training(epochs=1, batch_size=1, learning_rate=0.1, momentum=0.9, weight_decay=0.01),
    Training(epochs=1, batch_size=1, learning_rate=0.1, optimiser="adam"),
    Training(epochs=1, batch_size=1, learning_rate=0.1, optimiser="adam", weight_decay=0.1),
]


@pytest.mark.parametrize("training", CASES)
def test_every_model_moves_as_torch_optim_would_move_it_alone(training):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(3, 4, 2, generator=generator)
    slot = Slot(start.clone())
    stacked = optimiser([slot], training)
    alone = [torch.nn.Parameter(weight.clone()) for weight in start]
    peers = [
        torch.optim.Adam([w], lr=0.1, weight_decay=training.weight_decay)
        if training.optimiser == "adam"
        else torch.optim.SGD([w], lr=0.1, momentum=training.momentum, weight_decay=training.weight_decay)
        for w in alone
    ]
    for step in range(12):
        models = slice(0, 3 if step % 3 else 2)  # the last model takes fewer steps than the others
        gradients = torch.randn(3, 4, 2, generator=generator)
        slot.of(models)[1].mul_(stacked.keep).add_(gradients[models])
        stacked.step(models, 0.1)
        for model in range(models.stop):
            alone[model].grad = gradients[model]
            peers[model].step()
    torch.testing.assert_close(slot.value, torch.stack([w.detach() for w in alone]))


def test_a_run_of_the_models_is_a_view():
    slot = Slot(torch.zeros(4, 2))
    value, gradient = slot.of(slice(1, 3))
    value.fill_(1)
    gradient.fill_(2)
    assert slot.value[:, 0].tolist() == [0, 1, 1, 0]
    assert slot.gradient[:, 0].tolist() == [0, 2, 2, 0]
