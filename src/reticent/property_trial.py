"""Tries attacks on a property: worlds are told apart, and then worlds that differ in nothing.

The control is the same attack on worlds whose property was shuffled over the records. It must do no better
than a coin; where it does, the figure beside it is no leak.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered
from reticent.data import Property
from reticent.errors import DataError, ModelError, ReticentError, StorageError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson
from reticent.progress import Progress
from reticent.store import default_cache, private_folder
from reticent.worlds import Grounds, PropertyScene, Worlds

if TYPE_CHECKING:
    from reticent.attacks.attack import PropertyAttack
    from reticent.data import Records
    from reticent.recipe import Recipe

FEWEST_VICTIMS = 8
"""Models under attack below which figures are withheld."""

SHARES, MODELS, VICTIMS = (0.1, 0.3, 0.5, 0.7, 0.9), 12, 8
"""Worlds of an audit, and the attacker's models and victims in each."""

FLAT = 0.1
"""Slope of the victims' guesses against the truth below which nothing is told, and nothing straightened."""

SMALLEST = 50
"""Records of a training set below which an audit's worlds are not built."""


@dataclass(frozen=True, eq=False)
class ShareGuesses:
    """Guesses of the victims' shares, beside the truth.

    Attributes:
        guesses: (victims,) a share, or a score that is above 0 for the second of two.
        world: (victims,) position of the share that each was trained on.
        shares: of each world.
        estimates: whether the guesses are shares.
    """

    guesses: FloatArray
    world: IntArray
    shares: tuple[float, ...]
    estimates: bool

    @property
    def truth(self) -> FloatArray:
        """(victims,) the true share."""
        return np.asarray(self.shares)[self.world]

    @property
    def nearest(self) -> IntArray:
        """(victims,) position of the world that each guess means."""
        if self.estimates:
            apart = np.abs(self.guesses[:, None] - np.asarray(self.shares))
            return np.asarray(apart.argmin(axis=1))
        return np.asarray(self.guesses > 0, dtype=np.int64)

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name; its interval is over models trained on samples of these very records.

        Args:
            name: "accuracy", the share of victims whose world is told rightly; "error", the mean absolute
                error of the estimated share.

        Raises:
            ValueError: no figure has that name.
        """
        if len(self.world) < FEWEST_VICTIMS:
            return Withheld(f"fewer than {FEWEST_VICTIMS} models were attacked")
        if name == "accuracy":
            return clopper_pearson(int((self.nearest == self.world).sum()), len(self.world), level)
        if name == "error":
            if not self.estimates:
                return Withheld("the attack tells two worlds apart and estimates no share")
            return _mean(np.abs(self.guesses - self.truth), level)
        raise ValueError(f"no figure is called {name!r}")

    @property
    def coin(self) -> float:
        """Accuracy of who names a world by chance."""
        return 1 / len(self.shares)

    @property
    def middle(self) -> float:
        """Mean absolute error of who always names the middle of the shares."""
        return float(np.abs(self.truth - np.median(self.shares)).mean())


def _mean(values: FloatArray, level: float) -> Estimate:
    """A mean with Student's interval."""
    from scipy.special import stdtrit

    value = float(values.mean())
    reach = float(stdtrit(len(values) - 1, (1 + level) / 2) * values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(value, max(0.0, value - reach), value + reach, level, "Student", len(values))


@dataclass(frozen=True, eq=False)
class OneModel:
    """What is guessed of one model that somebody brought, beside the truth and what an attacker knew before.

    Attributes:
        guess: the share of records with the property that the model is said to be trained on.
        reach: half the width of the interval around it, from how far off the attacker was of victims whose
            share was known.
        truth: the share among the records that it was trained on.
        before: the share among the attacker's own records, which is what is guessed without the model.
    """

    guess: float
    reach: float
    truth: float
    before: float

    @property
    def figure(self) -> Estimate:
        """The guess with its interval."""
        low, high = max(0.0, self.guess - self.reach), min(1.0, self.guess + self.reach)
        return Estimate(self.guess, low, high, 0.95, "errors on the attacker's own victims")


@dataclass(frozen=True, eq=False)
class ToldApart:
    """What an attack told of worlds, beside the same where the property was shuffled over the records.

    Attributes:
        told: the guesses and the truth.
        shuffled: those of the control.
        one: what it made of a model that somebody brought, where there is one.
    """

    told: ShareGuesses
    shuffled: ShareGuesses
    one: OneModel | None = None

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure of `ShareGuesses` by its name; "... shuffled" for the control's, "share" for one model's.

        Raises:
            ValueError: no figure has that name.
        """
        if name == "share":
            return self.one.figure if self.one else Withheld("no model was brought whose share is guessed")
        kind = name.removesuffix(" shuffled")
        return (self.told if kind == name else self.shuffled).figure(kind, level=level)

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """Worlds told rightly, errors of shares, and what was said of one model, each beside its control."""

        def both(name: str) -> tuple[Figure, Figure]:
            return self.figure(name, level=level), self.figure(f"{name} shuffled", level=level)

        control = "the property shuffled over the records"
        right, wrong = both("accuracy")
        lines = [Beside("models whose world was told", right, control, wrong)]
        if self.told.estimates:
            near, far = both("error")
            lines.append(Beside("mean error of the share", near, control, far, "number", "lower"))
        if self.one:
            truth = f"share in this model's training data (truly {100 * self.one.truth:.1f} %)"
            before = Estimate(self.one.before, self.one.before, self.one.before)
            lines.insert(0, Beside(truth, self.one.figure, "as among the public", before))
        return tuple(lines)

    def note(self) -> str:
        """How many models were told apart."""
        return f"{len(self.told.world)} models under attack, of known shares."

    def strips(self) -> tuple[Strip, ...]:
        """None: a share is no picture."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Guesses and truth, victim by victim."""
        return {"guesses": self.told.guesses, "truth": self.told.truth, "shuffled": self.shuffled.guesses}


def infer_property(
    recipe: Recipe,
    records: Records,
    fact: Property,
    attacks: Sequence[PropertyAttack],
    *,
    worlds: Worlds | None = None,
    granted: Access = Access.WEIGHTS,
    cache: str | Path | None = None,
    workers: int | None = None,
    advance: Callable[[int], None] = lambda models: None,
    model: Brought | None = None,
) -> tuple[Finding, ...]:
    """Have attacks tell models trained on one share of a property from models trained on another.

    Args:
        recipe: how victims and the attacker's own models are trained.
        records: labelled records with the property's column; models never see it.
        fact: the property.
        attacks: what to try.
        worlds: which shares, and how many models; None for the usual.
        granted: the rung that attacks have.
        cache: where the models' answers are kept, None for `store.default_cache()`; what is there is not
            trained again.
        workers: processes; None for one a core.
        advance: told how many more models are done, of `trainings` of each set of worlds and of its control.
        model: one whose own share is guessed as well, by attacks that estimate shares.

    Returns:
        A finding an attack, with a `ToldApart` as evidence; refused and failed ones too.

    Raises:
        DataError: a column that is absent or constant, a share or poison that the records can't make up.
        ModelError: the recipe threw.
    """
    worlds, kept = worlds or Worlds(), private_folder(Path(cache) if cache else default_cache()) / "signals"
    plain = Grounds.of(records, fact, worlds)
    example = recipe.fit(plain.data.take(plain.draw.masks(len(plain.data))[0]), plain.draw.seeds()[0])
    met = Metered(example, granted)
    refusals = {a: _refusal(a, met, plain.data.take(np.arange(2)), len(worlds.shares)) for a in attacks}
    trials = {}
    for poison in sorted({a.poison for a in attacks if not refusals[a]}):
        questions = list(
            dict.fromkeys(q for a in attacks if a.poison == poison and not refusals[a] for q in a.questions)
        )
        trials[poison] = tuple(
            Grounds.of(records, fact, replace(worlds, shuffled=shuffled), poison).scene(
                recipe, questions, cache=kept, workers=workers, advance=advance
            )
            for shuffled in (False, True)
        )
    return tuple(
        _measured(a, fact, trials[a.poison], model)
        if not refusals[a]
        else unmeasured(a, "refused", refusals[a], secret=fact.name)
        for a in attacks
    )


@dataclass(frozen=True, eq=False)
class Brought:
    """A model that somebody brought.

    Attributes:
        target: it, behind its meter.
        truth: the share of the records that it was trained on.
        before: the share among the attacker's own records.
    """

    target: Metered
    truth: float
    before: float


class PropertyTrial:
    """Guesses about the audited model itself: the shares of properties among those it was trained on.

    The attacker has the records that the model never saw, and trains on them as the recipe says.
    """

    def __init__(
        self,
        *,
        target: Metered,
        recipe: Recipe,
        records: Records,
        members: BoolArray,
        seed: int,
        cache: Path,
        workers: int | None,
        progress: Progress,
    ) -> None:
        self.target, self.recipe, self.records, self.members = target, recipe, records, members
        self.seed, self.cache, self.workers, self.progress = seed, cache, workers, progress

    def findings(self, fact: Property, attacks: Sequence[PropertyAttack]) -> tuple[Finding, ...]:
        """Run the attacks on one property; those that can't run are findings too."""
        own = self.records.take(~self.members)
        try:
            truth = float(fact.of(self.records)[self.members].mean())
            before = float(fact.of(own).mean())
            worlds = feasible(own, fact, size=int(self.members.sum()), seed=self.seed)
        except DataError as error:
            return tuple(unmeasured(a, "refused", str(error), secret=fact.name) for a in attacks)
        trainings = 2 * len(worlds.shares) * (worlds.models + worlds.victims)
        with self.progress.stage(f"training on shares of {fact.name}", trainings) as advance:
            return infer_property(
                self.recipe,
                own,
                fact,
                attacks,
                worlds=worlds,
                granted=self.target.access,
                cache=self.cache,
                workers=self.workers,
                advance=advance,
                model=Brought(self.target, truth, before),
            )


def feasible(records: Records, fact: Property, *, size: int, seed: int) -> Worlds:
    """The worlds of an audit, with the largest samples up to `size` that the records make up.

    Labels are balanced within who has the property and who lacks it: a model that somebody brings was trained
    on people as they came, more or fewer of either kind.

    Raises:
        DataError: not even `SMALLEST` records a model, or what `Property.of` raises.
    """
    fact.of(records)
    probes = min(Worlds.probes, len(records) // 5)
    while size >= SMALLEST:
        worlds = Worlds(
            shares=SHARES,
            models=MODELS,
            victims=VICTIMS,
            size=size,
            balance="within",
            probes=max(2, probes),
            seed=seed,
        )
        try:
            draw = Grounds.of(records, fact, worlds).draw
            draw.masks(len(draw.labels))
        except DataError:
            size = int(0.8 * size)
            continue
        return worlds
    raise DataError(
        f"{len(records):,} records that the model never saw do not make up samples of {SMALLEST} with shares "
        f"of {fact.name} from {SHARES[0]:g} to {SHARES[-1]:g}; give more of them"
    )


Trial = tuple[PropertyScene, IntArray]
"""What an attack sees, and the victims' worlds."""


def _refusal(attack: PropertyAttack, target: Metered, few: Records, shares: int) -> str:
    """Why it can't run; what a question can't get from one model it can't get from any."""
    if attack.needs > target.access:
        return f"needs {attack.needs}, and {target.access} are granted"
    if shares > 2 and not attack.estimates:
        return f"tells two worlds apart, and there are {shares}"
    try:
        for question in attack.questions:
            question.ask(target, few)
    except (ModelError, PermissionError) as error:
        return str(error)
    return ""


def _measured(
    attack: PropertyAttack, fact: Property, trials: Sequence[Trial], model: Brought | None
) -> Finding:
    """What it made of the worlds, and of those whose property was shuffled."""
    start = time.perf_counter()
    try:
        told, shuffled = (
            ShareGuesses(
                np.asarray(attack.guess(scene), dtype=np.float64), world, scene.shares, attack.estimates
            )
            for scene, world in trials
        )
        seconds = (time.perf_counter() - start) / 2
        one = _of_one(attack, trials[0][0], told, model) if model and attack.estimates else None
    except (StorageError, MemoryError):
        raise
    except ReticentError as error:
        return unmeasured(attack, "failed", str(error), secret=fact.name)
    except Exception as error:
        why = threw(error, "during the attack", who="it")
        return unmeasured(attack, "failed", why, secret=fact.name)
    cost = Cost(
        queries=sum(q.queries(len(trials[0][0].probes)) for q in attack.questions),
        trainings=len(trials[0][0].world) if attack.shadows else 0,
        seconds=seconds,
    )
    return measured(attack, ToldApart(told, shuffled, one), cost, secret=fact.name)


def _of_one(attack: PropertyAttack, scene: PropertyScene, told: ShareGuesses, model: Brought) -> OneModel:
    """The guess about the model that was brought, straightened and as sure as those about the victims were.

    What an attack learnt from its own models it takes too literally: they share records. The victims' guesses
    against their known shares give a line, by which the guess is read off (classical calibration).
    """
    from scipy.special import stdtrit

    slope, offset = np.polyfit(told.truth, told.guesses, 1)
    straight = slope > FLAT

    def read(guesses: FloatArray) -> FloatArray:
        return np.clip((guesses - offset) / slope if straight else guesses, 0, 1)

    guess = float(read(attack.guess(scene.facing(model.target)))[0])
    # Student's at 99 % to hold at 95 %: victims share records, and so are fewer than they look
    off = read(told.guesses) - told.truth
    reach = float(stdtrit(len(off) - 2, 0.995) * np.sqrt(np.square(off).sum() / (len(off) - 2)))
    return OneModel(guess, reach, model.truth, model.before)
