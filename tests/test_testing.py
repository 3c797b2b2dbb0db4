"""The kit finds the faults it is there to find, in attacks made faulty one at a time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from enum import Enum
from importlib import import_module
from pathlib import Path
from typing import ClassVar, Literal
from zlib import crc32

import numpy as np
import pytest

from reticent import testing
from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership import CalibratedGradientNorm, Loss
from reticent.question import Labels, Question
from reticent.scene import Scene
from reticent.testing import leaking_world, silent_world


@dataclass(frozen=True, kw_only=True)
class Honest(MembershipAttack):
    """Minus the loss, as it should be."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "Yeom et al. 2018"

    power: float = 1.0

    def guess(self, scene: Scene) -> FloatArray:
        loss = -scene.target_answers().log_confidence()[0, :, 0].astype(np.float64)
        return np.asarray(-(loss**self.power) + self.extra(scene))

    def extra(self, scene: Scene) -> FloatArray | float:
        """What the faulty ones add."""
        return 0.0


@dataclass(frozen=True, kw_only=True)
class ByOrder(Honest):
    """Lets the order of the records in."""

    def extra(self, scene: Scene) -> FloatArray:
        return -0.01 * np.arange(len(scene.records))


@dataclass(frozen=True, kw_only=True)
class Restless(Honest):
    """Never draws the same twice."""

    def extra(self, scene: Scene) -> FloatArray:
        return np.random.default_rng().normal(size=len(scene.records))


@dataclass(frozen=True, kw_only=True)
class Broken(Honest):
    """Has no number for one record."""

    def extra(self, scene: Scene) -> FloatArray:
        return np.where(np.arange(len(scene.records)) == 3, np.nan, 0.0)


@dataclass(frozen=True, kw_only=True)
class Column(Honest):
    """A column where a row is expected."""

    def guess(self, scene: Scene) -> FloatArray:
        return super().guess(scene)[:, None]


@dataclass(frozen=True, kw_only=True)
class Understated(Honest):
    """Says that labels are enough."""

    needs: ClassVar[Access] = Access.LABELS


@dataclass(frozen=True, kw_only=True)
class Opportunist(Honest):
    """Takes the logits where they are granted."""

    def extra(self, scene: Scene) -> FloatArray:
        logits = scene.target.predict(scene.records.features).logits if scene.access > self.needs else None
        return np.zeros(len(scene.records)) if logits is None else logits.max(axis=1)


@dataclass(frozen=True, kw_only=True)
class Nosy(Honest):
    """Asks once more than it says."""

    def extra(self, scene: Scene) -> float:
        scene.target.predict(scene.records.features)
        return 0.0


@dataclass(frozen=True, kw_only=True)
class Idle(Honest):
    """Has an option that it does not look at."""

    depth: int = 3


@dataclass(frozen=True, kw_only=True)
class Nameless(Honest):
    """Cites nobody."""

    source: ClassVar[str] = " "


@dataclass(frozen=True, kw_only=True)
class Mute(Honest):
    __doc__ = ""


class Undecorated(Honest):
    """Is no dataclass of its own."""


@dataclass(frozen=True)
class Positional(Honest):
    """Takes an option by position."""

    first: int = 1


@dataclass(frozen=True, kw_only=True)
class Blank(Honest):
    """Sees nothing."""

    def guess(self, scene: Scene) -> FloatArray:
        return np.zeros(len(scene.records))


@pytest.mark.parametrize(
    ("check", "faulty", "said"),
    [
        (testing.says_what_it_is, Nameless(), "does not cite its source"),
        (testing.says_what_it_is, Mute(), "Mute has no docstring"),
        (testing.says_what_it_is, Undecorated(), "not a dataclass of its own"),
        (testing.says_what_it_is, Positional(), "not keyword-only: first"),
        (testing.asks_no_more_than_it_needs, Understated(), "needs labels, and asks for more: Scores"),
        (testing.asks_no_more_than_it_needs, Opportunist(), "other scores where more than scores"),
        (testing.asks_no_more_than_it_needs, Nosy(), "asked 320 queries, not 160"),
        (testing.scores_every_record, Broken(), "not numbers"),
        (testing.scores_every_record, Column(), r"shape \(160, 1\)"),
        (testing.repeats_itself, Restless(), "does not repeat itself"),
        (testing.options_matter, Idle(), "depth of idle changes nothing"),
        (testing.finds_nothing_where_nothing_leaks, ByOrder(), "in silent worlds"),
        (testing.finds_something_where_all_leaks, Blank(), "AUC of 0.500"),
    ],
    ids=lambda part: part.title() if isinstance(part, MembershipAttack) else None,
)
def test_each_fault_is_found(
    check: Callable[[MembershipAttack], None], faulty: MembershipAttack, said: str
) -> None:
    check(Honest())
    with pytest.raises(AssertionError, match=said):
        check(faulty)


