"""What a thief trains on the answers it buys: a small net, or a model of the target's own kind."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from reticent.access import Access, FloatArray, Outputs, Target
from reticent.attacks.extraction.affine import Design
from reticent.attacks.extraction.coding import UNSEEN, Coding
from reticent.attacks.perturb import picture_axes
from reticent.data import Records, is_table
from reticent.errors import DataError
from reticent.extraction import ExtractionScene
from reticent.fingerprint import fingerprint
from reticent.targets.content import identity

if TYPE_CHECKING:
    import numpy.typing as npt
    from torch import Tensor, nn

    from reticent.access import Features

BATCH = 128
HIDDEN = 256
STEP_SIZE = 2e-3

FEWEST_STEPS, MOST_STEPS = 300, 5_000
"""Of training; in between, fifteen times through the records."""


@dataclass(frozen=True, eq=False)
class Student:
    """Trains copies.

    Attributes:
        design: what a net is given of a record: numbers in units of their spread, and categories one by one.
        own: the thief's own records, by whose centre and spread numbers are scaled.
        seed: of initial weights and batches.
    """

    design: Design
    own: Records
    classes: npt.NDArray[np.generic]
    seed: int

    @classmethod
    def of(cls, scene: ExtractionScene) -> Student:
        """The one whom a scene affords."""
        return cls(Design(Coding.of(scene.own.features)), scene.own, scene.target.classes, scene.seed)

    @property
    def coding(self) -> Coding:
        """How records are written as numbers."""
        return self.design.coding

    @property
    def pictures(self) -> tuple[int, int, int] | None:
        """(channels, height, width), where records are pictures."""
        features: Any = self.own.features
        axes = None if is_table(features) else picture_axes(features)
        if axes is None:
            return None
        height, width = (features.shape[a] for a in axes)
        return int(np.prod(features.shape[1:])) // (height * width), height, width

    def rows(self, values: Tensor) -> Tensor:
        """What a net is given of coded records (records, columns), as a function that has a gradient."""
        import torch

        sheet = self.coding.sheet
        if self.pictures is not None:
            low, high = float(sheet.low.min()), float(sheet.high.max())
            scaled, (channels, height, width) = (values - low) / (high - low), self.pictures
            if self.channels_last:
                return scaled.reshape(-1, height, width, channels).movedim(3, 1)
            return scaled.reshape(-1, channels, height, width)
        numbers = self.design.numbers
        centre, spread = (
            torch.as_tensor(a[numbers], dtype=values.dtype) for a in (sheet.centre, sheet.spread)
        )
        scaled = ((values[:, numbers] - centre) / spread).nan_to_num(0.0).clamp(-10, 10)
        dummies = [(values[:, c] == v).to(values.dtype) for c, v in self.design.dummies]
        return torch.cat([scaled, *(d[:, None] for d in dummies)], dim=1)

    @property
    def channels_last(self) -> bool:
        """Whether pictures have their channels behind height and width."""
        features: Any = self.own.features
        return features.ndim == 4 and picture_axes(features) == (1, 2)

    def net(self) -> nn.Module:
        """A new one: two layers for tables and vectors, convolutions for pictures."""
        import torch
        from torch import nn

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            if self.pictures is None:
                return nn.Sequential(
                    nn.Linear(self.design.width, HIDDEN),
                    nn.ReLU(),
                    nn.Linear(HIDDEN, HIDDEN // 2),
                    nn.ReLU(),
                    nn.Linear(HIDDEN // 2, len(self.classes)),
                )
            channels, height, width = self.pictures
            return nn.Sequential(
                nn.Conv2d(channels, 16, 5, stride=2, padding=2),
                nn.ReLU(),
                nn.Conv2d(16, 32, 3, stride=2, padding=1),
                nn.ReLU(),
                nn.Flatten(),
                nn.Linear(32 * ((height + 3) // 4) * ((width + 3) // 4), 128),
                nn.ReLU(),
                nn.Linear(128, len(self.classes)),
            )

    def fit(self, values: FloatArray, answers: FloatArray) -> StudentCopy:
        """Train a net on coded records and the (records, classes) scores that were answered."""
        import torch
        from torch.nn.functional import cross_entropy

        net = self.net()
        given = torch.as_tensor(values, dtype=torch.float32)
        targets = torch.as_tensor(answers, dtype=torch.float32)
        steps = int(np.clip(15 * len(given) / BATCH, FEWEST_STEPS, MOST_STEPS))
        optimiser = torch.optim.Adam(net.parameters(), STEP_SIZE)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, STEP_SIZE, total_steps=steps)
        draw = torch.Generator().manual_seed(self.seed)
        for _ in range(steps):
            some = torch.randint(len(given), (min(BATCH, len(given)),), generator=draw)
            optimiser.zero_grad()
            cross_entropy(net(self.rows(given[some])), targets[some]).backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        return StudentCopy(self, net.eval())


@dataclass(frozen=True, eq=False)
class StudentCopy:
    """A net that was trained on what the target answered.

    Attributes:
        student: how records are written as what it takes.
        net: logits of them.
    """

    student: Student
    net: nn.Module
    access = Access.LOGITS

    @property
    def classes(self) -> npt.NDArray[np.generic]:
        """(classes,) the labels behind its logits."""
        return self.student.classes

    def logits(self, values: FloatArray) -> FloatArray:
        """(records, classes) of coded records."""
        import torch

        with torch.no_grad():
            parts = torch.split(torch.as_tensor(values, dtype=torch.float32), 4096)
            return np.asarray(torch.cat([self.net(self.student.rows(part)) for part in parts]).numpy())

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`."""
        return Outputs.from_logits(self.logits(self.student.coding.values(x)))

    def fingerprint(self) -> str:
        """A hash of the net's weights."""
        return fingerprint("student", identity(self.net), self.classes)


