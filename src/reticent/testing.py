"""What every attack passes, whoever wrote it: small worlds whose truth is known, and checks in them.

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_my_attack(check):
        check(MyAttack())

A check takes an attack and raises AssertionError, with a sentence that says what is wrong. Its worlds are
made of models in closed form, trained in no time, that can be asked anything; what is claimed of chance is
averaged over worlds, never read off one lucky seed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import numpy.typing as npt

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered, Outputs, Target
from reticent.attacks.attack import Attack, MembershipAttack
from reticent.data import Records, concat
from reticent.errors import PlanError
from reticent.fingerprint import fingerprint
from reticent.measure.roc import Roc
from reticent.question import Question
from reticent.scene import Scene
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals

CLASSES = np.arange(3)
COLUMN = "column 0"
"""The first column of the records; options that name columns are tried with it."""

CANDIDATES, KNOWN = 100, 60
"""Records of a world: those in question, half of them members, and those known to be non-members."""

SILENT_WORLDS, LEAKING_WORLDS = 20, 4
"""Worlds that a claim is averaged over."""

LEAST_FOUND = 0.55
"""Mean AUC that an attack reaches where models remember everything."""

Model = Callable[[Records], Target]
"""Fits a model to records."""


class Kernel:
    """Votes of the training records near by: it remembers each of them. Answers labels, scores and logits."""

    access = Access.LOGITS
    classes: npt.NDArray[np.generic] = CLASSES
    width = 0.3

    def __init__(self, trained: Records) -> None:
        self.x, self.y = np.asarray(trained.features, dtype=float), trained.labels

    def predict(self, x: Any) -> Outputs:
        """Log votes, of which each class has a few to begin with."""
        asked = np.asarray(x, dtype=float)
        square = (asked**2).sum(axis=1)[:, None] - 2 * asked @ self.x.T + (self.x**2).sum(axis=1)
        votes = np.exp(-square / (2 * self.width**2)) @ (self.y[:, None] == CLASSES)
        return Outputs.from_logits(np.log(0.02 + votes))

    def fingerprint(self) -> str:
        """A hash of what it was trained on."""
        return fingerprint("kernel", self.x, self.y)


class Linear:
    """Softmax of a ridge regression with nearly as many columns as records. Its weights are at hand."""

    access = Access.WEIGHTS
    classes: npt.NDArray[np.generic] = CLASSES
    ridge, sharpness = 1.0, 4.0

    def __init__(self, trained: Records) -> None:
        x = _with_one(trained.features)
        wanted = self.sharpness * (trained.labels[:, None] == CLASSES)
        self.weights = np.linalg.solve(x.T @ x + self.ridge * np.eye(x.shape[1]), x.T @ wanted)

    def predict(self, x: Any) -> Outputs:
        """The logits are linear in the record."""
        return Outputs.from_logits(_with_one(x) @ self.weights)

    def gradient_norms(self, x: Any, y: IntArray) -> FloatArray:
        """(records, 2) of the slopes and of the offsets: ‖p − e_y‖ ‖x‖ and ‖p − e_y‖."""
        scores = self.predict(x).log_scores
        assert scores is not None
        pull = np.linalg.norm(np.exp(scores) - (y[:, None] == CLASSES), axis=1)
        return np.stack([pull * np.linalg.norm(np.asarray(x, dtype=float), axis=1), pull], axis=1)

    def fingerprint(self) -> str:
        """A hash of the weights."""
        return fingerprint("linear", self.weights)


@dataclass(frozen=True, eq=False)
class World:
    """A target, its shadow models and, unlike a scene, the truth.

    Attributes:
        records: candidates first, known non-members after them.
        members: (records,) True where the record is called a member; in a silent world nothing was trained
            on it either way.
        target: the model under attack.
        shadows: models of the same kind.
        masks: (shadows, records) who trained on what.
    """

    records: Records
    members: BoolArray
    target: Target
    shadows: tuple[Target, ...]
    masks: BoolArray

    @property
    def known(self) -> BoolArray:
        """(records,) the known non-members."""
        return np.arange(len(self.records)) >= CANDIDATES

    def scene(
        self,
        attack: MembershipAttack,
        *,
        granted: Access | None = None,
        population: bool = False,
        seed: int = 0,
    ) -> Scene:
        """What the attack is handed: nothing that it does not say it needs, unless granted here.

        Args:
            attack: the one whose questions are asked.
            granted: the rung that the target is capped at; None for no cap.
            population: tell it of the known non-members even where it does not say that it needs them.
            seed: of what the attack draws.
        """
        target = Metered(self.target, granted)
        labels = self.records.labels
        answers = {q: Answers(q.ask(target, self.records)[None], labels) for q in attack.questions}
        signals = {q: self._signals(q) for q in attack.questions} if attack.shadows else {}
        known = self.known if attack.population or population else np.zeros(len(labels), dtype=bool)
        return Scene(target, self.records, known, answers, signals, seed)

    def auc(self, attack: MembershipAttack) -> float:
        """How well the attack's scores part members from the other candidates."""
        return Roc.of(attack.guess(self.scene(attack))[:CANDIDATES], self.members[:CANDIDATES]).auc().value

    def _signals(self, question: Question) -> Signals:
        values = np.stack([question.ask(Metered(shadow), self.records) for shadow in self.shadows])
        return Signals(values, self.records.labels, self.masks)


