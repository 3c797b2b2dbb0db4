"""PATE: teachers that share no record vote with noise, and a student learns the winners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import ClassVar

import numpy as np

from reticent.access import BoolArray, Target
from reticent.data import Records
from reticent.defences.defence import TrainingDefence
from reticent.errors import PlanError
from reticent.fingerprint import fingerprint
from reticent.measure.accounting import gaussian_epsilon, gaussian_noise
from reticent.measure.privacy import check_noise
from reticent.recipe import Guarantee, Recipe


@dataclass(frozen=True)
class Pate(TrainingDefence):
    """Private aggregation of teacher ensembles, by Gaussian noisy votes (Papernot et al. 2018,
    arXiv:1802.08908).

    One record more or less changes one teacher, and so two counts of votes by one each: L2 sensitivity √2.
    Each question is a Gaussian mechanism; the bound does not look at the votes. The student is trained on
    reference records and the winning labels; any kind of model will do.

    Attributes:
        epsilon: the guarantee wanted; give this or `noise`.
        noise: standard deviation of the noise on the counts, over √2.
        delta: of the guarantee.
        teachers: how many share the records out among them.
        questions: how many reference records are voted on, drawn at random; each costs.
    """

    word: ClassVar[str] = "pate"
    source: ClassVar[str] = (
        "Papernot et al. 2018, arXiv:1802.08908, section 4 (GNMax, data-independent bound)"
    )
    caveat: ClassVar[str] = "needs hundreds of records a teacher; with fewer, the noise outvotes them"
    epsilon: float | None = None
    noise: float | None = None
    delta: float = 1e-5
    teachers: int = 20
    questions: int = 200

    def __post_init__(self) -> None:
        check_noise(self.epsilon, self.delta, self.noise, self.word)
        if self.teachers < 2 or self.questions < 2:
            raise PlanError(
                f"pate was given teachers={self.teachers} and questions={self.questions}; give at least "
                "two of each"
            )

    def harden(self, recipe: Recipe, reference: Records | None = None) -> Recipe:
        """Return the recipe of the student."""
        if reference is None:
            raise PlanError(
                "pate votes on records from the same source that no model is trained on; give reference=..."
            )
        return Voted(recipe, reference, self)


class Voted:
    """A recipe whose models learn what teachers voted."""

    def __init__(self, recipe: Recipe, reference: Records, how: Pate) -> None:
        self._recipe, self._reference, self._how = recipe, reference, how
        self.together, self.device = recipe.together, recipe.device
        self._questions = min(how.questions, len(reference))
        self._multiplier = how.noise or gaussian_noise(how.epsilon or 0.0, self._questions, how.delta)

    def fit(self, data: Records, seed: int) -> Target:
        """Train teachers on all of `data`, and their student."""
        return next(self.fit_many(data, np.ones((1, len(data)), dtype=bool), [seed]))

    def fit_many(self, data: Records, masks: BoolArray, seeds: Sequence[int]) -> Iterator[Target]:
        """Train teachers for each row of `masks`, each model's on its own records, and its student."""
        for mask, seed in zip(masks, seeds, strict=True):
            yield self._recipe.fit(self._voted(data, mask, seed), seed + 1)

    def guarantee(self, records: int) -> Guarantee | None:
        """What the votes guarantee: the student sees nothing else of the members."""
        noise, questions = self._multiplier, self._questions
        spent = gaussian_epsilon(noise, questions, self._how.delta)
        votes = f"{questions:,} Gaussian votes of {self._how.teachers} teachers"
        by = f"PLD accountant, {votes}, noise {noise:.3g} √2"
        return Guarantee(spent, self._how.delta, by)

    def fingerprint(self) -> str:
        """A hash of the recipe, the reference and the options."""
        return fingerprint("pate", self._recipe.fingerprint(), self._reference.fingerprint(), self._how)

    def _voted(self, data: Records, mask: BoolArray, seed: int) -> Records:
        """The reference records asked about, with the labels that won."""
        how, rng = self._how, np.random.default_rng([seed, 12])
        own = np.flatnonzero(mask)
        if len(own) < 2 * how.teachers:
            raise PlanError(
                f"pate shares {len(own)} records out among {how.teachers} teachers; give more records "
                "or fewer teachers"
            )
        # each record draws its teacher by itself: one more or less leaves the others with theirs
        teacher_of = np.full(len(data), -1)
        teacher_of[own] = rng.integers(how.teachers, size=len(own))
        shares = teacher_of == np.arange(how.teachers)[:, None]
        asked = self._reference.take(rng.permutation(len(self._reference))[: self._questions])
        votes = np.zeros((len(asked), len(data.classes)))
        seeds = [int(s) for s in rng.integers(0, 2**31 - 1, how.teachers)]
        taught = np.flatnonzero(shares.any(axis=1))
        votes[:, 0] = how.teachers - len(taught)  # whoever drew no record names the first class
        for target in self._recipe.fit_many(data, shares[taught], [seeds[t] for t in taught]):
            votes[np.arange(len(asked)), target.predict(asked.features).labels] += 1
        votes += rng.normal(0, sqrt(2) * self._multiplier, votes.shape)
        return replace(asked, labels=votes.argmax(axis=1))
