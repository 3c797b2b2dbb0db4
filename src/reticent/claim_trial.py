"""Is the privacy that a training claims real? It is trained many times, with one outlier and without.

First a few trainings under equal seeds show whether the trial can see anything at all, along which direction,
and in which crowd it shows most. Then one training holds many outliers by coins (Steinke et al. 2023,
arXiv:2305.08846), and many trainings one outlier by a coin each (Nasr et al. 2023, arXiv:2302.07956). What
the coins are told by is chosen on a share of the runs and tested on the others. All tests together accuse a
true claim at most once in twenty.

The steps that a training records are tried as well: an accountant reckons what they cost, and the runs must
not be told apart better than those steps allow at any epsilon, not at the claim's alone. That finds what a
bound on epsilon would need a hundred thousand runs for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import BoolArray, FloatArray
from reticent.canaries import CanaryPlan, one_planted_run
from reticent.claim import Account, Claim, Sight, account
from reticent.data import Records
from reticent.errors import PlanError
from reticent.measure._checked import Floats
from reticent.measure.allowed import Allowed
from reticent.measure.epsilon import EpsilonBound, Fixed, epsilon_lower_bound, gaussian_epsilon_lower_bound
from reticent.measure.estimate import clopper_pearson_bounds
from reticent.measure.trace import Fit, Reading, Rule, choose, largest_epsilon, readings
from reticent.outlier import Crowd, World
from reticent.progress import Progress, default_progress
from reticent.recipe import Private, Recipe
from reticent.shadows.engine import ask_shadows
from reticent.store import default_cache, private_folder
from reticent.verification import RecordTried, Verification
from reticent.witness import Shown, Tells, Totals, Twins, Watched, WatchedRecipe, Witness

ERROR = 0.05
"""How often a true claim may be accused."""

ONE_RUN_ERROR = 0.01
"""The share of it that the one run spends; the many runs have the rest."""

CHOOSING = 0.3
"""The share of the many runs on which it is chosen what coins are told by."""

FEWEST_CHOOSING = 20

PAIRS = 8
"""Twins that show the direction in which the outlier pulls; so many again in each crowd show how it does."""

LEAST_STRENGTH = 0.5
"""An outlier that adds less than this share of what the recorded steps let it add was cut down on the way."""

LEAST_RUNS = 40


def verify_dp(
    train: Callable[..., Any] | Recipe,
    claim: Claim | None = None,
    *,
    world: World | None = None,
    runs: int = 500,
    outliers: int = 1000,
    sight: Sight = Sight.STEPS,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Verification:
    """Try the claim that a training is (epsilon, delta)-differentially private.

    Args:
        train: train(x, y, seed) or train(x, y, *, seed, record) -> a model, or its weights as an array; or a
            recipe. x are the world's features, y (records,) labels, `record` a `reticent.claim.Recorder`.
        claim: what is claimed for so many records as the world has; None for what a recipe says itself.
        world: the records; None for a crowd of the judge's own making.
        runs: trainings with the outlier or without. So many show an epsilon of at most ln(runs / 11) or so:
            500 show 3.7. Where steps are recorded, those are tried at any epsilon.
        outliers: in the one run, where the world has columns for so many; 0 for no such run.
        sight: how much of each training may be seen, where it is shown.
        seed: of coins and trainings.
        workers: processes that train; None for one a core.
        cache: where finished trainings are kept, to go on after a stop; None for the user's cache folder.

    Raises:
        PlanError: no claim, too few runs, or a function of other arguments.
        ModelError: the training threw.
        DataError: records that a world can't be made of.
    """
    if runs < LEAST_RUNS:
        raise PlanError(f"{runs} runs were asked for; give at least {LEAST_RUNS}, and 500 to show epsilon 3")
    given: Any = train
    watched: Any = WatchedRecipe(given) if _is_recipe(given) else Watched(given)
    world = world or Crowd()
    planted = world.planted()
    claim = claim or _own_claim(train, len(planted) - 1)
    folder = private_folder(Path(cache) if cache is not None else default_cache())
    progress = progress or default_progress()

    def ask(records: Records, plan: Any, question: Any, what: str) -> Floats:
        with progress.stage(what, plan.trainings) as advance:
            answers = ask_shadows(
                watched, records, plan, [question], cache=folder / "claims", workers=workers, advance=advance
            )
        values: Floats = np.asarray(answers[question].values[:, 0], dtype=np.float64)
        return values

    first = _Probes(watched, planted, seed, sight)
    silence, remarks = first.silence, list(first.remarks)
    totals = ask(
        planted,
        Twins(pairs=PAIRS, seed=seed),
        Totals(updates=first.updates, weights=first.weights),
        "finding the direction",
    )
    pulls = (totals[0::2] - totals[1::2]).mean(axis=0)
    tells = Tells(
        steps=first.steps,
        of_updates=_unit(pulls[0, : first.updates]),
        of_weights=_unit(pulls[1, : first.weights]),
    )
    kept = first.account if sight is Sight.STEPS else None
    trainings = runs + first.trainings + 2 * PAIRS * (2 if first.steps else 1)

    def watch(crowd: Records) -> Shown:
        twins = Twins(pairs=PAIRS, seed=seed, series=1)
        return Shown(ask(crowd, twins, tells, "seeing what the outlier adds")[:, 2:, 0])

    quiet = watch(planted) if first.steps else None
    shown, loud = quiet, world.loud
    able = silence is None and first.reproducible and kept is not None and kept.sampled
    if able and quiet is not None and loud is not None:
        trainings += 2 * PAIRS
        other = watch(loud.planted())
        if other.clearness > quiet.clearness:
            shown, planted = other, loud.planted()
            remarks.append(
                "The many runs were held among records that pull against the outlier, where it showed more: "
                "so it does where batches have a fixed size."
            )
    plan = CanaryPlan(models=runs, canaries=1, seed=seed)
    records = planted.take(np.r_[: len(planted) - 2, len(planted) - 1])
    seen = ask(records, plan, tells, "training with the outlier or without")[:, :, 0]
    coins = plan.masks(len(records))[:, -1]
    pulled = shown.pulls if shown is not None and first.reproducible else None
    many = _Many(claim, seen, coins, kept, pulled)

    one, held = None, world.many(outliers) if outliers else None
    if held is not None and first.answers and silence is None:
        one = one_planted_run(
            watched,
            held,
            CanaryPlan(models=1, canaries=outliers, seed=seed),
            delta=claim.delta,
            level=1 - ONE_RUN_ERROR,
            workers=1,
            cache=folder,
            progress=progress,
        ).bound
    bound = max([many.bound, *([one] if one is not None else [])], key=lambda b: b.value)
    strength = quiet.strength(kept) if quiet is not None and kept is not None else None
    if silence is None:
        silence = _silence(claim, many, one, kept, strength, first.reproducible)
    return Verification(
        claim=claim,
        bound=bound,
        many_runs=many.bound,
        one_run=one,
        gaussian=many.gaussian,
        accounted=kept.epsilon(claim.delta) if kept is not None else None,
        recorded=str(kept) if kept is not None else "nothing",
        record=many.record,
        sight=first.sight,
        reading=str(many.rule),
        strength=strength[0] if strength is not None else None,
        trainings=trainings + (one is not None),
        reach=many.reach,
        silence=silence,
        remarks=tuple(remarks),
        scores=many.scores,
        included=many.coins,
    )


def _own_claim(train: Any, records: int) -> Claim:
    guarantee = train.guarantee(records) if isinstance(train, Private) else None
    if guarantee is None:
        raise PlanError(
            "no claim was given and the training states none; say what it claims: epsilon and delta"
        )
    return Claim(guarantee.epsilon, guarantee.delta)


class _Probes:
    """A few trainings that show what there is to see."""

    trainings = 4

    def __init__(self, watched: Any, planted: Records, seed: int, sight: Sight) -> None:
        rows = np.arange(len(planted))
        with_it, without = planted.take(np.delete(rows, -2)), planted.take(rows[:-2])
        own, other = (int(s) for s in np.random.default_rng([seed, 9]).integers(0, 2**31 - 1, 2))
        first, again, reseeded, bare = (
            watched.fit(*how) for how in ((with_it, own), (with_it, own), (with_it, other), (without, own))
        )
        looks = [_look(w, planted) for w in (first, again, reseeded, bare)]
        self.answers = first.model is not None
        self.weights = first.weights.size if first.weights is not None and sight >= Sight.WEIGHTS else 0
        seen = first.updates is not None and sight is Sight.STEPS
        shape: tuple[int, int] = first.updates.shape if seen else (0, 0)
        self.steps, self.updates = shape  # 0 of either where none is looked at
        self.sight = Sight.STEPS if seen else Sight.WEIGHTS if self.weights else Sight.SCORES
        self.account: Account | None = account(first.steps)
        if not (self.answers or self.weights or self.steps):
            raise PlanError("nothing of the training is seen: return a model or weights, or record updates")
        self.reproducible = looks[0] == looks[1]
        self.silence: str | None = None
        self.remarks: list[str] = []
        if not self.reproducible:
            self.remarks.append(
                "The training is not reproducible: one seed gave two results. Its runs serve as well, but a "
                "trial that is stopped and goes on is not the one that would have run through."
            )
        if looks[0] == looks[2]:
            self.silence = (
                "the training gave the same under two seeds, so its noise does not follow the seed and can't "
                "be told from a constant; draw the noise anew from the seed"
            )
        elif looks[0] == looks[3]:
            self.silence = (
                "the outlier's presence changed nothing under the same seed, so the training leaves such "
                "records out; give records that it keeps, with data or reach"
            )


def _look(witness: Witness, planted: Records) -> bytes:
    parts = [np.array([witness.margin(planted)])]
    parts += [part for part in (witness.weights, witness.updates) if part is not None]
    return b"".join(np.asarray(part, np.float64).tobytes() for part in parts)


class _Many:
    """Many runs, some to choose by and the others to test."""

    def __init__(
        self, claim: Claim, seen: Floats, coins: BoolArray, kept: Account | None, pulls: Floats | None
    ) -> None:
        cut = _choosing(coins)
        fit = _fit(
            np.asarray(np.isfinite(seen).all(axis=0)), pulls, kept.period if kept is not None else None
        )
        error = (ERROR - ONE_RUN_ERROR) / (1 if kept is None else 2)
        self.coins, tested = coins[cut:], seen[cut:]
        self.rule = choose(fit, seen[:cut], coins[:cut], largest_epsilon(claim.delta, error))
        self.scores = self.rule.scores(tested)
        how: dict[str, Any] = {"level": 1 - error, "strategy": Fixed(self.rule.threshold)}
        self.bound: EpsilonBound = epsilon_lower_bound(self.scores, self.coins, delta=claim.delta, **how)
        self.gaussian = gaussian_epsilon_lower_bound(self.scores, self.coins, delta=claim.delta, **how)
        self.record: RecordTried | None = None
        if kept is not None:
            epsilons: Floats = np.linspace(0, max(1.0, 1.5 * claim.epsilon), 40)
            allowed = Allowed(epsilons, np.asarray(kept.delta(epsilons), np.float64))
            second = choose(fit, seen[:cut], coins[:cut], allowed.telling)
            self.record = RecordTried(_chance(second, tested, self.coins, allowed), error, str(second))
        fewest = min(int(self.coins.sum()), int((~self.coins).sum()))
        _, least = clopper_pearson_bounds(0, fewest, error / 2)
        self.reach = float(np.log((1 - least - claim.delta) / least))


def _choosing(coins: BoolArray) -> int:
    """How many runs come first, to choose by: more than their share where a half of them, every other one,
    lacks either kind of coin. Nothing but coins decides it."""
    cut = max(FEWEST_CHOOSING, round(CHOOSING * len(coins)))
    while cut < len(coins) and any(np.ptp(coins[first:cut:2].astype(int)) == 0 for first in (0, 1)):
        cut += 1
    return cut


def _fit(there: BoolArray, pulls: Floats | None, period: int | None) -> Fit:
    """How to read what was seen: the model's margin, the weights, and the steps, where they are there."""

    def of(seen: Floats, coins: BoolArray) -> list[Reading]:
        found = []
        if there[0]:
            found.append(Reading("model's margin", lambda x: x[:, 0]))
        if there[1]:
            found.append(Reading("weights", lambda x: x[:, 1]))
        for reading in readings(seen[:, 2:], coins, pulls, period) if there.size > 2 else []:
            found.append(Reading(reading.name, lambda x, of=reading.of: of(x[:, 2:])))  # type: ignore[misc]
        return found

    return of


