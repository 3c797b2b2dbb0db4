"""Figures of guessed shares, and what is said of attacks that could not run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

import reticent as rt
from reticent.access import Access, FloatArray
from reticent.attacks.attack import PropertyAttack
from reticent.attacks.membership import Loss
from reticent.attacks.property import (
    KullbackLeibler,
    LossTest,
    PermutationInvariant,
    ShareRegression,
    Snap,
)
from reticent.data import Property, Records
from reticent.errors import DataError
from reticent.finding import Finding
from reticent.measure.estimate import Estimate, Withheld, clopper_pearson
from reticent.property_trial import SMALLEST, ShareGuesses, feasible, infer_property
from reticent.question import Labels, Question
from reticent.report.page import page
from reticent.targets.sklearn import SklearnRecipe
from reticent.worlds import Grounds, PropertyScene, Worlds

FACT = Property("sex", "f")
WORLDS = Worlds(shares=(0.3, 0.6), models=4, victims=5, size=60, probes=50)
RECIPE = SklearnRecipe(LogisticRegression())


def people() -> Records:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 800)
    table = pd.DataFrame({"a": rng.normal(size=800) + label, "sex": rng.choice(["f", "m"], 800)})
    return Records(table, label, np.array(["no", "yes"]))


def run(
    *attacks: PropertyAttack, cache: Path, worlds: Worlds = WORLDS, granted: Access = Access.WEIGHTS
) -> tuple[Finding, ...]:
    return infer_property(
        RECIPE, people(), FACT, attacks, worlds=worlds, granted=granted, cache=cache, workers=1
    )


def test_accuracy_and_error_are_those_of_the_guesses() -> None:
    world = np.repeat([0, 1], 10)
    scores = np.where(world == 1, 1.0, -1.0)
    scores[:3] = 1
    told = ShareGuesses(scores, world, (0.2, 0.8), False)
    assert told.figure("accuracy") == clopper_pearson(17, 20)
    assert isinstance(told.figure("error"), Withheld)
    assert told.coin == 0.5 and told.middle == pytest.approx(0.3)
    shares = ShareGuesses(np.where(world == 1, 0.7, 0.45), world, (0.2, 0.8), True)
    error = shares.figure("error")
    assert isinstance(error, Estimate)
    assert error.value == pytest.approx(0.175) and error.low < 0.175 < error.high
    assert shares.figure("accuracy") == clopper_pearson(20, 20)
    with pytest.raises(ValueError, match="no figure is called"):
        told.figure("auc")


def test_the_interval_of_the_error_is_students() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    guesses, world = rng.random(12), np.arange(12) % 3
    told = ShareGuesses(guesses, world, (0.2, 0.5, 0.8), True)
    error = told.figure("error")
    assert isinstance(error, Estimate)
    off = np.abs(guesses - told.truth)
    low, high = stats.t.interval(0.95, 11, off.mean(), stats.sem(off))
    assert (error.low, error.high) == pytest.approx((low, high))


def test_of_few_victims_no_figure_is_given() -> None:
    told = ShareGuesses(np.ones(4), np.ones(4, np.int64), (0.2, 0.8), False)
    assert isinstance(told.figure("accuracy"), Withheld)


def test_findings_stand_beside_their_control(tmp_path: Path) -> None:
    (loss, share) = run(LossTest(), ShareRegression(), cache=tmp_path)
    for finding in (loss, share):
        assert finding.outcome == "measured" and finding.evidence is not None
        assert isinstance(finding.figure("accuracy"), Estimate)
        assert isinstance(finding.figure("accuracy shuffled"), Estimate)
        assert sorted(finding.exhibit.told.world.tolist()) == [0] * 5 + [1] * 5
    assert loss.title == "loss-test on sex = f" and loss.about and loss.source
    assert (loss.cost.trainings, share.cost.trainings, share.cost.queries) == (0, 8, 50)


def test_the_rung_is_asked_for_before_anything_is_trained(tmp_path: Path) -> None:
    loss, kl, weights = run(
        LossTest(), KullbackLeibler(), PermutationInvariant(), cache=tmp_path, granted=Access.LABELS
    )
    assert loss.outcome == "measured"
    assert (kl.outcome, kl.reason) == ("refused", "needs scores, and labels are granted")
    assert weights.reason == "needs weights, and labels are granted"
    with pytest.raises(LookupError, match="was refused"):
        kl.figure("accuracy")


def test_more_than_two_shares_are_for_those_that_estimate(tmp_path: Path) -> None:
    worlds = replace(WORLDS, shares=(0.3, 0.5, 0.6))
    kl, share = run(KullbackLeibler(), ShareRegression(), cache=tmp_path, worlds=worlds)
    assert kl.reason == "tells two worlds apart, and there are 3"
    assert share.outcome == "measured"


@dataclass(frozen=True, kw_only=True)
class Broken(PropertyAttack):
    """Throws."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "none"

    @property
    def questions(self) -> tuple[Question, ...]:
        return (Labels(),)

    def guess(self, scene: PropertyScene) -> FloatArray:
        raise RuntimeError("no luck")


