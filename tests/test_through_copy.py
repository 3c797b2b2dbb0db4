"""Members told through a copy: where it is perfect as well as by asking, for the queries that it took."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.access import Access, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.membership import Lira, Loss
from reticent.errors import DataError, TargetError
from reticent.exhibit import Curved, Exhibit
from reticent.extraction import ExtractionScene
from reticent.measure.roc import Roc
from reticent.targets.sklearn import SklearnTarget
from reticent.through_copy import Chained


@dataclass(frozen=True, kw_only=True)
class Burgle(ExtractionAttack):
    """Takes a model that knows nothing, then the model itself: for so many queries as it says."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "this test"
    price: ClassVar[str] = "what is asked"
    whole: int = 60
    finds: bool = True

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        scene.target.predict(scene.pool[:10])
        labels = scene.own.classes[scene.own.labels]
        flat = LogisticRegression(C=1e-9).fit(scene.own.features, labels)
        yield SklearnTarget(flat, classes=scene.target.classes)
        scene.target.predict(scene.pool[10 : self.whole])
        if self.finds:
            yield scene.target._target
        else:
            yield SklearnTarget(flat, classes=scene.target.classes)


class Nothing(Burgle):
    """Says why it can't."""

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        raise DataError("this model can't be copied")
        yield


def world(seed: int = 0) -> dict[str, Any]:
    """A tree that remembers its training records, whose labels are noisy."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1200, 4))
    y = ((x[:, 0] > 0) ^ (rng.random(1200) < 0.3)).astype(int)
    parts = {
        "members": (x[:400], y[:400]),
        "nonmembers": (x[400:800], y[400:800]),
        "own": (x[800:], y[800:]),
    }
    return {"model": DecisionTreeClassifier(random_state=0).fit(x[:400], y[:400]), **parts}


def chained(attack: ExtractionAttack, then=None, tmp=None, **options):
    given = world() | options
    return rt.chain(given.pop("model"), attack, then or Loss(), cache=tmp, **given)


def test_a_perfect_copy_tells_members_as_well_as_the_model(tmp_path):
    copied, told = chained(Burgle(), tmp=tmp_path)
    evidence = told.evidence
    assert isinstance(evidence, Chained)
    assert isinstance(evidence, Exhibit)
    assert isinstance(evidence, Curved)
    assert copied.figure("agreement").value == 1
    assert told.attack == "loss through burgle"
    assert told.threat is rt.Threat.MEMBERSHIP
    assert told.cost.queries == 60
    np.testing.assert_array_equal(evidence.through[-1], evidence.direct)
    assert told.figure("auc").value == told.figure("auc direct").value > 0.6
    # 60 queries tell of 60 candidates of 800; the copy tells of all
    assert told.figure("auc asking").value < 0.55
    assert evidence.enough == 60
    assert "A copy of 60 queries" in evidence.note()
    assert evidence.beside()[0].figure == told.figure("auc")


def test_a_copy_that_remembers_nobody_tells_nothing(tmp_path):
    _, told = chained(Burgle(finds=False), tmp=tmp_path)
    auc = told.figure("auc")
    assert auc.low < 0.5 < auc.high
    assert told.evidence.enough is None
    assert "No copy" in told.evidence.note()


def test_the_curve_begins_with_the_first_copy_and_ends_with_everybody_asked(tmp_path):
    _, told = chained(Burgle(), tmp=tmp_path)
    (curve,) = told.evidence.curves()
    through, asking = curve.lines
    np.testing.assert_array_equal(through.x, [10, 60])
    np.testing.assert_array_equal(asking.x, [10, 60, 800])
    assert asking.control
    assert asking.y[-1] == told.figure("auc direct").value
    assert through.y[0] == pytest.approx(0.5, abs=0.08)


def test_who_asks_about_some_knows_nothing_of_the_others():
    rng = np.random.default_rng(1)
    members = rng.random(500) < 0.5
    direct = members + 0.1 * rng.normal(size=500)
    evidence = Chained(queries=np.array([100]), through=direct[None], direct=direct, members=members)
    asked = evidence.asked(100)
    assert (asked == direct).sum() in (100, 101)
    assert len(np.unique(asked[asked != direct])) == 1
    assert Roc.of(evidence.asked(0), members).auc().value == 0.5
    np.testing.assert_array_equal(evidence.asked(500), direct)
    # Pairs of which neither is known are ties; of all others the one that is known decides
    assert Roc.of(asked, members).auc().value == pytest.approx(0.5 + 0.5 * (1 - 0.8**2), abs=0.03)
    with pytest.raises(ValueError, match="no figure is called 'aucs'"):
        evidence.figure("aucs")


def test_where_no_copy_was_made_the_chain_says_so(tmp_path):
    copied, told = chained(Nothing(), tmp=tmp_path)
    assert copied.outcome == told.outcome == "refused"
    assert told.reason == "no copy was made: this model can't be copied"


def test_a_membership_attack_that_can_not_run_is_said_so(tmp_path):
    def scores(x):
        return np.full((len(x), 2), 0.5)

    from reticent.targets.function import FunctionTarget

    with pytest.raises(TargetError, match="lira was refused: needs shadow models"):
        chained(Burgle(), Lira(), tmp_path, model=FunctionTarget(scores, np.arange(2)))


def test_no_nonmembers_are_refused(tmp_path):
    with pytest.raises(DataError, match="no non-members were given"):
        chained(Burgle(), tmp=tmp_path, nonmembers=(np.zeros((0, 4)), np.zeros(0)))
