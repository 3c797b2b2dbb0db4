"""Copying a model without any records: a net makes up what to ask about.

Truong, Maini, Walls & Papernot 2021, "Data-free model extraction", CVPR (arXiv:2011.14779), after Kariyappa,
Prakash & Qureshi 2021, "MAZE", CVPR (arXiv:2005.03161): a generator makes records on which model and copy
differ most, the copy learns from the answers. The model's gradient by a record is estimated by asking about
it again, a small step away (equation 5); the loss between logits is their absolute difference, logits being
log-scores less their mean (equations 3 and 4).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from reticent.access import Access, FloatArray, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.coding import answered
from reticent.attacks.extraction.student import Student, StudentCopy
from reticent.errors import DataError
from reticent.extraction import ExtractionScene

if TYPE_CHECKING:
    from torch import Tensor, nn

NOISE = 64
"""Numbers that the generator makes a record of."""


@dataclass(frozen=True, kw_only=True)
class DataFree(ExtractionAttack):
    """Trains a copy on records that a generator makes up so that copy and model differ.

    Attributes:
        batch: records made at a time.
        learns: batches that the copy learns from for each that the generator does.
        step: by which a record is moved to feel the model's gradient, as a share of the range.
        copies_kept: copies yielded on the way.
        most: records asked about in all, where no budget is set.
    """

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Truong et al. 2021 (CVPR, arXiv:2011.14779)"
    price: ClassVar[str] = "tens of thousands of answers on small records, millions on photographs"
    caveat: ClassVar[str] = (
        "Knows of the records nothing but their shape and range, so it takes many answers: the papers spend "
        "millions. Of tables it takes numbers alone."
    )
    batch: int = 64
    learns: int = 5
    step: float = 1e-3
    copies_kept: int = 6
    most: int = 100_000

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield the copy a few times on the way, at doubling numbers of answers, and at the end."""
        import torch
        from torch.nn.functional import l1_loss

        student = Student.of(scene)
        if student.coding.category.any():
            raise DataError(
                "the records hold categories, which can't be made up little by little; give numbers"
            )
        budget = self.most if scene.budget is None else min(scene.budget, self.most)
        a_round = self.batch * (2 + self.learns)
        if budget < a_round:
            raise DataError(
                f"{budget:,} queries are allowed and a round takes {a_round:,}; raise the budget or lower "
                "batch"
            )
        rounds = budget // a_round
        draw = torch.Generator().manual_seed(scene.seed)
        maker, net = _Maker(student, draw), student.net()
        making = torch.optim.Adam(maker.net.parameters(), 1e-3)
        learning = torch.optim.Adam(net.parameters(), 1e-3)
        shown = {max(1, rounds >> n) for n in range(self.copies_kept)}
        answers = np.zeros((0, len(student.classes)))
        kept = torch.zeros(0, maker.width)
        for number in range(1, rounds + 1):
            records = maker.made(self.batch)
            slope = self._slope(scene, student, net, records.detach(), draw)
            making.zero_grad()
            records.backward(-slope)  # type: ignore[no-untyped-call]
            making.step()
            with torch.no_grad():
                made = maker.made(self.batch * self.learns)
            values = made.numpy().astype(np.float64)
            answers = np.concatenate([answers, answered(scene.target, student.coding, values)])
            kept = torch.cat([kept, made])
            # What was answered before is asked again of the copy, not of the model: it costs nothing
            for _ in range(4 * self.learns):
                some = torch.randint(len(kept), (2 * self.batch,), generator=draw)
                learning.zero_grad()
                told = centred(net(student.rows(kept[some])).log_softmax(1))
                l1_loss(told, logits(answers[some.numpy()])).backward()  # type: ignore[no-untyped-call]
                learning.step()
            if number in shown:
                yield StudentCopy(student, _copied(net))

    def _slope(
        self, scene: ExtractionScene, student: Student, net: nn.Module, records: Tensor, draw: Any
    ) -> Tensor:
        """(records, columns) the gradient of how much model and copy differ, felt along one direction."""
        import torch

        span = torch.as_tensor(student.coding.sheet.high - student.coding.sheet.low, dtype=torch.float32)
        towards = torch.randn(records.shape, generator=draw)
        towards /= towards.norm(dim=1, keepdim=True)
        ahead = records + self.step * span * towards
        both = torch.cat([records, ahead]).numpy().astype(np.float64)
        theirs = logits(answered(scene.target, student.coding, both))
        with torch.no_grad():
            ours = centred(net(student.rows(torch.cat([records, ahead]))).log_softmax(1))
        here, there = (ours - theirs).abs().sum(1).reshape(2, -1)
        along = records.shape[1] * ((there - here) / self.step)[:, None]
        slope: Tensor = along * towards / span.clamp(min=1e-12)
        return slope


class _Maker:
    """Makes records within the range of the thief's own out of noise."""

    def __init__(self, student: Student, draw: Any) -> None:
        import torch
        from torch import nn

        sheet = student.coding.sheet
        self.low, self.high = (torch.as_tensor(side.astype(np.float32)) for side in (sheet.low, sheet.high))
        self.width, self.draw = len(sheet.low), draw
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(student.seed)
            self.net = nn.Sequential(
                nn.Linear(NOISE, 256),
                nn.ReLU(),
                nn.BatchNorm1d(256),
                nn.Linear(256, self.width),
                nn.Sigmoid(),
            )

    def made(self, count: int) -> Tensor:
        """(count, columns) records."""
        import torch

        noise = torch.randn(count, NOISE, generator=self.draw)
        shares: Tensor = self.net(noise)
        return self.low + (self.high - self.low) * shares


def logits(scores: FloatArray) -> Tensor:
    """(records, classes) log-scores less their mean."""
    import torch

    return centred(torch.as_tensor(np.log(np.maximum(scores, 1e-7)), dtype=torch.float32))


def centred(log_scores: Tensor) -> Tensor:
    """(records, classes) less the mean of each record."""
    return log_scores - log_scores.mean(1, keepdim=True)


def _copied(net: nn.Module) -> nn.Module:
    import copy

    return copy.deepcopy(net).eval()