def test_an_attack_that_throws_is_a_finding_and_the_others_go_on(tmp_path: Path) -> None:
    broken, loss = run(Broken(), LossTest(), cache=tmp_path)
    assert broken.outcome == "failed" and "RuntimeError" in broken.reason
    assert loss.outcome == "measured"


def test_poisoned_worlds_are_their_own(tmp_path: Path) -> None:
    seen: list[int] = []
    infer_property(
        RECIPE,
        people(),
        FACT,
        [LossTest(), Snap(poison_share=0.1), Snap(poison_share=0)],
        worlds=WORLDS,
        cache=tmp_path,
        workers=1,
        advance=seen.append,
    )
    assert sum(seen) == 2 * 2 * 18  # with poison and without, each with its control


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="have no column 'race'"):
        infer_property(RECIPE, people(), Property("race", "x"), [LossTest()], cache=tmp_path)


def citizens(seed: int, records: int, share: float) -> tuple[pd.DataFrame, np.ndarray]:
    """People of whom a share is f; labels go with a number of theirs, otherwise for f than for m."""
    rng = np.random.default_rng(seed)
    sex = np.where(rng.random(records) < share, "f", "m")
    a, b = rng.normal(size=(2, records))
    label = (np.where(sex == "f", a, b) + 0.3 * rng.normal(size=records) > 0).astype(int)
    return pd.DataFrame({"a": a, "b": b, "sex": sex}), np.array(["no", "yes"])[label]


def told_of(share: float, cache: Path, **more: object) -> rt.Audit:
    inside, outside = citizens(1, 1500, share), citizens(2, 3000, 0.5)
    model = LogisticRegression().fit(inside[0].drop(columns="sex"), inside[1])
    return rt.audit(
        model,
        members=inside,
        nonmembers=outside,
        roles=rt.Roles(properties=(FACT,)),
        attacks=[Loss(), ShareRegression(), KullbackLeibler()],
        cache=cache,
        **more,
    )


@pytest.mark.parametrize("share", [0.15, 0.8])
def test_an_audit_tells_the_share_of_the_model_it_was_given(share: float, tmp_path: Path) -> None:
    audit = told_of(share, tmp_path)
    found = audit["share-regression"]
    one = found.exhibit.one
    assert one.before == pytest.approx(0.5, abs=0.03) and one.truth == pytest.approx(share, abs=0.03)
    told = found.figure("share")
    assert told.low <= one.truth <= told.high
    assert abs(told.value - one.truth) < 0.15 < abs(one.before - one.truth)
    assert "tells two worlds apart" in audit["kullback-leibler"].reason
    assert audit["loss"].outcome == "measured"
    first = found.exhibit.beside()[0]
    assert "truly" in first.what and first.without.value == one.before
    assert "whole training set" in page([audit]) and "share-regression on sex = f" in page([audit])
    assert found.exhibit.strips() == () and set(found.exhibit.arrays()) == {"guesses", "truth", "shuffled"}


def test_an_audit_without_a_recipe_or_a_property_says_so(tmp_path: Path) -> None:
    inside, outside = citizens(1, 300, 0.5), citizens(2, 300, 0.5)
    model = LogisticRegression().fit(inside[0].drop(columns="sex"), inside[1])
    asked = {"members": inside, "nonmembers": outside, "attacks": [Loss(), ShareRegression()]}
    blind = rt.audit(model.predict_proba, roles=rt.Roles(properties=(FACT,)), cache=tmp_path, **asked)
    assert "no recipe" in blind["share-regression"].reason
    bare = [(x.drop(columns="sex"), y) for x, y in (inside, outside)]
    unnamed = rt.audit(
        model, members=bare[0], nonmembers=bare[1], attacks=[Loss(), ShareRegression()], cache=tmp_path
    )
    assert "needs a property" in unnamed["share-regression"].reason


@pytest.mark.parametrize(
    ("fact", "said"),
    [(Property("sex", "x"), "none of the records have sex = x"), (Property("race", "x"), "no column 'race'")],
)
def test_a_property_that_nobody_has_is_a_sentence(fact: Property, said: str, tmp_path: Path) -> None:
    inside, outside = citizens(1, 300, 0.5), citizens(2, 300, 0.5)
    model = LogisticRegression().fit(inside[0].drop(columns="sex"), inside[1])

    def run() -> rt.Audit:
        return rt.audit(
            model,
            members=inside,
            nonmembers=outside,
            roles=rt.Roles(properties=(fact,)),
            attacks=[Loss(), ShareRegression()],
            cache=tmp_path,
        )

    if fact.column == "race":
        with pytest.raises(DataError, match=said):
            run()
    else:
        assert said in run()["share-regression"].reason


def test_worlds_of_an_audit_are_as_large_as_the_records_make_up() -> None:
    whole = people()
    worlds = feasible(whole, FACT, size=400, seed=0)
    assert SMALLEST <= worlds.size < 400
    Grounds.of(whole, FACT, worlds).draw.masks(len(whole))
    with pytest.raises(DataError, match="do not make up samples"):
        feasible(whole.take(np.arange(100)), FACT, size=400, seed=0)
