"""Path finding: a decision tree read off by walking from leaf to leaf.

Tramèr, Zhang, Juels, Reiter & Ristenpart 2016 (USENIX Security, arXiv:1609.02943), section 4.2: the scores
of a leaf are its identity. From one record of a leaf, its box is found by moving one column after another as
far as the answer stays the same; just beyond each side of the box another leaf begins.

The paper needs leaves of different scores. Here a box that turns out to hold a record of another answer is
cut: on the way between the two records, column after column, the place is searched where the answer changes.
So leaves of equal scores cost queries, and no exactness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered, Outputs, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.coding import Coding, answered
from reticent.errors import QueryLimit
from reticent.extraction import ExtractionScene
from reticent.fingerprint import fingerprint

if TYPE_CHECKING:
    import numpy.typing as npt

    from reticent.access import Features

DRAWN = 4_096
"""Records drawn, not asked, to see whether the boxes cover all that can be asked."""

TOGETHER = 8
"""Boxes that are searched for at a time: fewer are lost when the budget ends."""

SAME = 1e-9
"""Scores that differ by less are those of one leaf."""


@dataclass(frozen=True, kw_only=True)
class PathFinding(ExtractionAttack):
    """Walks from leaf to leaf of a decision tree, and finds the box of each.

    Attributes:
        epsilon: how closely a side is found, as a share of the column's range; whole numbers exactly.
        probes: records drawn evenly from a box to see whether it is one leaf's.
        start: the thief's own records that are asked about first.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Tramèr et al. 2016, section 4.2 (USENIX Security, arXiv:1609.02943)"
    price: ClassVar[str] = "two answers a column, and ten a side, for each leaf"
    caveat: ClassVar[str] = (
        "A forest has too many boxes. Leaves of equal scores are told apart as far as probes happen to fall "
        "into both. From labels alone, or scores of 0 and 1 alone, most leaves have equal scores: what is "
        "copied then is what the tree answers, not its leaves."
    )
    epsilon: float = 1e-3
    probes: int = 20
    start: int = 100

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield a copy whenever as much again was asked, and at the end."""
        rng, coding = scene.rng(), Coding.of(scene.own.features)
        boxes = _Boxes(scene.target, coding, self.epsilon)
        shown = 0
        try:
            boxes.ask(coding.own()[rng.permutation(len(scene.own))[: self.start]])
            while boxes.cut() or boxes.open() or boxes.probe(self.probes, rng):
                if len(boxes.answers) >= 2 * shown and boxes.found:
                    shown = len(boxes.answers)
                    yield boxes.copy()
        except QueryLimit:
            if boxes.found:
                yield boxes.copy()
            raise
        yield boxes.copy()


@dataclass(frozen=True, eq=False)
class BoxCopy:
    """What a tree answers in each of its leaves' boxes.

    Attributes:
        coding: how records are written as numbers.
        low, high: (leaves, columns) the least and the greatest number in each box.
        allowed: of each column of categories, (leaves, values) which are in it.
        answers: (leaves, classes) scores, or 1 for the class named.
        classes: (classes,) the labels behind them.
        access: whether it answers scores, or labels alone.
    """

    coding: Coding
    low: FloatArray
    high: FloatArray
    allowed: dict[int, BoolArray]
    answers: FloatArray
    classes: npt.NDArray[np.generic]
    access: Access

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x` as the box does that it lies in, or that is nearest."""
        values = self.coding.values(x)
        told = self.answers[self._apart(values).argmin(axis=1)]
        if self.access < Access.SCORES:
            return Outputs.from_labels(told.argmax(axis=1))
        return Outputs.from_scores(told)

    def _apart(self, values: FloatArray) -> FloatArray:
        """(records, leaves) how far outside each box a record is, in ranges of the columns."""
        sheet = self.coding.sheet
        apart = np.zeros((len(values), len(self.low)))
        for column in sheet.movable.tolist():  # of the others the thief knows one value alone
            value = values[:, column, None]
            if column in self.allowed:
                # A value that nobody had asked about is in no box
                known = np.clip(value[:, 0], 0, None).astype(np.int64)
                apart += ~self.allowed[column][:, known].T | (value < 0)
            else:
                beyond = np.maximum(self.low[:, column] - value, value - self.high[:, column])
                apart += np.nan_to_num(np.maximum(beyond, 0)) / (sheet.high[column] - sheet.low[column])
        return apart

    def fingerprint(self) -> str:
        """A hash of its boxes and answers."""
        allowed = list(self.allowed.values())
        return fingerprint("boxes", self.low, self.high, allowed, self.answers, self.classes)


