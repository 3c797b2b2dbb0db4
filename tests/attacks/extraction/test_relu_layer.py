"""Nets of one hidden layer: every unit, up to order and scale, from logits and from scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from reticent.access import Access
from reticent.attacks.extraction import ReluLayer
from reticent.attacks.extraction.relu_layer import ReluCopy
from reticent.errors import ModelError, QueryLimit
from reticent.targets.torch import TorchTarget


def net(columns: int, units: int, classes: int, seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(columns, units), nn.ReLU(), nn.Linear(units, classes)).double()


def own(columns: int, count: int = 200) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(count, columns))


def truth(module: nn.Sequential) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Units' weights at length 1, their biases, and their weights into the logits less the first one."""
    inner, bias, outer = (p.detach().numpy() for p in (module[0].weight, module[0].bias, module[2].weight))
    length = np.linalg.norm(inner, axis=1)
    return inner / length[:, None], bias / length, (outer[1:] - outer[:1]).T * length[:, None]


def worst(copy: ReluCopy, module: nn.Sequential) -> float:
    """The largest error of any parameter, each unit beside the one nearest to it."""
    inner, bias, outer = truth(module)
    nearest = np.abs(inner[:, None] - copy.inner[None]).max(axis=2).argmin(axis=1)
    assert len(set(nearest.tolist())) == len(inner) == len(copy.inner)
    ours = copy.inner[nearest], copy.bias[nearest], copy.outer[nearest]
    return max(float(np.abs(a - b).max()) for a, b in zip(ours, (inner, bias, outer), strict=True))


def gap(copy: ReluCopy, module: nn.Sequential, columns: int) -> float:
    """The largest error of any logit on 10^5 records."""
    x = np.random.default_rng(3).uniform(-3, 3, (100_000, columns))
    with torch.no_grad():
        told = module(torch.tensor(x)).numpy()
    assert (copy.predict(x).labels == told.argmax(axis=1)).all()
    return float(np.abs(copy.logits(x) - (told[:, 1:] - told[:, :1])).max())


@pytest.mark.parametrize(("columns", "units", "classes"), [(8, 10, 2), (6, 10, 4), (20, 10, 3)])
@pytest.mark.parametrize("access", [Access.LOGITS, Access.SCORES])
def test_every_parameter_is_told(scene, columns, units, classes, access):
    module = net(columns, units, classes)
    asked = scene(TorchTarget(module, np.arange(classes)), own(columns), access=access)
    (copy,) = ReluLayer().copies(asked)
    assert worst(copy, module) < 1e-7
    assert gap(copy, module, columns) < 1e-7
    assert np.abs(copy.slope).max() < 1e-7


def test_more_units_than_signs_can_be_told_of_still_answer_alike(scene):
    module = net(3, 20, 2)
    (copy,) = ReluLayer().copies(scene(TorchTarget(module, np.arange(2)), own(3)))
    assert np.abs(copy.slope).max() > 1e-3
    assert gap(copy, module, 3) < 1e-7


def test_units_that_never_switch_are_part_of_the_slope(scene):
    module = net(5, 6, 3)
    with torch.no_grad():
        module[0].bias[0] = 1e4  # always on
        module[0].bias[1] = -1e4  # never on
    (copy,) = ReluLayer().copies(scene(TorchTarget(module, np.arange(3)), own(5)))
    assert len(copy.inner) == 4
    assert gap(copy, module, 5) < 1e-6


def test_a_linear_model_has_no_units(scene):
    torch.manual_seed(0)
    module = nn.Linear(4, 3).double()
    (copy,) = ReluLayer().copies(scene(TorchTarget(module, np.arange(3)), own(4)))
    assert len(copy.inner) == 0
    assert gap(copy, module, 4) < 1e-9


def test_a_table_of_numbers(scene):
    module = net(3, 5, 3)
    table = pd.DataFrame(own(3), columns=["a", "b", "c"])
    (copy,) = ReluLayer().copies(scene(TorchTarget(module, np.arange(3)), table))
    assert worst(copy, module) < 1e-7


def test_the_same_seed_gives_the_same_copy(scene):
    asked = (scene(TorchTarget(net(4, 5, 2), np.arange(2)), own(4)) for _ in range(2))
    one, other = (next(iter(ReluLayer().copies(a))) for a in asked)
    assert one.fingerprint() == other.fingerprint()


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (net(4, 5, 3).float(), "nowhere straight to double precision"),
        (nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3)).double(), "nowhere straight"),
        (
            nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3)).double(),
            "no net of one ReLU layer",
        ),
    ],
)
def test_other_nets_are_refused(scene, module, said):
    with pytest.raises(ModelError, match=said):
        list(ReluLayer(most=40).copies(scene(TorchTarget(module, np.arange(3)), own(4))))


def test_rounded_scores_are_refused(scene):
    from reticent.targets.function import FunctionTarget

    module = net(4, 5, 3)

    def answer(x):
        with torch.no_grad():
            return np.round(module(torch.tensor(x)).softmax(1).numpy(), 3)

    with pytest.raises(ModelError, match="rounded"):
        list(ReluLayer().copies(scene(FunctionTarget(answer, np.arange(3)), own(4))))


def test_words_and_whole_numbers_are_refused(scene, people):
    from sklearn.linear_model import LogisticRegression

    x = np.arange(40).reshape(20, 2)
    model = LogisticRegression().fit(x, np.arange(20) % 2)
    with pytest.raises(ModelError, match="categories or whole numbers"):
        list(ReluLayer().copies(scene(model, x)))


def test_a_budget_too_small_is_said(scene):
    with pytest.raises(QueryLimit):
        list(ReluLayer().copies(scene(TorchTarget(net(4, 5, 3), np.arange(3)), own(4), limit=100)))
