"""Tries attacks on a published table: they are aimed at the people behind it, and at people like them.

As many people of the original as of the control, whom the release never saw, are shuffled together and
handed to the attack. What it reaches on the ones beyond what it reaches on the others is leakage. It also
runs without the release, on a table whose columns are drawn independently of one another from those of the
control: an attack that does no better than that was too weak, and says nothing about privacy (Giomi et al.
2023, arXiv:2211.10459).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import BoolArray, IntArray
from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.options import number
from reticent.attacks.release import DEFAULT
from reticent.errors import DataError, ReticentError, StorageError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Figure, Withheld, clopper_pearson
from reticent.measure.excess import FEWEST, excess
from reticent.measure.guesses import gain
from reticent.release import Found, Guess, Knows, Links, Predicates, ReleaseScene, Table, Values, read_tables

if TYPE_CHECKING:
    import pandas as pd

TOO_WEAK = "no better than without the release, so the attack was too weak: nothing follows about privacy"

SHORTER = 0.9
"""Rows of the control for each of the original below which nobody is singled out."""

NO_HALVES = "needs two sets of columns that different parties know: name them in halves"

NO_SECRET = "needs a secret column to guess: name one in secrets"


@dataclass(frozen=True, eq=False)
class Successes:
    """Which guesses succeeded.

    Attributes:
        originals: (guesses,) about people whom the release was made from.
        controls: (guesses,) about people whom it never saw.
        naive: (guesses,) about people whom it was made from, without the release.
        shared: people left out, since they are alike in the original and in the control.
    """

    originals: BoolArray
    controls: BoolArray
    naive: BoolArray
    shared: int

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name.

        Args:
            name: "originals", "controls" or "naive", the share of guesses that succeeded; "risk", the success
                on originals beyond that on controls, of what is left to reach (`measure.excess`); "gain", the
                success on originals less that without the release.

        Raises:
            ValueError: no figure has that name.
        """
        sides = {"originals": self.originals, "controls": self.controls, "naive": self.naive}
        if name not in (*sides, "risk", "gain"):
            raise ValueError(f"no figure is called {name!r}")
        if len(self.originals) < FEWEST:
            return Withheld(f"{len(self.originals)} guesses were made; at least {FEWEST} are needed")
        if name == "risk":
            return excess(self.originals, self.controls, level)
        if name == "gain":
            return gain(self.originals, self.naive, level)
        return clopper_pearson(int(sides[name].sum()), len(sides[name]), level)

    @property
    def too_weak(self) -> bool:
        """Whether the attack can't be told from one that never sees the release: then no conclusion holds."""
        told = self.figure("gain")
        return isinstance(told, Withheld) or told.low <= 0

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """The risk and the success, beside people whom the release never saw and beside no release at all."""
        risk, hit, control, naive = (
            self.figure(name, level=level) for name in ("risk", "originals", "controls", "naive")
        )
        unseen = "people whom the release never saw"
        return (
            Beside(
                "given away, of what is not guessed anyway",
                risk,
                f"guessed anyway: {unseen}",
                control,
            ),
            Beside("guesses that succeed", hit, unseen, control),
            Beside("guesses that succeed", hit, "the same attack without the release", naive),
        )

    def note(self) -> str:
        """Whether anything follows, and who was left out."""
        weak = f"{TOO_WEAK[0].upper()}{TOO_WEAK[1:]}. " if self.too_weak else ""
        left = f"{self.shared:,} people are alike in original and control, and were left out. "
        return (weak + (left if self.shared else "")).strip()

    def strips(self) -> tuple[Strip, ...]:
        """No pictures."""
        return ()

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """Which guesses succeeded."""
        return {"originals": self.originals, "controls": self.controls, "naive": self.naive}


