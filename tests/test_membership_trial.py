"""The trial of membership: truth kept from attacks, finished work found again, people judged as people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.access import Access, FloatArray
from reticent.attacks.attack import MembershipAttack
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.loss import Loss
from reticent.progress import Quiet
from reticent.scene import Scene

FAST = rt.Settings(shadows=4, workers=1)


def world(seed: int, records: int = 240) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two sides from one source: labels are noise, so only memory separates them."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2 * records, 5)), rng.integers(0, 2, 2 * records)
    return (x[:records], y[:records]), (x[records:], y[records:])


def run(model: Any, cache: Path, seed: int = 0, **options: Any) -> rt.Audit:
    members, nonmembers = world(seed)
    options.setdefault("settings", FAST)
    return rt.audit(model, members=members, nonmembers=nonmembers, cache=cache, progress=Quiet(), **options)


def fitted(model: Any, seed: int = 0) -> Any:
    (x, y), _ = world(seed)
    return model.fit(x, y)


@dataclass(frozen=True, kw_only=True)
class Spy(MembershipAttack):
    """Looks for the truth wherever an attack may look."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "a test"
    seen: ClassVar[list[Scene]] = []

    def guess(self, scene: Scene) -> FloatArray:
        self.seen.append(scene)
        return np.zeros(len(scene.records))


@dataclass(frozen=True, kw_only=True)
class Broken(MembershipAttack):
    """Throws."""

    needs: ClassVar[Access] = Access.SCORES
    source: ClassVar[str] = "a test"

    def guess(self, scene: Scene) -> FloatArray:
        raise RuntimeError("broken")


class Counting:
    """A target that counts what it is asked."""

    access = Access.SCORES

    def __init__(self, model: Any) -> None:
        self.model, self.asked = model, 0
        self.classes = np.array([0, 1])

    def predict(self, x: Any) -> rt.Outputs:
        self.asked += len(x)
        return rt.Outputs.from_scores(self.model.predict_proba(x))

    def fingerprint(self) -> str:
        return "counting"


class Recipe:
    """1-nearest-neighbour models, counted."""

    together, device, trained = 1, "cpu", 0

    def fit(self, data: rt.Records, seed: int) -> Counting:
        type(self).trained += 1
        return Counting(KNeighborsClassifier(1).fit(data.features, data.labels))

    def fit_many(self, data: rt.Records, masks: Any, seeds: Any) -> Any:
        for mask, seed in zip(masks, seeds, strict=True):
            yield self.fit(data.take(mask), seed)

    def fingerprint(self) -> str:
        return "nearest neighbour"


def test_attacks_are_shown_no_truth(tmp_path: Path) -> None:
    """The candidates' order says nothing, and nothing on the scene holds the members."""
    Spy.seen.clear()
    audit = run(fitted(DecisionTreeClassifier()), tmp_path, attacks=[Spy()])
    (scene,) = Spy.seen
    assert not hasattr(scene, "members")
    truth = audit.members.astype(float)
    position = np.arange(len(truth)) / len(truth)
    assert abs(np.corrcoef(position, truth)[0, 1]) < 0.2
    assert audit["spy"].roc.auc().value == 0.5


def test_a_broken_attack_fails_alone(tmp_path: Path) -> None:
    audit = run(fitted(DecisionTreeClassifier()), tmp_path, attacks=[Broken(), Loss()])
    assert audit["broken"].outcome == "failed"
    assert "RuntimeError" in audit["broken"].reason
    assert audit["loss"].outcome == "measured"


def test_the_second_audit_trains_and_asks_nothing(tmp_path: Path) -> None:
    model = Counting(fitted(KNeighborsClassifier(1)))
    first = run(model, tmp_path, attacks=[Loss(), Lira()], recipe=Recipe())
    trained, Recipe.trained = Recipe.trained, 0
    second = run(model, tmp_path, attacks=[Loss(), Lira()], recipe=Recipe())
    assert trained == FAST.shadows
    assert Recipe.trained == 0
    for name in ("loss", "lira"):
        np.testing.assert_array_equal(first[name].evidence.scores, second[name].evidence.scores)  # type: ignore[union-attr]


def test_another_model_seed_or_cap_misses_the_cell(tmp_path: Path) -> None:
    first = run(fitted(DecisionTreeClassifier(max_depth=3, random_state=0)), tmp_path, attacks=[Loss()])
    other = run(fitted(DecisionTreeClassifier(max_depth=9, random_state=0)), tmp_path, attacks=[Loss()])
    assert first["loss"].roc.auc().value != other["loss"].roc.auc().value


def test_a_spoilt_split_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(400, 4)), rng.integers(0, 2, 400)
    x[200:, 0] += 2.0
    tree = DecisionTreeClassifier(random_state=0).fit(x[:200], y[:200])
    audit = rt.audit(
        tree, members=(x[:200], y[:200]), nonmembers=(x[200:], y[200:]), settings=FAST, cache=tmp_path,
        progress=Quiet(), attacks=[Loss()],
    )  # fmt: skip
    assert audit.checks.spoilt
    assert audit.verdict.failed
    assert "without the model" in audit.verdict.sentence


def test_people_with_several_records_are_judged_as_people(tmp_path: Path) -> None:
    import pandas as pd

    rng = np.random.default_rng(3)
    x = pd.DataFrame(rng.normal(size=(800, 4)), columns=list("abcd"))
    x["who"], y = np.arange(800) // 4, rng.integers(0, 2, 800)
    inside, outside = slice(0, 400), slice(400, 800)
    tree = DecisionTreeClassifier(max_depth=6, random_state=0).fit(x[inside].drop(columns="who"), y[inside])
    audit = rt.audit(
        tree, members=(x[inside], y[inside]), nonmembers=(x[outside], y[outside]), cache=tmp_path,
        progress=Quiet(), settings=FAST, attacks=[Loss()], roles=rt.Roles(person="who"),
    )  # fmt: skip
    by_person = audit["loss by person"]
    assert by_person.subject == "person"
    assert by_person.evidence is not None
    assert len(by_person.evidence.scores) == 200
    assert by_person.roc.auc().value > audit["loss"].roc.auc().value
