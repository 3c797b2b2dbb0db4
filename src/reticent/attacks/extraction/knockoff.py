"""Copying a model from records of another kind than it was made for.

Orekondy, Schiele & Fritz 2019, "Knockoff nets", CVPR (arXiv:1812.02766): a net trained on what the model
answers to any records at all, other people's photographs, say. Which to ask about is learnt on the way: the
pool is parted into kinds, and a gradient bandit prefers kinds whose answers are sure, are of classes seldom
answered so far, and are not yet what the copy says (section 4.1.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.active_thief import scores
from reticent.attacks.extraction.coding import answered
from reticent.attacks.extraction.student import Student, pool_of, stages, trained
from reticent.extraction import ExtractionScene


@dataclass(frozen=True, kw_only=True)
class Knockoff(ExtractionAttack):
    """Trains a copy on what the model answers about any records there are.

    Attributes:
        choose: which of the pool: by what was learnt of its kinds, or at random.
        kinds: into which the pool is parted.
        rate: at which the preference for a kind is learnt.
        start: records asked about before the first copy, at random.
        most: records asked about in all, where no budget is set.
    """

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "Orekondy, Schiele & Fritz 2019 (CVPR, arXiv:1812.02766)"
    price: ClassVar[str] = "thousands to tens of thousands of answers"
    caveat: ClassVar[str] = "What the pool never shows, classes that nothing in it is named, is not copied."
    choose: Literal["adaptive", "random"] = "adaptive"
    kinds: int = 30
    rate: float = 0.5
    start: int = 100
    most: int = 10_000

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        """Yield a copy each time that as many records again were asked about."""
        student, rng = Student.of(scene), scene.rng()
        sizes = list(stages(scene, self.start, self.most))
        pool = pool_of(scene, student.coding, max(2 * sizes[-1], len(scene.own)), rng)
        kind = self._parted(student, pool) if self.choose == "adaptive" else np.zeros(len(pool), np.int64)
        asked = np.arange(self.start)
        answers = answered(scene.target, student.coding, pool[asked])
        wanted = np.zeros(kind.max() + 1)
        copy = trained(scene, student, pool[asked], answers)
        yield copy
        for size in sizes[1:]:
            free = np.ones(len(pool), dtype=bool)
            free[asked] = False
            chosen = drawn(kind, free, wanted, size - len(asked), rng)
            new = answered(scene.target, student.coding, pool[chosen])
            gained = reward(new, answers.mean(axis=0), scores(copy, student, pool[chosen]))
            wanted = learnt(wanted, kind[chosen], gained, self.rate)
            asked, answers = np.concatenate([asked, chosen]), np.concatenate([answers, new])
            copy = trained(scene, student, pool[asked], answers)
            yield copy

    def _parted(self, student: Student, pool: FloatArray) -> IntArray:
        """(pool,) the kind of each record."""
        import torch
        from sklearn.cluster import MiniBatchKMeans

        rows = student.rows(torch.as_tensor(pool, dtype=torch.float32)).flatten(1).numpy()
        parts = MiniBatchKMeans(min(self.kinds, len(pool)), random_state=student.seed, n_init=1)
        return np.asarray(parts.fit_predict(rows), dtype=np.int64)


def drawn(
    kind: IntArray, free: np.ndarray, wanted: FloatArray, count: int, rng: np.random.Generator
) -> IntArray:
    """(count,) positions of free records, each kind as likely as the softmax of how much it is wanted."""
    likely = np.exp(wanted - wanted.max())
    sizes = np.bincount(kind[free], minlength=len(wanted))
    chance = (likely / np.maximum(sizes, 1))[kind[free]]
    places = np.flatnonzero(free)
    # A race with exponential times draws without replacement by these chances (Efraimidis & Spirakis 2006)
    order = np.argsort(rng.exponential(size=len(places)) / chance, kind="stable")
    return np.sort(places[order[:count]])


def reward(answers: FloatArray, before: FloatArray, expected: FloatArray) -> FloatArray:
    """(records,) what each answer was worth: how sure it is, how seldom its classes were answered before, and
    how far it is from what the copy expected; each between 0 and 1 over the records.
    """
    ranked = np.sort(answers, axis=1)
    sure = ranked[:, -1] - ranked[:, -2]
    seldom = np.maximum(0, answers - before).sum(axis=1)
    missed = -(answers * np.log(np.maximum(expected, 1e-7))).sum(axis=1)
    parts = [(p - p.min()) / max(np.ptp(p), 1e-12) for p in (sure, seldom, missed)]
    return np.asarray(np.mean(parts, axis=0))


def learnt(wanted: FloatArray, kind: IntArray, gained: FloatArray, rate: float) -> FloatArray:
    """(kinds,) how much each kind is wanted after a round: the gradient bandit's step for the round's mean
    (Sutton & Barto, section 2.8).
    """
    chance = np.exp(wanted - wanted.max())
    chance /= chance.sum()
    counts = np.bincount(kind, minlength=len(wanted))
    over = np.bincount(kind, gained - gained.mean(), minlength=len(wanted)) / np.maximum(counts, 1)
    # Rewards lie from 0 to 1 and their means closer still: a step is in units of their spread
    spread = max(float(over[counts > 0].std()), 1e-12)
    return np.asarray(wanted + rate * (1 - chance) * over / spread)
