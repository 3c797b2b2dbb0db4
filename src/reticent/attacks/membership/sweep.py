"""Response sweep: how the answers change as the record is scaled, and where they fall off.

Published descriptions call such attacks "spectral". A popular reading, under a name of its own; the
original it is told of is another attack: Spectral DeTuning (Horwitz, Kahana & Hoshen 2024,
arXiv:2402.10208) recovers a model's weights from its low-rank fine-tunings, and is `spectral-detuning` in
this catalogue. Here a record is drawn
towards the average record and pushed beyond itself, step by step, and the curve of answers is read. How
it compares with LiRA and RMIA stands in `bench/results/responses.md`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.learned import train_on_shadows
from reticent.attacks.options import number
from reticent.attacks.perturb import Sheet, margins
from reticent.data import Records
from reticent.errors import PlanError
from reticent.question import Question
from reticent.scene import Scene

if TYPE_CHECKING:
    from reticent.access import Features

SCALES = tuple(step / 8 for step in range(16))
"""0, where every number is its column's mean, to 1.875; 1 is the record itself."""

SOURCE = (
    "ours, after popular accounts of 'spectral' attacks; the original, Horwitz et al. 2024, "
    "arXiv:2402.10208, is another attack, on fine-tuned weights"
)


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """The margin at each point of a line through the record.

    Attributes:
        scales: of the record about its columns' means (see `Sheet.scaled`).
        seed: of the draws for columns that know no between.
    """

    needs: ClassVar[Access] = Access.SCORES
    scales: tuple[float, ...] = SCALES
    seed: int = 0

    def __post_init__(self) -> None:
        for scale in self.scales:
            number("scales", scale, low=0)
        if 1.0 not in self.scales:
            raise PlanError(f"scales = {self.scales} was given; put 1.0, the record itself, among them")

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, scales, 1) margins."""
        return margins(target, records, self._points(records.features))

    def queries(self, records: int) -> int:
        """One a record and scale."""
        return records * len(self.scales)

    def _points(self, features: Features) -> Iterator[Features]:
        sheet = Sheet.of(features)
        for scale in self.scales:
            yield sheet.scaled(scale, np.random.default_rng(self.seed))


@dataclass(frozen=True, kw_only=True)
class ResponseSweep(MembershipAttack):
    """The curve of answers along a line through the record, read by a shadow-trained classifier.

    The classifier sees the margin at the record itself, the detuning point, and the curve's cosine
    transform, which parts its level from its slope and its ripples.

    Attributes:
        scales: points of the line: 0 the average record, 1 the record itself.
        falloff: the share of the record's own margin at which the answer counts as fallen off.
        seed: of the draws for columns that know no between.
    """

    needs = Access.SCORES
    costly = True
    source = SOURCE
    shadows = True
    caveat = (
        "as strong as RMIA at 16 times its queries: the plain score, judged likewise, tells nearly as much"
    )
    scales: tuple[float, ...] = SCALES
    falloff: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        number("falloff", self.falloff, low=0, high=0.99)
        _ = self.questions  # which checks the other options

    @property
    def questions(self) -> tuple[Question, ...]:
        """Margins along the line."""
        return (Sweep(scales=self.scales, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return log-odds of membership, (records,)."""
        shadows = scene.shadow_signals(self.questions[0])
        target = scene.target_answers(self.questions[0])
        read = np.stack([self._read(curves) for curves in shadows.values[..., 0]])
        judge = train_on_shadows(read, shadows.members, seed=scene.seed)
        return judge(self._read(target.values[0, :, :, 0]))

    def _read(self, curves: FloatArray) -> FloatArray:
        """(records, 2 + scales) what the classifier sees of curves (records, scales)."""
        own = curves[:, self.scales.index(1.0)]
        fall = detuning_points(curves, np.array(self.scales), self.falloff)
        return np.column_stack([own, fall, spectrum(curves)])


@dataclass(frozen=True, kw_only=True)
class DetuningPoint(MembershipAttack):
    """How far the record can be drawn towards the average record before the model's answer falls off.

    Attributes:
        scales: points of the line: 0 the average record, 1 the record itself.
        falloff: the share of the record's own margin at which the answer counts as fallen off.
        seed: of the draws for columns that know no between.
    """

    needs = Access.SCORES
    costly = True
    source = SOURCE
    caveat = "records far from every boundary look like members, trained on or not"
    scales: tuple[float, ...] = SCALES
    falloff: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        number("falloff", self.falloff, low=0, high=0.99)
        _ = self.questions  # which checks the other options

    @property
    def questions(self) -> tuple[Question, ...]:
        """Margins along the line."""
        return (Sweep(scales=self.scales, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return minus the scale at which the answer falls off, (records,)."""
        curves = scene.target_answers(self.questions[0]).values[0, :, :, 0]
        return -detuning_points(curves, np.array(self.scales), self.falloff)


def spectrum(curves: FloatArray) -> FloatArray:
    """The orthonormal cosine transform (DCT-II) of curves along their last axis."""
    from scipy.fft import dct

    transformed: FloatArray = dct(curves, norm="ortho", axis=-1)
    return transformed


def detuning_points(curves: FloatArray, scales: FloatArray, falloff: float) -> FloatArray:
    """Return where each curve, followed from scale 1 down, first reaches `falloff` × its value there.

    Between two scales the curve is taken as straight. A record that is misclassified has fallen off at
    once; one whose curve never falls so far falls off at the lowest scale.

    Args:
        curves: (records, scales) margins.
        scales: (scales,) in any order, 1 among them.
    """
    order = np.argsort(-scales)
    order = order[scales[order] <= 1]
    curves, scales = curves[:, order], scales[order]
    own = curves[:, 0]
    level = falloff * own
    fallen = curves <= level[:, None]
    fallen[:, -1] = True  # ends there at the latest
    after = fallen.argmax(axis=1)
    before = np.maximum(after - 1, 0)
    rows = np.arange(len(curves))
    above, below = curves[rows, before], curves[rows, after]
    share = np.clip((above - level) / np.maximum(above - below, 1e-9), 0, 1)
    points: FloatArray = scales[before] + share * (scales[after] - scales[before])
    return np.where(own > 0, points, scales[0])
