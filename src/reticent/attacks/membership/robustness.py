"""Robustness: a member's label holds when the record is disturbed.

Choquette-Choo, Tramèr, Carlini & Papernot, "Label-Only Membership Inference Attacks", ICML 2021,
arXiv:2007.14321: pictures are shifted and mirrored, other records are disturbed at random,
and what tells is which of the copies the model still names rightly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.learned import train_on_shadows
from reticent.attacks.options import number
from reticent.attacks.perturb import RADII, copies_of
from reticent.data import Records
from reticent.question import Question
from reticent.scene import Scene


@dataclass(frozen=True, kw_only=True)
class Correctness:
    """Whether the model names the right class of the record, and of each of its copies.

    Attributes:
        copies: how many. Pictures: the mirror image, then shifts by 1, 2, … pixels in four directions.
            Other records: random noise.
        radii: of the noise, taken in turn (see `Sheet.noisy`).
        seed: of the noise.
    """

    needs: ClassVar[Access] = Access.LABELS
    copies: int = 16
    radii: tuple[float, ...] = RADII
    seed: int = 0

    def __post_init__(self) -> None:
        number("copies", self.copies, low=1)
        for radius in self.radii or (0.0,):
            number("radii", radius, low=1e-9, high=1)

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """(records, 1 + copies, 1): 1.0 where the label is right, else 0.0; the record itself first."""
        right = [target.predict(records.features).labels == records.labels]
        right += [
            target.predict(copy).labels == records.labels
            for copy in copies_of(records.features, self.copies, self.radii, self.seed)
        ]
        return np.stack(right, axis=1)[:, :, None].astype(np.float32)

    def queries(self, records: int) -> int:
        """One a record and copy."""
        return records * (1 + self.copies)


@dataclass(frozen=True, kw_only=True)
class Robustness(MembershipAttack):
    """The share of disturbed copies of a record that the model still names rightly.

    Attributes:
        copies: of each record, asked besides the record itself. Pictures are mirrored and shifted, other
            records disturbed by noise.
        radii: of the noise, in spreads of each column.
        seed: of the noise.
    """

    needs = Access.LABELS
    costly = True
    source = "Choquette-Choo et al. 2021, arXiv:2007.14321"
    caveat = "records far from every boundary look like members, trained on or not"
    copies: int = 16
    radii: tuple[float, ...] = RADII
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.questions  # which checks the options

    @property
    def questions(self) -> tuple[Question, ...]:
        """Labels of the record and its copies."""
        return (Correctness(copies=self.copies, radii=self.radii, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return the share named rightly, (records,)."""
        share: FloatArray = scene.target_answers(self.questions[0]).values[0, :, :, 0].mean(axis=1)
        return share


@dataclass(frozen=True, kw_only=True)
class LearnedRobustness(MembershipAttack):
    """Which disturbed copies are named rightly, read by a classifier trained on shadow models.

    Each copy is compared with what the shadow models, with and without the record in their training set,
    answer to that very copy.

    Attributes:
        copies: of each record, asked besides the record itself. Pictures are mirrored and shifted, other
            records disturbed by noise.
        radii: of the noise, in spreads of each column.
        seed: of the noise.
    """

    needs = Access.LABELS
    costly = True
    source = "Choquette-Choo et al. 2021, arXiv:2007.14321; the comparison by record is ours"
    shadows = True
    copies: int = 16
    radii: tuple[float, ...] = RADII
    seed: int = 0

    def __post_init__(self) -> None:
        _ = self.questions  # which checks the options

    @property
    def questions(self) -> tuple[Question, ...]:
        """Labels of the record and its copies."""
        return (Correctness(copies=self.copies, radii=self.radii, seed=self.seed),)

    def guess(self, scene: Scene) -> FloatArray:
        """Return log-odds of membership, (records,)."""
        shadows = scene.shadow_signals(self.questions[0])
        judge = train_on_shadows(shadows.values[..., 0], shadows.members, seed=scene.seed)
        return judge(scene.target_answers(self.questions[0]).values[0, :, :, 0])
