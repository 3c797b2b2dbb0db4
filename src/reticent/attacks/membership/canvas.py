"""Response canvas: how the answers change over a canvas of inputs laid around the record.

A popular reading of "membership inference by canvas", under a name of its own. The original is another
attack: Park & Kang 2020 (arXiv:2001.04011) draws an object detector's boxes on a canvas and lets a
network judge the picture; it is `box-canvas` in this catalogue. Here the canvas is laid in the space of
inputs, and works for any classifier that gives scores. How it compares with LiRA and RMIA
stands in `bench/results/responses.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import isqrt
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Metered
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.learned import train_on_shadows
from reticent.attacks.options import number
from reticent.attacks.perturb import Sheet, margins, picture_axes
from reticent.data import Records, is_table
from reticent.errors import DataError
from reticent.question import Question
from reticent.scene import Scene

if TYPE_CHECKING:
    from reticent.access import Features

RADII = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, kw_only=True)
class Canvas:
    """The margin at the record and at every cell of a canvas around it: regions × radii.

    Attributes:
        regions: how many parts the record is cut into: tiles of a picture, random groups of columns else.
        columns: names of the columns to disturb, each a region; empty for all, dealt into `regions`.
        radii: from a whole picture tile (0) to one faded to its mean (1); for other records the radius of
            the noise (see `Sheet.noisy`), which goes further the same way as it grows.
        seed: of the groups and the noise.
    """

    needs: ClassVar[Access] = Access.SCORES
    regions: int = 6
    columns: tuple[str, ...] = ()
    radii: tuple[float, ...] = RADII
    seed: int = 0

    def __post_init__(self) -> None:
        number("regions", self.regions, low=1)
        for radius in self.radii:
            number("radii", radius, low=1e-9, high=1)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1 + regions × radii, 1) margins: the record itself first, then region by region."""
        return margins(target, records, self._cells(records.features))

    def queries(self, records: int) -> int:
        """One a record and cell, and one for the record itself."""
        return records * (1 + (len(self.columns) or self.regions) * len(self.radii))

    def _cells(self, features: Features) -> Iterator[Features]:
        yield features
        sheet, fades = Sheet.of(features), picture_axes(features) is not None
        for position, region in enumerate(self._regions(sheet)):
            for radius in self.radii:
                rng = np.random.default_rng([self.seed, position])
                if fades:
                    yield sheet.scaled(1 - radius, rng, region)
                else:
                    yield sheet.noisy(radius, rng, region)

    def _regions(self, sheet: Sheet) -> list[IntArray]:
        """Positions of each region's columns."""
        if self.columns:
            known = list(sheet.features.columns) if is_table(sheet.features) else []
            missing = [c for c in self.columns if c not in known]
            if missing:
                raise DataError(f"the canvas names the column {missing[0]!r}; name one of the records' own")
            return [np.array([known.index(c)]) for c in self.columns]
        axes = picture_axes(sheet.features)
        if axes is not None:
            return _tiles(sheet.features.shape, axes, self.regions)
        return np.array_split(np.random.default_rng(self.seed).permutation(sheet.movable), self.regions)


@dataclass(frozen=True, kw_only=True)
class ResponseCanvas(MembershipAttack):
    """The model's answers over a canvas of inputs around the record, read by a shadow-trained classifier.

    Attributes:
        regions: parts of the record that are disturbed, each in turn.
        columns: names of the columns to disturb instead, each in turn.
        radii: how far each part is disturbed, in spreads of each column; none: the plain score alone.
        seed: of the disturbance.
    """

    needs = Access.SCORES
    costly = True
    source = (
        "ours, after popular accounts of the canvas method; the original, Park & Kang 2020, "
        "arXiv:2001.04011, is another attack, on object detectors"
    )
    shadows = True
    caveat = (
        "as strong as RMIA at 25 times its queries: the plain score, judged likewise, tells nearly as much"
    )
    regions: int = 6
    columns: tuple[str, ...] = ()
    radii: tuple[float, ...] = RADII
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.questions  # which checks the options

    @property
    def questions(self) -> tuple[Question, ...]:
        """Margins over the canvas."""
        return (Canvas(regions=self.regions, columns=self.columns, radii=self.radii, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return log-odds of membership, (records,)."""
        shadows = scene.shadow_signals(self.questions[0])
        judge = train_on_shadows(shadows.values[..., 0], shadows.members, seed=scene.seed)
        return judge(scene.target_answers(self.questions[0]).values[0, :, :, 0])


def _tiles(shape: tuple[int, ...], axes: tuple[int, int], count: int) -> list[IntArray]:
    """Cut pictures of the features' `shape` into `count` tiles: positions in the flattened record."""
    rows = next(r for r in range(isqrt(count), 0, -1) if count % r == 0)
    height, width = (np.arange(shape[axis]) for axis in axes)
    down = height * rows // len(height)
    across = width * (count // rows) // len(width)
    tile = np.zeros(shape[1:], dtype=np.int64)
    tile += down.reshape([-1 if axis == axes[0] else 1 for axis in range(1, len(shape))]) * (count // rows)
    tile += across.reshape([-1 if axis == axes[1] else 1 for axis in range(1, len(shape))])
    return [np.flatnonzero(tile.ravel() == number) for number in range(count)]
