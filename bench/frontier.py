"""The frontier of defences on a real data set: what each leaves of the leak, and what it costs.

    python bench/frontier.py location30 [--shadows 32]      one of location30, adult, diabetes130, cifar10

Leaves bench/results/frontier_NAME.json and .html, with the machine's description; finished shadow models
are kept, so a run that was stopped goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from torch import nn

import reticent as rt
from frontier_run import asked, run
from reticent.data import Records
from reticent.defences.reading import read_defence
from reticent.shadows.batched import Training
from reticent.targets.torch import TorchRecipe
from shadow_data import adult, location30, perceptron

ANSWERS = (
    "labels_only()",
    "top_k(3)",
    "round_scores(1)",
    "temperature(4)",
    "gaussian_noise(0.2)",
    "gaussian_noise(0.2) | memoise()",
    "exponential_mechanism(20)",
    "reverse_sigmoid()",
    "memguard()",
)

FIRST = ("l2(1e-3)", "early_stopping()", "label_smoothing(0.3)", "memguard()")
"""With no defence and private training as useful as these: six rows."""

DEFENCES: dict[str, tuple[str, ...]] = {
    "location30": (
        "l2(1e-3)",
        "l2(1e-2)",
        "dropout(0.5)",
        "early_stopping()",
        "label_smoothing(0.3)",
        "confidence_penalty(0.1)",
        "mixup()",
        "mixup() | mmd()",
        "relax_loss(0.3)",
        "hamp(0.5, 0.05)",
        "adversarial_regularisation(1.0)",
        "selena()",
        "distillation()",
        "adversarial_training(0.05)",
        "dp_sgd(epsilon=3, batch_size=512, learning_rate=0.1)",
        "dp_sgd(epsilon=8, batch_size=512, learning_rate=0.1)",
        "dp_sgd(epsilon=8, batch_size=512, learning_rate=0.1) | adversarial_training(0.05)",
        "dp_ftrl(epsilon=8, epochs=3, batch_size=128, learning_rate=0.2)",
        "pate(epsilon=8, teachers=5, questions=300)",
        *ANSWERS,
        "early_stopping() | labels_only()",
        "l2(1e-2) | round_scores(1)",
    ),
    "adult": (
        "l2(1e-3)",
        "l2(1e-2)",
        "dropout(0.5)",
        "early_stopping()",
        "label_smoothing(0.2)",
        "confidence_penalty(0.1)",
        "mixup()",
        "mixup() | mmd()",
        "relax_loss(0.3)",
        "hamp(0.5, 0.05)",
        "adversarial_regularisation(1.0)",
        "selena()",
        "distillation()",
        "adversarial_training(0.1)",
        "dp_sgd(epsilon=1, batch_size=512, epochs=20)",
        "dp_sgd(epsilon=3, batch_size=512, epochs=20)",
        "dp_sgd(epsilon=3, batch_size=512, epochs=20) | adversarial_training(0.1)",
        "dp_ftrl(epsilon=3, epochs=3)",
        "pate(epsilon=3, teachers=20, questions=500)",
        *ANSWERS,
        "dp_sgd(epsilon=3, batch_size=512, epochs=20) | round_scores(2)",
        "l2(1e-2) | labels_only()",
    ),
    "diabetes130": FIRST,
    "cifar10": (*FIRST, "dp_sgd(epsilon=8, batch_size=256, learning_rate=0.1)"),
}


UNTUNED = ("cifar10",)
"""Where private training is not tuned to the usefulness of the rest: forty ways of it would take an hour."""


def main() -> None:
    """Measure, tell, keep; and say what to choose."""
    given = asked(DEFENCES)
    recipe, data = TASKS[given.name]()
    defences = [read_defence(text) for text in DEFENCES[given.name]]
    front = run(
        given, recipe, data, defences, stem="frontier", title=given.name, private=given.name not in UNTUNED
    )
    for limit in ("tpr@0.1% < 0.005", "tpr@0.1% < 0.05", "auc < 0.6"):
        print(front.best(limit).sentence)


def visits() -> tuple[TorchRecipe, Records]:
    """Location-30: 5,010 people by where they were, 30 kinds; a perceptron of 256."""
    task = location30()
    return task.recipe, Records(task.x, task.y, np.arange(30))


def incomes() -> tuple[TorchRecipe, Records]:
    """Adult: 10,000 people; a perceptron of 256, trained until it overfits as an unwatched one does."""
    task = adult(10_000)
    training = Training(epochs=40, batch_size=128, learning_rate=0.05, momentum=0.9)
    net = partial(perceptron, task.x.shape[1], 256, 2)
    return TorchRecipe(module=net, training=training), Records(task.x, task.y, np.arange(2))


def stays() -> tuple[TorchRecipe, Records]:
    """diabetes-130: 10,000 stays in hospital, readmitted or not; a perceptron of 256."""
    import pandas as pd

    table = rt.datasets.diabetes130()
    rng = np.random.default_rng(0)
    rows = rng.permutation(len(table.labels))[:10_000]
    features = pd.DataFrame(table.features).iloc[rows].reset_index(drop=True)
    y = np.unique(np.asarray(table.labels)[rows], return_inverse=True)[1].astype(np.int64)
    numbers = features.select_dtypes("number")
    words = features.select_dtypes(exclude="number").astype(str)
    words = words[[c for c in words.columns if words[c].nunique() <= 60]]
    spread = ((numbers - numbers.mean()) / (numbers.std() + 1e-9)).fillna(0)
    x = pd.concat([spread, pd.get_dummies(words)], axis=1).to_numpy(np.float32)
    classes = int(y.max()) + 1
    training = Training(epochs=30, batch_size=128, learning_rate=0.05, momentum=0.9)
    net = partial(perceptron, x.shape[1], 256, classes)
    return TorchRecipe(module=net, training=training), Records(x, y, np.arange(classes))


def small_convolutions() -> nn.Module:
    """Two convolutions and two linear layers, 120,000 weights, for pictures of 3 × 32 × 32."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(4),
        nn.Flatten(),
        nn.Linear(512, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def pictures() -> tuple[TorchRecipe, Records]:
    """CIFAR-10: 5,000 pictures; a small convolutional network."""
    data = rt.datasets.cifar10()
    x, y = np.asarray(data.features)[:5_000], np.asarray(data.labels)[:5_000].astype(np.int64)
    x = np.moveaxis(x, -1, 1)
    training = Training(epochs=25, batch_size=64, learning_rate=0.02, momentum=0.9)
    return (
        TorchRecipe(module=small_convolutions, training=training),
        Records((x / 255).astype(np.float32), y, np.arange(10)),
    )


def few_pictures() -> tuple[TorchRecipe, Records]:
    """2,000 of those pictures, 20 epochs: convolutions have no short way of training many at once."""
    recipe, data = pictures()
    return replace(recipe, training=replace(recipe.training, epochs=20)), data.take(np.arange(2_000))


TASKS: dict[str, Callable[[], tuple[TorchRecipe, Records]]] = {
    "location30": visits,
    "adult": incomes,
    "diabetes130": stays,
    "cifar10": few_pictures,
}

if __name__ == "__main__":
    main()