def audit_release(
    release: pd.DataFrame,
    original: pd.DataFrame,
    control: pd.DataFrame,
    attacks: Sequence[ReleaseAttack] = DEFAULT,
    *,
    secrets: Sequence[str] = (),
    halves: tuple[Sequence[str], Sequence[str]] | None = None,
    guesses: int = 500,
    tolerance: float = 0.05,
    seed: int = 0,
) -> tuple[Finding, ...]:
    """Have attacks guess at people from a published table.

    Args:
        release: (rows, columns) the table: synthetic data, or whatever is published in the original's place.
        original: (people, columns) whom it was made from.
        control: (people, columns) of the same kind, whom it never saw; as many, to single out.
        attacks: what to try.
        secrets: columns to infer from all others, one at a time.
        halves: two sets of columns, known to different parties, to link.
        guesses: people attacked of the original and of the control each, and predicates sought.
        tolerance: how far a number may be guessed off, as a share of it.
        seed: of who is attacked and of what attacks draw.

    Returns:
        A finding an attack, or one a secret where it guesses secrets; one that can't be run says why.

    Raises:
        DataError: tables that do not go together, a control that is all in the original, fewer people than
            guesses, halves that are empty or overlap, a secret that is absent or constant in any table.
        PlanError: a tolerance below 0.
    """
    number("tolerance", tolerance, low=0)
    tables = read_tables({"original": original, "control": control, "release": release})
    ground = _Ground.of(tables, halves, guesses, tolerance, seed)
    for secret in secrets:
        _checked_secret(tables, secret)
    found = []
    for attack in attacks:
        of_secrets = attack.knows == Knows.REST
        why = ground.refusal(attack.knows) or (NO_SECRET if of_secrets and not secrets else "")
        if why:
            found.append(unmeasured(attack, "refused", why))
            continue
        found += [_tried(attack, ground, secret) for secret in (secrets if of_secrets else ("",))]
    return tuple(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Ground:
    """What all attacks of a trial have in common, the truth among it.

    Attributes:
        original, control: people whom the release was made from, and whom it never saw; none is both.
        release: what was published.
        independent: a table of its length, its columns drawn from the control's, each by itself.
        halves: two sets of columns, or none.
        shared: people left out of the original and of the control.
    """

    original: Table
    control: Table
    release: Table
    independent: Table
    halves: tuple[tuple[str, ...], ...]
    shared: int
    guesses: int
    tolerance: float
    seed: int

    @classmethod
    def of(
        cls,
        tables: tuple[Table, ...],
        halves: tuple[Sequence[str], Sequence[str]] | None,
        guesses: int,
        tolerance: float,
        seed: int,
    ) -> _Ground:
        """Leave out who is on both sides, and draw the table without the release."""
        original, control, release = tables
        inside, outside = original.keys(), control.keys()
        shared, spoilt = np.isin(inside, outside), np.isin(outside, inside)
        original, control = original.take(~shared), control.take(~spoilt)
        fewest = min(len(original), len(control))
        if not 1 <= guesses <= fewest:
            raise DataError(
                f"{guesses} guesses were asked for, and {len(original):,} original and {len(control):,} "
                f"control rows are left without the {shared.sum():,} and {spoilt.sum():,} in both tables; "
                "ask for fewer, or give rows that the release never saw"
            )
        rng = np.random.default_rng([seed, 1])
        drawn = [rng.choice(column, len(release)) for column in control.values.T]
        return cls(
            original=original,
            control=control,
            release=release,
            independent=replace(release, values=np.stack(drawn, axis=1)),
            halves=_checked_halves(release.names, halves),
            shared=int(shared.sum() + spoilt.sum()),
            guesses=guesses,
            tolerance=tolerance,
            seed=seed,
        )

    def refusal(self, knows: Knows) -> str:
        """Why an attacker who knows that much of people can't be tried; empty where it can."""
        if knows == Knows.HALVES and not self.halves:
            return NO_HALVES
        if knows == Knows.NOTHING and len(self.control) < SHORTER * len(self.original):
            return (
                f"needs as many control rows as original rows, and there are {len(self.control):,} and "
                f"{len(self.original):,}: a predicate singles out more easily in a smaller table"
            )
        return ""

    def people(self, secret: str) -> tuple[Table, BoolArray]:
        """People to attack, shuffled, and (people,) whether the release was made from each."""
        rng = np.random.default_rng([self.seed, 2])
        drawn = []
        for side in (self.original, self.control):
            known = np.flatnonzero(~np.isnan(side.column(secret))) if secret else np.arange(len(side))
            if len(known) < self.guesses:
                raise DataError(
                    f"{self.guesses} guesses were asked for, and {secret!r} is known of {len(known)}; "
                    "ask for fewer"
                )
            drawn.append(side.take(rng.choice(known, self.guesses, replace=False)))
        order = rng.permutation(2 * self.guesses)
        everyone = replace(drawn[0], values=np.concatenate([side.values for side in drawn])[order])
        return everyone, order < self.guesses


def _tried(attack: ReleaseAttack, ground: _Ground, secret: str) -> Finding:
    start = time.perf_counter()
    try:
        originals, controls = _succeeded(attack, ground, ground.release, secret)
        seconds = time.perf_counter() - start
        without, _ = _succeeded(attack, ground, ground.independent, secret)
    except (StorageError, MemoryError):
        raise
    except ReticentError as error:
        return unmeasured(attack, "refused", str(error), secret=secret)
    except Exception as error:
        return unmeasured(attack, "failed", threw(error, "during the attack", who="it"), secret=secret)
    naive = np.zeros_like(originals)  # a predicate that was not found without the release singles out nobody
    naive[: len(without)] = without[: len(naive)]
    evidence = Successes(originals, controls, naive, ground.shared)
    return measured(attack, evidence, Cost(seconds=seconds), secret=secret)


def _succeeded(
    attack: ReleaseAttack, ground: _Ground, release: Table, secret: str
) -> tuple[BoolArray, BoolArray]:
    """(guesses,) which of its guesses succeed on originals, and on controls."""
    if attack.knows == Knows.NOTHING:
        guess = attack.guess(ReleaseScene(release, guesses=ground.guesses, seed=ground.seed))
        return _singled_out(guess, ground)
    everyone, inside = ground.people(secret)
    shuffled = np.random.default_rng([ground.seed, 3]).permutation(len(everyone))
    known: tuple[Table, ...] = (everyone,)
    if attack.knows == Knows.HALVES:
        one, other = (everyone.only(names) for names in ground.halves)
        known = one, other.take(shuffled)
    elif attack.knows == Knows.REST:
        known = (everyone.only([name for name in everyone.names if name != secret]),)
    guess = attack.guess(ReleaseScene(release, known, secret, seed=ground.seed))
    right = _right(guess, everyone, shuffled, secret, ground.tolerance)
    return right[inside], right[~inside]


def _singled_out(guess: Guess, ground: _Ground) -> tuple[BoolArray, BoolArray]:
    """(predicates,) True where one person fits: of the originals, and of as many controls."""
    assert isinstance(guess, Predicates)
    size = min(len(ground.original), len(ground.control))
    rng = np.random.default_rng([ground.seed, 4])
    original, control = (
        side.take(np.sort(rng.choice(len(side), size, replace=False)))
        for side in (ground.original, ground.control)
    )
    one, other = (
        np.array([len(side.where(p)) == 1 for p in guess.predicates], dtype=bool)
        for side in (original, control)
    )
    return one, other


def _right(guess: Guess, everyone: Table, shuffled: IntArray, secret: str, tolerance: float) -> BoolArray:
    """(people,) whose guess is right."""
    if isinstance(guess, Links):
        one, other = guess.near
        back = np.empty_like(other)
        back[shuffled] = other
        return np.asarray((one & back).any(axis=1))
    if isinstance(guess, Values):
        truth = everyone.column(secret)
        off = np.abs(guess.values - truth)
        is_number = everyone.numbers[everyone.names.index(secret)]
        return np.asarray(off <= (tolerance * np.abs(truth) if is_number else 0))
    assert isinstance(guess, Found)
    return guess.found


def _checked_secret(tables: tuple[Table, ...], secret: str) -> None:
    for what, table in zip(("original", "control", "release"), tables, strict=True):
        if secret not in table.names:
            raise DataError(f"the {what} has no column {secret!r} to be the secret; name one of its columns")
        column = table.column(secret)
        if len(np.unique(column[~np.isnan(column)])) < 2:
            raise DataError(
                f"{secret!r} has one value in the {what} at most, so there is nothing to guess; name another"
            )


def _checked_halves(
    names: tuple[str, ...], halves: tuple[Sequence[str], Sequence[str]] | None
) -> tuple[tuple[str, ...], ...]:
    if halves is None:
        return ()
    one, other = (tuple(half) for half in halves)
    unknown = sorted({*one, *other} - set(names))
    if unknown:
        raise DataError(f"the tables have no column {unknown[0]!r}, named in halves; name columns of theirs")
    if not one or not other:
        raise DataError("one of the halves is empty; name at least a column in each")
    both = sorted(set(one) & set(other))
    if both:
        raise DataError(f"{both[0]!r} is in both halves; a column goes into one of them")
    return one, other