def trained(scene: ExtractionScene, student: Student, values: FloatArray, answers: FloatArray) -> Target:
    """A copy by the training that the thief has, on the classes named; a net where it has none."""
    if scene.recipe is None:
        return student.fit(values, answers)
    features = student.coding.features(values)
    return scene.recipe.fit(Records(features, answers.argmax(axis=1), student.classes), scene.seed)


def stages(scene: ExtractionScene, first: int, most: int) -> Iterator[int]:
    """Records asked about until each copy: twice as many each time, as far as the budget reaches.

    Raises:
        DataError: a budget that does not reach for the first.
    """
    budget = most if scene.budget is None else min(scene.budget, most)
    if budget < first:
        raise DataError(
            f"{budget:,} queries are allowed, and the first copy is made of {first:,}; raise the budget, or "
            "ask for a smaller start"
        )
    size = first
    while size < budget:
        yield size
        size *= 2
    yield budget


def pool_of(scene: ExtractionScene, coding: Coding, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, columns) coded records to ask about: the pool in random order, and beyond it records that are
    part one of the pool's and part another.

    Raises:
        DataError: an empty pool, or one of another form than the thief's own records.
    """
    given: Any = scene.pool
    own: Any = scene.own.features
    if not len(given) or given.shape[1:] != own.shape[1:]:
        raise DataError(
            f"a pool of shape {given.shape} was given, and the thief's own records are of shape "
            f"{own.shape[1:]}; give records of the same form"
        )
    pool = coding.values(given)
    if (pool == UNSEEN).any():
        pool = pool[~(coding.category & (pool == UNSEEN)).any(axis=1)]
    pool = np.where(np.isnan(pool), coding.sheet.centre, pool)[rng.permutation(len(pool))]
    if len(pool) >= count:
        return pool[:count]
    one, other = (pool[rng.integers(len(pool), size=count - len(pool))] for _ in range(2))
    mixed = np.where(rng.random(one.shape) < 0.5, one, other)
    return np.concatenate([pool, mixed])
