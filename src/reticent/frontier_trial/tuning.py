"""Private training as useful as the other defences: without it beside them, none is to be called good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from reticent.data import concat
from reticent.defences import dp_sgd
from reticent.defences.defence import Defence, in_training
from reticent.defences.training.dp_sgd import private
from reticent.defences.training.kinds import as_torch, refusal
from reticent.errors import ModelError
from reticent.frontier_trial.asked import Behind
from reticent.frontier_trial.layout import FrontierPlan, Layout
from reticent.progress import Progress
from reticent.question import Labels
from reticent.recipe import Recipe
from reticent.shadows.engine import ask_shadows

NOISES = (2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)
"""Noise multipliers that private training of the same usefulness is looked for among, strongest first."""

WAYS = ((1, 1), (1, 4), (8, 2), (8, 16))
"""Private training is tried with batches so many times as large as the recipe's, in which noise weighs less,
and learning rates so many times as high, for gradients are shorter once they are clipped."""

TUNED_ON = 2
"""Models that each of them is tried with."""


@dataclass(frozen=True)
class Tuned:
    """Private training that was chosen.

    Attributes:
        defence: how it trains.
        right: how often its models are right about the reference, a share.
        trainings: models that it took to find.
    """

    defence: Defence
    right: float
    trainings: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Tuning:
    """Looks for private training of a wanted usefulness, on the reference alone.

    Attributes:
        recipe, layout: as of the frontier.
        cache, workers, progress: where work is kept, how many processes train, and what is told of it.
    """

    recipe: Recipe
    layout: Layout
    cache: Path
    workers: int | None
    progress: Progress

    def reach(self, wanted: float) -> Tuned:
        """The way of the smallest epsilon by which models are right as often as is wanted, else the most
        useful.

        Raises:
            ModelError: no torch module, or one that private training can't take.
        """
        ways, layout = self.ways(), self.layout
        data = concat([layout.base, layout.reference])
        plan = FrontierPlan(
            models=TUNED_ON, ordinary=len(layout.base), canaries=0, copies=1, seed=layout.seed
        )
        question = Behind((), Labels(), layout.reference, slice(plan.last, None))
        tried: list[Tuned] = []
        with self.progress.stage("tuning private training", len(ways) * TUNED_ON) as advance:
            for way in ways:
                hardened = in_training(way, self.recipe)
                signals = ask_shadows(
                    hardened, data, plan, [question], cache=self.cache, workers=self.workers, advance=advance
                )
                trainings = (len(tried) + 1) * TUNED_ON
                tried.append(Tuned(way, float(signals[question].values.mean()), trainings))
                if tried[-1].right >= wanted:
                    return tried[-1]
        return replace(max(tried, key=lambda way: way.right), trainings=len(ways) * TUNED_ON)

    def ways(self) -> list[Defence]:
        """Ways of private training, the one of the smallest epsilon first.

        Raises:
            ModelError: no torch module, or one that private training can't take.
        """
        own = as_torch(self.recipe)
        if own is None:
            raise ModelError(refusal(self.recipe, "dp_sgd"))
        size, rate = own.training.batch_size, own.training.learning_rate
        records = len(self.layout.base) // 2
        ways: list[tuple[float, Defence]] = []
        for noise in NOISES:
            for larger, faster in WAYS:
                batch = None if larger == 1 else min(larger * size, records)
                way = dp_sgd(
                    noise=noise, batch_size=batch, learning_rate=faster * rate if faster > 1 else None
                )
                guarantee = private(self.recipe, way, "sampled").guarantee(records)
                assert guarantee is not None
                ways.append((guarantee.epsilon, way))
        return [way for _, way in sorted(ways, key=lambda pair: pair[0])]