def test_an_option_known_to_be_idle_is_let_pass() -> None:
    testing.options_matter(Idle(), idle=("depth",))


def test_an_attack_sees_no_shadow_models_and_no_population_unless_it_says_so() -> None:
    world = leaking_world(0)
    scene = world.scene(Honest())
    assert not scene.signals
    assert not scene.known.any()
    assert world.scene(Honest(), population=True).known.sum() == testing.KNOWN
    assert world.scene(Many(), granted=Access.LABELS).access == Access.LABELS


@dataclass(frozen=True, kw_only=True)
class Many(MembershipAttack):
    """Options of every type that is in use, and one that is not."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "none"

    class Shape(Enum):
        ROUND = 1
        SQUARE = 2

    count: int = 2
    share: float = 0.5
    swift: bool = False
    mode: Literal["on", "off"] = "on"
    shape: Shape = Shape.ROUND
    radii: tuple[float, ...] = (0.1, 0.2)
    columns: tuple[str, ...] = ()
    heat: float | Literal["tuned"] = "tuned"
    odd: complex = 1j

    @property
    def questions(self) -> tuple[Question, ...]:
        return (Labels(),)

    def guess(self, scene: Scene) -> FloatArray:
        return np.full(len(scene.records), float(crc32(repr(self).encode())))


@pytest.mark.parametrize("option", [f.name for f in fields(Many)])
def test_another_value_is_known_of_every_type_in_use(option: str) -> None:
    others = {f.name for f in fields(Many)} - {option}
    if option == "odd":
        with pytest.raises(TypeError, match="declared as <class 'complex'>"):
            testing.options_matter(Many(), idle=others)
    else:
        testing.options_matter(Many(), idle=others)


@pytest.mark.parametrize("access", [Access.LOGITS, Access.WEIGHTS])
def test_worlds_are_what_they_say(access: Access) -> None:
    attack = CalibratedGradientNorm() if access == Access.WEIGHTS else Loss()
    assert np.mean([leaking_world(s, access).auc(attack) for s in range(6)]) > 0.7
    silent = [silent_world(s, access).auc(attack) for s in range(60)]
    assert abs(np.mean(silent) - 0.5) < 3 * 0.058 / np.sqrt(60)  # 0.058: one AUC's spread, 50 against 50
    world = leaking_world(0, access)
    assert world.target.access == access
    assert world.members.sum() == testing.CANDIDATES // 2
    assert not world.members[world.known].any()
    np.testing.assert_array_equal(world.masks.mean(axis=0), 0.5)
    again = leaking_world(0, access)
    assert (
        again.target.fingerprint()
        == world.target.fingerprint()
        != leaking_world(1, access).target.fingerprint()
    )
    assert world.records.fingerprint() == again.records.fingerprint()


def test_gradient_norms_are_those_of_the_loss() -> None:
    """Against differences of the loss of the very weights, one nudged at a time."""
    world = leaking_world(0, Access.WEIGHTS)
    model = world.target
    assert isinstance(model, testing.Linear)
    some = world.records.take(np.arange(5))
    rows, nudge, weights = np.arange(5), 1e-5, model.weights.copy()
    slopes = np.zeros((5, *weights.shape))
    for place in np.ndindex(*weights.shape):
        for sign in (1, -1):
            model.weights = weights.copy()
            model.weights[place] += sign * nudge
            scores = model.predict(some.features).log_scores
            assert scores is not None
            slopes[(slice(None), *place)] -= sign * scores[rows, some.labels] / (2 * nudge)
    model.weights = weights
    expected = np.stack(
        [np.linalg.norm(s.reshape(5, -1), axis=1) for s in (slopes[:, :-1], slopes[:, -1:])], axis=1
    )
    np.testing.assert_allclose(model.gradient_norms(some.features, some.labels), expected, rtol=1e-5)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    package = tmp_path / "planted_family"
    package.mkdir()
    source = Path(__file__).read_text()
    (package / "one.py").write_text(
        source[: source.index("@dataclass(frozen=True, kw_only=True)\nclass ByOrder")]
    )
    sys.path.insert(0, str(tmp_path))
    yield package
    sys.path.remove(str(tmp_path))
    for name in [n for n in sys.modules if n.startswith("planted_family")]:
        del sys.modules[name]


def test_an_attack_missing_from_its_family_is_found(folder: Path) -> None:
    (folder / "__init__.py").write_text("__all__: list[str] = []\n")
    family = import_module("planted_family")
    assert [leaf.__name__ for leaf in testing.leaves(family)] == ["Honest"]  # not those it imports
    with pytest.raises(AssertionError, match="planted_family does not list Honest"):
        testing.every_leaf_is_listed(family)
    family.__all__ = ["Honest"]  # type: ignore[attr-defined]
    testing.every_leaf_is_listed(family)