def _chance(rule: Rule, seen: Floats, coins: BoolArray, allowed: Allowed) -> float:
    guessed = rule.scores(seen) >= rule.threshold
    false_positives, false_negatives = int(guessed[~coins].sum()), int((~guessed)[coins].sum())
    out, inside = int((~coins).sum()), int(coins.sum())
    return allowed.chance(false_positives, false_negatives, out, inside)


def _silence(
    claim: Claim,
    many: _Many,
    one: EpsilonBound | None,
    kept: Account | None,
    strength: tuple[float, float] | None,
    reproducible: bool,
) -> str | None:
    """Why the trial could not have refuted the claim, or None."""
    if strength is not None and strength[0] + 2 * strength[1] < LEAST_STRENGTH:
        return (
            f"the outlier was seen to add {strength[0]:.0%} of what the recorded steps let it add, so the "
            "training cuts or soon fits such records, or the others' random number buries it; give records "
            "that it leaves as they are and that lie apart, with data or reach"
        )
    if not reproducible and many.bound.value == 0 and (one is None or one.value == 0):
        return (
            "nothing told the outlier's presence and the training is not reproducible, so whether it heeds "
            "the outlier at all can't be known; let one seed give one result"
        )
    if kept is None and many.reach < claim.epsilon and (one is None or one.n < np.exp(claim.epsilon) * 4.7):
        needed = int(np.ceil(np.exp(claim.epsilon) * len(many.coins) / np.exp(many.reach) / (1 - CHOOSING)))
        return (
            f"so many runs show an epsilon of at most {many.reach:.2f}; ask for {needed:,} runs, or let the "
            "training record its steps"
        )
    return None


def _is_recipe(thing: Any) -> bool:
    return all(hasattr(thing, method) for method in ("fit", "fit_many", "fingerprint"))


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    return vector / length if length else vector
