"""Tries attacks on a property: worlds are told apart, and then worlds that differ in nothing.

The control is the same attack on worlds whose property was shuffled over the records. It must do no better
than a coin; where it does, the figure beside it is no leak.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Metered
from reticent.errors import ModelError, ReticentError, StorageError
from reticent.finding import Cost, Threat
from reticent.hearing import first_line, threw
from reticent.measure.estimate import Estimate, Figure, Withheld, clopper_pearson
from reticent.store import default_cache, private_folder
from reticent.worlds import Property, PropertyScene, Stage, Worlds

if TYPE_CHECKING:
    from reticent.attacks.attack import PropertyAttack
    from reticent.data import Records
    from reticent.recipe import Recipe

FEWEST_VICTIMS = 8
"""Models under attack below which figures are withheld."""


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


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertyFinding:
    """One attack's result.

    Attributes:
        attack: its name in the catalogue.
        outcome: "measured", "refused" (known before it ran) or "failed".
        reason: why it was refused or how it failed; empty where measured.
        access: the rung that it used.
        fact: the property that was guessed.
        shares: of each world.
        evidence: the guesses and the truth, where measured.
        control: the same where the property was shuffled over the records.
        about, source, caveat: what the attack is, where it comes from and what it can't do.
    """

    attack: str
    threat: Threat = Threat.PROPERTY
    access: Access
    outcome: Literal["measured", "refused", "failed"]
    reason: str = ""
    fact: str
    shares: tuple[float, ...]
    evidence: ShareGuesses | None = None
    control: ShareGuesses | None = None
    cost: Cost = field(default_factory=Cost)
    about: str = ""
    source: str = ""
    caveat: str = ""

    @property
    def title(self) -> str:
        """The attack, and what it guesses."""
        return f"{self.attack} on {self.fact}"

    def figure(self, name: str, *, attacks: int = 1) -> Figure:
        """A figure by its name: "accuracy" or "error", and "... shuffled" for the control's.

        Args:
            attacks: how many attacks the figure will be picked from as the worst; its interval is widened
                (Bonferroni) to hold for all of them together.

        Raises:
            LookupError: nothing was measured.
            ValueError: no figure has that name.
        """
        kind = name.removesuffix(" shuffled")
        told = self.evidence if kind == name else self.control
        if told is None:
            raise LookupError(f"{self.attack} was {self.outcome}: {self.reason}")
        return told.figure(kind, level=1 - 0.05 / attacks)


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
) -> tuple[PropertyFinding, ...]:
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

    Raises:
        DataError: a column that is absent or constant, a share or poison that the records can't make up.
        ModelError: the recipe threw.
    """
    worlds, kept = worlds or Worlds(), private_folder(Path(cache) if cache else default_cache()) / "signals"
    plain = Stage.of(records, fact, worlds)
    example = recipe.fit(plain.data.take(plain.draw.masks(len(plain.data))[0]), plain.draw.seeds()[0])
    met = Metered(example, granted)
    refusals = {a: _refusal(a, met, plain.data.take(np.arange(2)), len(worlds.shares)) for a in attacks}
    trials = {}
    for poison in sorted({a.poison for a in attacks if not refusals[a]}):
        questions = list(
            dict.fromkeys(q for a in attacks if a.poison == poison and not refusals[a] for q in a.questions)
        )
        trials[poison] = tuple(
            Stage.of(records, fact, replace(worlds, shuffled=shuffled), poison).scene(
                recipe, questions, cache=kept, workers=workers, advance=advance
            )
            for shuffled in (False, True)
        )
    return tuple(
        _measured(a, fact, worlds, *trials[a.poison])
        if not refusals[a]
        else _finding(a, fact, worlds, "refused", refusals[a])
        for a in attacks
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
    attack: PropertyAttack, fact: Property, worlds: Worlds, trial: Trial, control: Trial
) -> PropertyFinding:
    start = time.perf_counter()
    try:
        found = [
            ShareGuesses(
                np.asarray(attack.guess(scene), dtype=np.float64), world, scene.shares, attack.estimates
            )
            for scene, world in (trial, control)
        ]
    except (StorageError, MemoryError):
        raise
    except ReticentError as error:
        return _finding(attack, fact, worlds, "failed", str(error))
    except Exception as error:
        return _finding(attack, fact, worlds, "failed", threw(error, "during the attack", who="it"))
    cost = Cost(
        queries=sum(q.queries(len(trial[0].probes)) for q in attack.questions),
        trainings=len(trial[0].world) if attack.shadows else 0,
        seconds=(time.perf_counter() - start) / 2,
    )
    return _finding(attack, fact, worlds, "measured", evidence=found[0], control=found[1], cost=cost)


def _finding(
    attack: PropertyAttack,
    fact: Property,
    worlds: Worlds,
    outcome: Literal["measured", "refused", "failed"],
    reason: str = "",
    *,
    evidence: ShareGuesses | None = None,
    control: ShareGuesses | None = None,
    cost: Cost | None = None,
) -> PropertyFinding:
    return PropertyFinding(
        attack=attack.name,
        access=attack.needs,
        outcome=outcome,
        reason=reason,
        fact=fact.name,
        shares=worlds.shares,
        evidence=evidence,
        control=control,
        cost=cost or Cost(),
        about=first_line(attack),
        source=attack.source,
        caveat=attack.caveat,
    )