@dataclass(eq=False)
class _Box:
    """A leaf under way: its box, and a record in it."""

    low: FloatArray
    high: FloatArray
    allowed: dict[int, BoolArray]
    witness: FloatArray
    answer: FloatArray
    probed: bool = False


class _Boxes:
    """The leaves found, and all that was asked.

    Attributes:
        values, answers: (asked, columns) and (asked, classes).
        within: (asked,) the box that each lies in; -1 of none.
    """

    def __init__(self, target: Metered, coding: Coding, epsilon: float) -> None:
        self.target, self.coding = target, coding
        sheet = coding.sheet
        self.closest = np.where(sheet.whole, 1.0, epsilon * (sheet.high - sheet.low)).astype(np.float64)
        self.slack = np.where(sheet.whole, 0.5, 1.01 * self.closest)
        self.values = np.zeros((0, len(sheet.low)))
        self.answers = np.zeros((0, len(target.classes)))
        self.within = np.zeros(0, dtype=np.int64)
        self.found: list[_Box] = []

    def ask(self, values: FloatArray) -> FloatArray:
        """(records, classes) what the target answers; kept."""
        answers = answered(self.target, self.coding, values)
        self.values = np.concatenate([self.values, values])
        self.answers = np.concatenate([self.answers, answers])
        self.within = np.concatenate([self.within, self.box_of(values)])
        return answers

    def box_of(self, values: FloatArray) -> IntArray:
        """(records,) the first box that each lies in; -1 of none."""
        found = np.full(len(values), -1)
        for number, box in enumerate(self.found):
            left = np.flatnonzero(found < 0)
            found[left[self._inside(box, values[left])]] = number
        return found

    def _inside(self, box: _Box, values: FloatArray) -> BoolArray:
        inside = ((values >= box.low - self.slack) & (values <= box.high + self.slack)).all(axis=1)
        for column, allowed in box.allowed.items():
            inside &= allowed[values[:, column].astype(np.int64)]
        return np.asarray(inside)

    def open(self) -> bool:
        """Find the boxes of some records that lie in none, one of each answer; whether there are any."""
        outside = np.flatnonzero(self.within < 0)
        if not len(outside):
            return False
        _, first = np.unique(np.round(self.answers[outside] / SAME), axis=0, return_index=True)
        rows = outside[first[:TOGETHER]]
        witnesses, answers = self.values[rows], self.answers[rows]
        sheet = self.coding.sheet
        boxes = [
            _Box(sheet.low.astype(np.float64), sheet.high.astype(np.float64), {}, w, a)
            for w, a in zip(witnesses, answers, strict=True)
        ]
        for column in range(len(sheet.low)):
            self._categories(boxes, column)
        self._sides(boxes)
        for box in boxes:
            self.found.append(box)
            new = self._inside(box, self.values) & (self.within < 0)
            self.within[new] = len(self.found) - 1
        return True

    def _categories(self, boxes: list[_Box], column: int) -> None:
        """Which categories of a column are answered as the witnesses' own."""
        size = self.coding.sizes[column]
        if not size:
            return
        asked = np.stack([box.witness for box in boxes]).repeat(size, axis=0)
        asked[:, column] = np.tile(np.arange(size), len(boxes))
        own = np.array([box.witness[column] for box in boxes]).repeat(size) == asked[:, column]
        told = np.ones(len(asked), dtype=bool)
        answers = np.stack([box.answer for box in boxes]).repeat(size, axis=0)
        if not own.all():
            told[~own] = same(self.ask(asked[~own]), answers[~own])
        for box, allowed in zip(boxes, told.reshape(-1, size), strict=True):
            box.allowed[column] = allowed

    def _sides(self, boxes: list[_Box]) -> None:
        """How far each column of numbers can go to either side before the answer changes."""
        numbers = [c for c in self.coding.sheet.movable.tolist() if not self.coding.sizes[c]]
        sides = [(box, c, up) for box in boxes for c in numbers for up in (False, True)]
        if not sides:
            return
        ends = np.array([(box.high if up else box.low)[c] for box, c, up in sides])
        column = np.array([c for _, c, _ in sides], dtype=np.int64)
        before = np.stack([box.witness for box, _, _ in sides])
        answer = np.stack([box.answer for box, _, _ in sides])
        own = before[np.arange(len(sides)), column]
        bounded = np.abs(ends - own) > 0
        asked = before[bounded].copy()
        asked[np.arange(len(asked)), column[bounded]] = ends[bounded]
        if len(asked):
            bounded[bounded] = ~same(self.ask(asked), answer[bounded])
        stay, _ = self._bisect(before, column, own, np.where(bounded, ends, own), answer)
        for (box, c, up), last in zip(
            [s for s, b in zip(sides, bounded, strict=True) if b], stay[bounded], strict=True
        ):
            (box.high if up else box.low)[c] = last

    def _bisect(
        self, before: FloatArray, column: IntArray, stay: FloatArray, gone: FloatArray, answer: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Between which two numbers of a column each answer changes."""
        stay, gone = stay.astype(np.float64), gone.astype(np.float64)
        whole, closest = self.coding.sheet.whole[column], self.closest[column]
        while True:
            on = np.flatnonzero(np.abs(gone - stay) > closest)
            if not len(on):
                return stay, gone
            middle = np.where(whole, np.floor((stay + gone) / 2), (stay + gone) / 2)
            asked = before[on].copy()
            asked[np.arange(len(on)), column[on]] = middle[on]
            told = same(self.ask(asked), answer[on])
            stay[on[told]], gone[on[~told]] = middle[on[told]], middle[on[~told]]

    def cut(self) -> bool:
        """Cut every box that holds a record of another answer, on the way to it; whether any does."""
        known = np.flatnonzero(self.within >= 0)
        if not len(known):
            return False
        expected = np.stack([self.found[n].answer for n in self.within[known].tolist()])
        wrong = known[~same(expected, self.answers[known])]
        wrong = wrong[[self._surely(self.found[int(self.within[r])], self.values[r]) for r in wrong]]
        if not len(wrong):
            return False
        numbers, first = np.unique(self.within[wrong], return_index=True)
        for number, row in zip(numbers.tolist(), wrong[first], strict=True):
            self._cut(self.found[number], self.values[row])
        lost = np.isin(self.within, numbers)
        self.within[lost] = self.box_of(self.values[lost])
        return True

    def _surely(self, box: _Box, value: FloatArray) -> bool:
        """Whether a record lies within a box, not just about a side of it that is known to an interval."""
        return bool(((value >= box.low) & (value <= box.high)).all())

    def _cut(self, box: _Box, end: FloatArray) -> None:
        steps = np.flatnonzero(box.witness != end)
        few, many = 0, len(steps)

        def after(count: int) -> FloatArray:
            at = box.witness.copy()
            at[steps[:count]] = end[steps[:count]]
            return at

        while many - few > 1:
            middle = (few + many) // 2
            if same(self.ask(after(middle)[None]), box.answer[None])[0]:
                few = middle
            else:
                many = middle
        column, before = int(steps[few]), after(few)
        box.probed = False
        if column in box.allowed:
            places = np.flatnonzero(box.allowed[column])
            asked = np.repeat(before[None], len(places), axis=0)
            asked[:, column] = places
            told = same(self.ask(asked), box.answer[None])
            box.allowed[column] = np.isin(np.arange(len(box.allowed[column])), places[told])
            return
        which = np.array([column])
        stay, gone = self._bisect(before[None], which, before[which], end[which], box.answer[None])
        (box.high if stay[0] < gone[0] else box.low)[column] = stay[0]

    def probe(self, count: int, rng: np.random.Generator) -> bool:
        """Ask about records drawn from each new box, and some that lie in none; whether there were any."""
        drawn = np.concatenate([self.coding.own(), self.coding.drawn(DRAWN, rng)])
        asked = [drawn[self.box_of(drawn) < 0][:count]]
        for box in self.found:
            if not box.probed:
                asked.append(self._within(box, count, rng))
                box.probed = True
        some = np.concatenate(asked)
        if len(some):
            self.ask(some)
        return bool(len(some))

    def _within(self, box: _Box, count: int, rng: np.random.Generator) -> FloatArray:
        """(count, columns) drawn evenly from a box."""
        values = box.low + (box.high - box.low) * rng.random((count, len(box.low)))
        whole = self.coding.sheet.whole
        low, high = np.ceil(box.low[whole]), np.floor(box.high[whole])
        values[:, whole] = low + np.floor((high - low + 1) * rng.random((count, int(whole.sum()))))
        for column, allowed in box.allowed.items():
            values[:, column] = rng.choice(np.flatnonzero(allowed), size=count)
        return values

    def copy(self) -> BoxCopy:
        """What there is of the tree."""
        columns = [c for c, size in enumerate(self.coding.sizes) if size]
        return BoxCopy(
            coding=self.coding,
            low=np.stack([box.low for box in self.found]),
            high=np.stack([box.high for box in self.found]),
            allowed={c: np.stack([box.allowed[c] for box in self.found]) for c in columns},
            answers=np.stack([box.answer for box in self.found]),
            classes=self.target.classes,
            access=min(self.target.access, Access.SCORES),
        )


def same(ours: FloatArray, theirs: FloatArray) -> BoolArray:
    """(records,) whether two answers are those of one leaf."""
    return np.asarray(np.abs(ours - theirs).max(axis=-1, initial=0.0) < SAME)