def leaking_world(seed: int, access: Access = Access.LOGITS, *, shadows: int = 8) -> World:
    """A world whose models remember all that they were trained on, and can be asked up to `access`."""
    return _world(seed, access, shadows, leaks=True)


def silent_world(seed: int, access: Access = Access.LOGITS, *, shadows: int = 8) -> World:
    """A world whose target was trained on other records of the same kind: there is nothing to find.

    Those called members come first, so that scores that depend on the order of the records are found out.
    """
    return _world(seed, access, shadows, leaks=False)


def _world(seed: int, access: Access, shadows: int, *, leaks: bool) -> World:
    rng = np.random.default_rng(seed)
    model: Model = Linear if access == Access.WEIGHTS else Kernel
    columns = 30 if access == Access.WEIGHTS else 3
    records = _people(CANDIDATES + KNOWN, columns, rng)
    members = np.arange(len(records)) < CANDIDATES // 2
    if leaks:
        members[:CANDIDATES] = rng.permutation(members[:CANDIDATES])
    masks: BoolArray = Plan(models=shadows, seed=seed).masks(len(records))
    # As many records as a shadow model has: the members, and others that are not in the world
    others = _people(len(records) // 2 - leaks * CANDIDATES // 2, columns, rng)
    trained = concat([records.take(members), others]) if leaks else others
    return World(records, members, model(trained), tuple(model(records.take(m)) for m in masks), masks)


def _people(records: int, columns: int, rng: np.random.Generator) -> Records:
    """Records whose label can hardly be told, so that knowing it means having seen them."""
    import pandas as pd

    x = rng.normal(size=(records, columns))
    labels = (0.7 * x[:, : len(CLASSES)] + rng.gumbel(size=(records, len(CLASSES)))).argmax(axis=1)
    return Records(pd.DataFrame(x, columns=[f"column {i}" for i in range(columns)]), labels, CLASSES)


def _with_one(x: Any) -> FloatArray:
    x = np.asarray(x, dtype=float)
    return np.column_stack([x, np.ones(len(x))])


# The checks, each of one attack


def says_what_it_is(attack: Attack) -> None:
    """A frozen dataclass of keyword-only options, which says what it does and where it comes from."""
    kind = type(attack)
    own = is_dataclass(kind) and "__dataclass_params__" in vars(kind)
    _require(own, f"{kind.__name__} is not a dataclass of its own")
    _require(vars(kind)["__dataclass_params__"].frozen, f"{kind.__name__} is not frozen")
    loose = [f.name for f in fields(attack) if not f.kw_only]
    _require(not loose, f"options of {attack.title()} are not keyword-only: {', '.join(loose)}")
    summary = (kind.__doc__ or "").strip().partition("\n")[0]
    # Without a docstring, dataclasses write one: the signature
    written = summary != "" and not summary.startswith(f"{kind.__name__}(")
    _require(written, f"{kind.__name__} has no docstring")
    _require(bool(getattr(kind, "source", "").strip()), f"{attack.title()} does not cite its source")


def asks_no_more_than_it_needs(attack: MembershipAttack) -> None:
    """Capped at the rung it names, it gives the same scores, for no more queries than its questions."""
    world = leaking_world(1, attack.needs)
    above = [type(q).__name__ for q in attack.questions if q.needs > attack.needs]
    _require(not above, f"{attack.name} needs {attack.needs}, and asks for more: {', '.join(above)}")
    scene = world.scene(attack, granted=attack.needs)
    capped = attack.guess(scene)
    _require(
        np.array_equal(capped, attack.guess(world.scene(attack))),
        f"{attack.name} gives other scores where more than {attack.needs} are granted",
    )
    said = sum(q.queries(len(world.records)) for q in attack.questions)
    _require(scene.target.queries <= said, f"{attack.name} asked {scene.target.queries} queries, not {said}")


def scores_every_record(attack: MembershipAttack) -> None:
    """One score a record, none of them missing."""
    scene = leaking_world(2, attack.needs).scene(attack)
    scores = attack.guess(scene)
    _require(scores.shape == (len(scene.records),), f"{attack.name} gives scores of shape {scores.shape}")
    _require(not np.isnan(scores).any(), f"{attack.name} gives scores that are not numbers")


def repeats_itself(attack: MembershipAttack) -> None:
    """The same seed, the same scores, whatever was drawn in between."""
    world = leaking_world(3, attack.needs)
    first = attack.guess(world.scene(attack, seed=5))
    silent_world(4, attack.needs).auc(attack)
    again = attack.guess(world.scene(attack, seed=5))
    _require(np.array_equal(first, again), f"{attack.name} does not repeat itself")


def options_matter(attack: MembershipAttack, *, idle: Collection[str] = ()) -> None:
    """Every option changes the scores when it is given some other value.

    Args:
        attack: the options that others hang on are set: a level matters only to the head that has one.
        idle: options that are not looked at.

    Raises:
        TypeError: an option of a type for which no other value is known here.
    """
    world = leaking_world(5, attack.needs)
    usual = attack.guess(world.scene(attack, population=True))
    hints = get_type_hints(type(attack))
    for option in fields(attack):
        if option.name in idle:
            continue
        value = getattr(attack, option.name)
        others = list(_accepted(attack, option.name, _others(hints[option.name], value)))
        _require(bool(others), f"{attack.name} accepts no other {option.name} than {value!r}")
        scores = (other.guess(world.scene(other, population=True)) for other in others)
        changed = any(not np.array_equal(usual, theirs) for theirs in scores)
        _require(changed, f"{option.name} of {attack.name} changes nothing")


def finds_nothing_where_nothing_leaks(attack: MembershipAttack) -> None:
    """Over many models that never saw the records, its AUC is ½ on average, within three standard errors."""
    areas = [silent_world(100 + seed, attack.needs).auc(attack) for seed in range(SILENT_WORLDS)]
    side = CANDIDATES // 2
    # Of the AUC of scores that know nothing (Mann & Whitney 1947); equal scores vary less
    error = np.sqrt((2 * side + 1) / (12 * side * side) / SILENT_WORLDS)
    mean = float(np.mean(areas))
    _require(abs(mean - 0.5) <= 3 * error, f"{attack.name} has a mean AUC of {mean:.3f} in silent worlds")


def finds_something_where_all_leaks(attack: MembershipAttack) -> None:
    """In worlds whose models remember everything, it does clearly better than chance on average."""
    areas = [leaking_world(200 + seed, attack.needs).auc(attack) for seed in range(LEAKING_WORLDS)]
    mean = float(np.mean(areas))
    _require(mean > LEAST_FOUND, f"{attack.name} has a mean AUC of {mean:.3f} where models remember all")


CHECKS: tuple[Callable[[MembershipAttack], None], ...] = (
    says_what_it_is,
    asks_no_more_than_it_needs,
    scores_every_record,
    repeats_itself,
    options_matter,
    finds_nothing_where_nothing_leaks,
    finds_something_where_all_leaks,
)


def leaves(family: ModuleType) -> tuple[type[Attack], ...]:
    """Every attack in a family's folder, found by walking it."""
    found: list[type[Attack]] = []
    for file in iter_modules(family.__path__, f"{family.__name__}."):
        for kind in vars(import_module(file.name)).values():
            if isinstance(kind, type) and issubclass(kind, Attack) and not inspect.isabstract(kind):
                found += [kind] if kind.__module__ == file.name else []
    return tuple(found)


def every_leaf_is_listed(family: ModuleType) -> None:
    """No attack lies in the folder and is missing from the family's list."""
    missing = [k.__name__ for k in leaves(family) if k.__name__ not in family.__all__]
    _require(not missing, f"{family.__name__} does not list {', '.join(missing)}")


def _accepted(attack: MembershipAttack, name: str, values: Iterable[Any]) -> Iterator[MembershipAttack]:
    for value in values:
        change: dict[str, Any] = {name: value}
        try:
            yield replace(attack, **change)
        except PlanError:
            continue


def _others(hint: Any, value: Any) -> tuple[Any, ...]:
    """Values to try instead of an option's, valid or not, by its declared type."""
    tried: tuple[Any, ...]
    if get_origin(hint) is Literal:
        tried = get_args(hint)
    elif isinstance(hint, type) and issubclass(hint, Enum):
        tried = tuple(hint)
    elif hint is bool:
        tried = (not value,)
    elif hint is int:
        tried = (value + 1, value // 2, 2 * value, 1)
    elif hint is float:
        tried = (value / 2, 2 * value, value + 1) if isinstance(value, int | float) else (0.5, 1.0, 2.0)
    elif hint == tuple[float, ...]:
        tried = (value[:-1], value[1:], value[::2])
    elif hint == tuple[str, ...]:
        tried = ((COLUMN,),)
    elif get_origin(hint) in (Union, UnionType):
        tried = tuple(other for part in get_args(hint) for other in _others(part, value))
    else:
        raise TypeError(f"no other value is known of an option declared as {hint}")
    return tuple(other for other in tried if other != value)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)
