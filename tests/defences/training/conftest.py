"""Recipes of two kinds, and people to train them on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from torch import nn

from reticent.data import Records
from reticent.shadows.batched import Training
from reticent.shadows.batched.objective import Moment
from reticent.targets.sklearn import SklearnRecipe
from reticent.targets.torch import TorchRecipe

COLUMNS, CLASSES = 5, 3


def net():
    return nn.Sequential(nn.Linear(COLUMNS, 16), nn.Tanh(), nn.Linear(16, CLASSES))


def people(rows=120, seed=0, noise=0.5):
    """Three classes by the signs of two columns, some labels wrong."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, COLUMNS)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0)
    wrong = rng.random(rows) < noise / 5
    y[wrong] = rng.integers(0, CLASSES, int(wrong.sum()))
    return Records(x, y, np.arange(CLASSES))


@pytest.fixture
def torch_recipe():
    training = Training(epochs=4, batch_size=16, learning_rate=0.1, momentum=0.9)
    return TorchRecipe(module=net, training=training)


@pytest.fixture
def logistic():
    return SklearnRecipe(LogisticRegression(C=3.0))


@pytest.fixture
def bayes():
    return SklearnRecipe(GaussianNB())


@pytest.fixture(scope="session")
def data():
    return people()


@pytest.fixture(scope="session")
def reference():
    return people(80, seed=1)


@pytest.fixture
def heard():
    """Logits, one-hot targets (2 models, 7 records, 3 classes) and the moment they are heard at."""
    drawn = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 7, CLASSES, generator=drawn, requires_grad=True)
    labels = torch.randint(0, CLASSES, (2, 7), generator=drawn)
    targets = nn.functional.one_hot(labels, CLASSES).float()
    held = torch.ones(2, 7)
    held[1, 5:] = 0
    return logits, targets, labels, Moment(epoch=0, models=slice(0, 2), held=held)


@pytest.fixture
def losses():
    """Asks an objective for its losses (models, records)."""

    def asked(objective, logits, targets, moment, seeds=(0, 1)):
        return objective.begin(list(seeds), CLASSES)(logits, targets, moment)

    return asked
