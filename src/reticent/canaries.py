"""How private is this training, really? Canaries put in by coin flips bound epsilon from below.

A *one-run* audit (Steinke, Nasr & Jagielski 2023, arXiv:2305.08846) flips a coin for each of many
canaries and trains once. A *many-run* audit (Jagielski, Ullman & Oprea 2020, arXiv:2006.07709; Nasr et
al. 2021, arXiv:2101.04535) flips one canary's coin anew in each of many trainings. Both ask how well
the coins can be read off the models' answers; a training that is (epsilon, delta)-differentially private
can't let them be read better than its epsilon says.

A bound is no estimate: a weak canary shows a small bound for a training that leaks a lot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.canary import Canary, with_canaries
from reticent.data import Records
from reticent.errors import PlanError
from reticent.measure.epsilon import (
    Bonferroni,
    EpsilonBound,
    epsilon_lower_bound,
    gaussian_epsilon_lower_bound,
)
from reticent.measure.one_run import audit_one_run, one_run_epsilon_fdp
from reticent.progress import Progress, default_progress
from reticent.question import Scores
from reticent.recipe import Recipe
from reticent.shadows.engine import ask_shadows
from reticent.shadows.signals import Signals
from reticent.store import default_cache, private_folder


@dataclass(frozen=True, kw_only=True)
class CanaryPlan:
    """Which model trains on which canary; every model trains on all other records.

    Attributes:
        models: trainings whose coins are read.
        references: further trainings without any canary, to tell hard records from remembered ones.
        canaries: how many canaries stand last, each with a coin of its own in each model.
        copies: equal records, beside each other, that make one canary.
        seed: of the coins and of the models' own seeds.
    """

    models: int
    canaries: int
    copies: int = 1
    references: int = 0
    seed: int = 0

    def masks(self, records: int) -> BoolArray:
        """(trainings, records) True where the model trains on the record; canaries by fair, free coins."""
        masks = np.ones((self.models + self.references, records), dtype=bool)
        coins = np.random.default_rng([self.seed, 3]).random((self.models, self.canaries)) < 0.5
        first = records - self.canaries * self.copies
        masks[: self.models, first:] = np.repeat(coins, self.copies, axis=1)
        masks[self.models :, first:] = False
        return masks

    def seeds(self) -> list[int]:
        """One seed a model."""
        rng = np.random.default_rng([self.seed, 4])
        return [int(s) for s in rng.integers(0, 2**31 - 1, self.models + self.references)]

    @property
    def trainings(self) -> int:
        """All models to train."""
        return self.models + self.references


@dataclass(frozen=True, kw_only=True)
class CanaryAudit:
    """What canaries showed of a training's privacy.

    Attributes:
        bound: lower bound on epsilon for any (epsilon, delta) mechanism, at its level (95 %).
        gaussian: the same if the mechanism is known to be Gaussian (DP-SGD without subsampling is).
        claimed_epsilon: what the training claims, or None.
        trainings: models trained.
        canaries: canaries in each.
        scores, included: what each coin was guessed from, and the coins.
    """

    bound: EpsilonBound
    gaussian: EpsilonBound
    claimed_epsilon: float | None
    trainings: int
    canaries: int
    scores: FloatArray = field(repr=False, compare=False)
    included: BoolArray = field(repr=False, compare=False)

    @property
    def violated(self) -> bool:
        """Whether the claim is refuted: the general bound lies above it."""
        return self.claimed_epsilon is not None and self.bound.value > self.claimed_epsilon

    @property
    def sentence(self) -> str:
        """The outcome in a sentence."""
        shown = (
            f"epsilon is at least {self.bound.value:.2f} at delta {self.bound.delta:g}, with 95 % confidence"
        )
        if self.claimed_epsilon is None:
            return f"{shown[0].upper()}{shown[1:]}."
        if self.violated:
            return f"The claim of epsilon {self.claimed_epsilon:g} is violated: {shown}."
        return f"The claim of epsilon {self.claimed_epsilon:g} is not refuted: {shown}; it may be larger."


def one_run(
    recipe: Recipe,
    data: Records,
    *,
    canaries: int = 1000,
    canary: Canary = Canary.MISLABELLED,
    claimed_epsilon: float | None = None,
    delta: float = 1e-5,
    references: int = 1,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> CanaryAudit:
    """Bound epsilon from one training run with many canaries.

    Args:
        data: records; the canaries are drawn from them at random and taken out of the rest.
        references: trainings without canaries that the scores are set against. They see no coin, so the
            bound stays valid; 0 for exactly one training.
        workers: processes that train; None for one a core.

    Raises:
        DataError: too few records for so many canaries.
    """
    return one_planted_run(
        recipe,
        with_canaries(data, canaries, canary, seed),
        CanaryPlan(models=1, canaries=canaries, copies=canary.copies, references=references, seed=seed),
        claimed_epsilon=claimed_epsilon,
        delta=delta,
        workers=workers,
        cache=cache,
        progress=progress,
    )


def one_planted_run(
    recipe: Recipe,
    records: Records,
    plan: CanaryPlan,
    *,
    claimed_epsilon: float | None = None,
    delta: float = 1e-5,
    level: float = 0.95,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> CanaryAudit:
    """Bound epsilon from one training on records whose canaries somebody has put last.

    Args:
        plan: of one model, and how many canaries there are.
        level: of the bounds.
    """
    signals = _train(recipe, records, plan, workers, cache, progress)
    scores, included = _scores(signals, plan)
    told = scores[0], included[0]
    return CanaryAudit(
        bound=audit_one_run(*told, delta=delta, level=level, seed=plan.seed),
        gaussian=audit_one_run(*told, delta=delta, level=level, bound=one_run_epsilon_fdp, seed=plan.seed),
        claimed_epsilon=claimed_epsilon,
        trainings=plan.trainings,
        canaries=plan.canaries,
        scores=scores[0],
        included=included[0],
    )


def many_runs(
    recipe: Recipe,
    data: Records,
    *,
    runs: int = 200,
    canary: Canary = Canary.MISLABELLED,
    claimed_epsilon: float | None = None,
    delta: float = 1e-5,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> CanaryAudit:
    """Bound epsilon from many training runs, one canary in or out of each by a coin.

    Both error rates bound it (Clopper-Pearson), the threshold paid for by Bonferroni. So many runs can't
    show more than about ln(runs / 4): 200 show at most 3.9.

    Raises:
        PlanError: too few runs to show anything.
    """
    if runs < 20:
        raise PlanError(f"{runs} runs were asked for; give at least 20, and 200 to show an epsilon of 3")
    plan = CanaryPlan(models=runs, canaries=1, copies=canary.copies, seed=seed)
    signals = _train(recipe, with_canaries(data, 1, canary, seed), plan, workers, cache, progress)
    margins, coins = _scores(signals, plan)
    scores, included = margins[:, 0], coins[:, 0]
    strategy = Bonferroni(thresholds=4)
    return CanaryAudit(
        bound=epsilon_lower_bound(scores, included, delta=delta, strategy=strategy),
        gaussian=gaussian_epsilon_lower_bound(scores, included, delta=delta, strategy=strategy),
        claimed_epsilon=claimed_epsilon,
        trainings=runs,
        canaries=1,
        scores=scores,
        included=included,
    )


def _train(
    recipe: Recipe,
    records: Records,
    plan: CanaryPlan,
    workers: int | None,
    cache: str | Path | None,
    progress: Progress | None,
) -> Signals:
    folder = private_folder(Path(cache) if cache is not None else default_cache())
    with (progress or default_progress()).stage("training with canaries", plan.trainings) as advance:
        signals: Any = ask_shadows(
            recipe,
            records,
            plan,
            [Scores()],
            cache=folder / "signals",
            workers=workers,
            advance=advance,
        )
    answers: Signals = signals[Scores()]
    return answers


def _scores(signals: Signals, plan: CanaryPlan) -> tuple[FloatArray, BoolArray]:
    """(models, canaries) margins, less the references' mean where there are any, and the coins."""
    last = slice(signals.records - plan.canaries * plan.copies, None, plan.copies)
    of_canaries = Signals(signals.values[:, last], signals.labels[last], signals.members[:, last])
    margins = of_canaries.margin()[:, :, 0].astype(np.float64)
    if plan.references:
        margins -= margins[plan.models :].mean(axis=0)
    return margins[: plan.models], of_canaries.members[: plan.models]
