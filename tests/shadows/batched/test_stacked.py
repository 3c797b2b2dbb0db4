import pytest
import torch
from torch import nn

from reticent.errors import ModelError
from reticent.shadows.batched.stacked import Stacked, initial, seeded, tensors


def net():
    return nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(), nn.Linear(5, 3))


def tied():
    module = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    module[2].weight = module[0].weight
    return module


def stack(build, seeds):
    return Stacked(build, initial(build, seeds, torch.device("cpu")))


def test_a_module_is_made_by_its_seed_and_nothing_else_is_disturbed():
    before = torch.get_rng_state()
    one, same, other = seeded(net, 1), seeded(net, 1), seeded(net, 2)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one[0].weight, same[0].weight)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_models_come_out_of_the_stack_as_they_went_in():
    models = stack(net, [1, 2, 3])
    assert len(models) == 3
    for place, seed in enumerate([1, 2, 3]):
        module = models.module(place)
        assert not module.training
        for (name, tensor), (_, made) in zip(tensors(module), tensors(seeded(net, seed)), strict=True):
            assert torch.equal(tensor, made), name


def test_a_weight_used_twice_stays_one():
    module = stack(tied, [1, 2]).module(1)
    assert module[0].weight is module[2].weight
    assert torch.equal(module[0].weight, seeded(tied, 2)[0].weight)


def test_all_answer_as_each_would():
    models, x = stack(net, [1, 2, 3]), torch.randn(11, 4, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([models.module(m)(x).detach() for m in range(3)])
    for chunk in (1, 4, 100):
        torch.testing.assert_close(models.logits(x, chunk=chunk), expected)


def test_a_module_of_unknown_size_is_a_sentence():
    with pytest.raises(ModelError, match="lazy layers"):
        seeded(lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(3)), 0)
