import pytest
import torch
from torch import nn
from torch.nn import functional

from reticent.shadows.batched.general import Alone, Mapped, least, mappable
from reticent.shadows.batched.stacked import initial
from reticent.shadows.batched.training import Training


class Normed(nn.Module):
    """A residual block with both norms: nothing that could be read as a chain."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.batch = nn.Linear(6, 8), nn.LayerNorm(8), nn.BatchNorm1d(8)
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        h = self.norm(self.first(x))
        return self.last(h + functional.gelu(self.batch(h)))


class Drops(nn.Module):
    def __init__(self):
        super().__init__()
        self.last = nn.Linear(6, 3)

    def forward(self, x):
        return self.last(functional.dropout(x, 0.5, self.training))


class Looks(Drops):
    def forward(self, x):
        return self.last(x) if float(x.sum()) > 0 else self.last(-x)


def frozen():
    module = Normed()
    module.first.weight.requires_grad_(False)
    return module


def convolved():
    """A small convolutional net: mapped on accelerators alone, but right everywhere."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 3)),
        nn.Conv2d(1, 4, 2, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 3),
    )


CASES = [
    Training(epochs=1, batch_size=4, learning_rate=0.1, momentum=0.9, weight_decay=0.01),
    Training(epochs=1, batch_size=4, learning_rate=0.1, optimiser="adam"),
]


@pytest.mark.parametrize("training", CASES)
@pytest.mark.parametrize("net", [Normed, frozen, convolved])
@torch.no_grad()
def test_mapped_models_move_as_each_does_alone(net, training):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(20, 6, generator=generator)
    y = torch.randint(0, 3, (20,), generator=generator)
    seeds = [5, 6, 7]
    together = Mapped(net(), initial(net, seeds, x.device), x, y, training)
    alone = [Alone(net, seed, x, y, training) for seed in seeds]
    for _ in range(5):
        rows = torch.randint(0, 20, (3, 4), generator=generator)
        for run in (slice(0, 2), slice(2, 3)):
            together.step(run, rows[run], None, 0.1)
        for own, steps in zip(rows, alone, strict=True):
            steps.step(slice(0, 1), own[None], None, 0.1)
    for name, stacked in together.state().items():
        torch.testing.assert_close(stacked, torch.cat([steps.state()[name] for steps in alone]))
    counted = [v for name, v in together.state().items() if name.endswith("num_batches_tracked")]
    assert [v.tolist() for v in counted] == [[5, 5, 5]]


def test_what_can_be_mapped():
    x, y = torch.randn(4, 6), torch.zeros(4, dtype=torch.int64)
    assert mappable(Normed(), x, y)
    assert not mappable(Drops(), x, y)
    assert not mappable(Looks(), x, y)
    assert not mappable(nn.Sequential(nn.Unflatten(1, (1, 6)), nn.Conv1d(1, 3, 6), nn.Flatten()), x, y)


def test_looking_whether_it_can_be_mapped_leaves_the_module_as_it_was():
    module = Normed()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    mappable(module, torch.randn(4, 6), torch.zeros(4, dtype=torch.int64))
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_batch_statistics_need_two_records():
    assert least(Normed()) == 2
    assert least(nn.Linear(6, 3)) == 1


@torch.no_grad()
def test_what_one_model_draws_is_its_own():
    x, y = torch.ones(8, 6), torch.zeros(8, dtype=torch.int64)
    training, rows = Training(epochs=1, batch_size=4, learning_rate=0.1), torch.tensor([[0, 1, 2, 3]])
    before = torch.get_rng_state()
    first, second = (Alone(Drops, 3, x, y, training) for _ in range(2))
    first.step(slice(0, 1), rows, None, 0.1)
    torch.rand(5)  # what others draw in between
    first.step(slice(0, 1), rows, None, 0.1)
    for _ in range(2):
        second.step(slice(0, 1), rows, None, 0.1)
    assert torch.equal(first.state()["last.weight"], second.state()["last.weight"])
    torch.set_rng_state(before)
    Alone(Drops, 3, x, y, training).step(slice(0, 1), rows, None, 0.1)
    assert torch.equal(torch.get_rng_state(), before)
