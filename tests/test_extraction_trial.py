"""Copies judged: figures in closed form, a spent budget, the control, and what can't be copied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import reticent as rt
from reticent.access import Access, Outputs, Target
from reticent.attacks.attack import ExtractionAttack
from reticent.errors import DataError, TargetError
from reticent.exhibit import Curved, Exhibit
from reticent.extraction import ExtractionScene
from reticent.extraction_trial import Copied, Likeness, copied, total_variation
from reticent.measure.estimate import Estimate, Withheld
from reticent.targets.function import FunctionTarget
from reticent.targets.sklearn import SklearnTarget

CLASSES = np.array(["no", "yes"])


@dataclass(frozen=True, kw_only=True)
class Retrain(ExtractionAttack):
    """Trains a logistic regression on what the model answers to more and more of the pool."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "this test"
    price: ClassVar[str] = "what is asked"
    stages: tuple[int, ...] = (20, 80, 320)

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        labels = np.zeros(0, np.int64)
        for size in self.stages:
            asked = scene.target.predict(scene.pool[len(labels) : size])
            labels = np.concatenate([labels, asked.labels])
            named = scene.target.classes[labels]
            yield SklearnTarget(
                LogisticRegression().fit(scene.pool[:size], named), classes=scene.target.classes
            )


class Throws(Retrain):
    """Has a fault."""

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        raise ZeroDivisionError


class Idle(Retrain):
    """Makes nothing."""

    def copies(self, scene: ExtractionScene) -> Iterator[Target]:
        yield from ()


class Scored(Retrain):
    """Needs scores."""

    needs: ClassVar[Access] = Access.SCORES


def halfspace(x: np.ndarray) -> np.ndarray:
    """P(yes) rises with the first column; the others say nothing."""
    return 1 / (1 + np.exp(-6 * x[:, 0]))


def people(count: int, seed: int, *, truth: bool = True) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(count, 3))
    labels = (x[:, 0] > 0) if truth else rng.random(count) < 0.5
    return x, CLASSES[labels.astype(int)]


def model(access: Access = Access.SCORES) -> FunctionTarget:
    if access == Access.LABELS:
        return FunctionTarget(lambda x: CLASSES[(halfspace(x) > 0.5).astype(int)], CLASSES, access)
    return FunctionTarget(halfspace, CLASSES, access)


def stolen(attack: ExtractionAttack, **options):
    given = {"own": people(400, 1, truth=False), "test": people(500, 2)} | options
    return rt.extract(given.pop("model", model()), attack, **given)


def test_a_copy_gets_better_with_queries_and_beats_the_model_trained_without():
    found = stolen(Retrain())
    evidence = found.finding.evidence
    assert isinstance(evidence, Copied)
    assert isinstance(evidence, Exhibit)
    assert isinstance(evidence, Curved)
    np.testing.assert_array_equal(evidence.queries, [20, 80, 320])
    assert found.finding.cost.queries == 320
    agreement, without = evidence.figure("agreement"), evidence.figure("agreement control")
    assert isinstance(agreement, Estimate)
    assert isinstance(without, Estimate)
    # The thief's own labels are coins: without the model nothing can be learnt
    assert agreement.low > 0.9 > 0.65 > without.high
    assert len(found.copies) == 3
    assert found.copy is found.copies[-1]
    fresh, _ = people(500, 3)
    same = found.copy.predict(fresh).labels == (halfspace(fresh) > 0.5)
    assert same.mean() == pytest.approx(agreement.value, abs=0.03)


def test_every_figure_is_counted_from_what_was_answered():
    found = stolen(Retrain())
    evidence, (x, y) = found.finding.evidence, people(500, 2)
    ours, theirs = found.copy.predict(x), model().predict(x)
    assert evidence.figure("agreement").value == np.mean(ours.labels == theirs.labels)
    assert evidence.figure("accuracy").value == np.mean(CLASSES[ours.labels] == y)
    assert evidence.figure("target accuracy").value == np.mean(CLASSES[theirs.labels] == y)
    apart = np.abs(np.exp(ours.log_scores[:, 1]) - halfspace(x))
    assert evidence.figure("variation").value == pytest.approx(apart.mean(), abs=1e-6)
    assert evidence.figure("agreement uniform").n == 2_000
    with pytest.raises(ValueError, match="no figure is called 'agreeable'"):
        evidence.figure("agreeable")


def test_the_table_names_the_control_and_leaves_out_what_labels_can_not_tell():
    rows = stolen(Retrain()).finding.evidence.beside()
    assert [r.worse for r in rows] == ["higher", "higher", "lower", "higher"]
    assert {r.control for r in rows} == {"a model trained on the thief's own records"}
    assert len(stolen(Retrain(), model=model(Access.LABELS)).finding.evidence.beside()) == 3


def test_a_model_that_answers_at_random_is_copied_by_nobody():
    rng = np.random.default_rng(0)
    coin = FunctionTarget(lambda x: CLASSES[rng.integers(2, size=len(x))], CLASSES, Access.LABELS)
    figure = stolen(Retrain(), model=coin, test=people(2000, 2)).finding.figure("agreement")
    assert figure.low < 0.5 < figure.high


def test_what_was_made_before_the_budget_was_spent_counts():
    found = stolen(Retrain(), budget=100)
    np.testing.assert_array_equal(found.finding.evidence.queries, [20, 80])
    assert found.finding.cost.queries == 80
    assert "240 more queries were needed and 20 of 100 are left" in found.finding.evidence.note()
    assert len(found.finding.evidence.curves()) == 1


def test_a_budget_that_does_not_reach_for_one_copy_is_refused():
    found = stolen(Retrain(), budget=10)
    assert found.finding.outcome == "refused"
    assert "20 more queries were needed" in found.finding.reason
    with pytest.raises(LookupError, match="retrain was refused"):
        _ = found.copy


def test_an_endpoint_that_fails_half_way_leaves_the_copies_made():
    asked = 0

    def tired(x: np.ndarray) -> np.ndarray:
        nonlocal asked
        asked += len(x)
        if asked > 2_500 + 100:  # the referee's questions, then a hundred more
            raise TargetError("the endpoint answered 429 five times; ask it more slowly")
        return halfspace(x)

    found = stolen(Retrain(), model=FunctionTarget(tired, CLASSES))
    np.testing.assert_array_equal(found.finding.evidence.queries, [20, 80])
    assert "answered 429" in found.finding.evidence.note()


@pytest.mark.parametrize(("attack", "why"), [(Throws(), "ZeroDivisionError"), (Idle(), "made no copy")])
def test_an_attack_at_fault_has_failed(attack, why):
    finding = stolen(attack).finding
    assert finding.outcome == "failed"
    assert why in finding.reason


def test_a_rung_that_is_not_granted_is_a_refusal():
    finding = stolen(Scored(), access=Access.LABELS).finding
    assert finding.outcome == "refused"
    assert finding.reason == "needs scores, and labels are granted"


def test_a_budget_of_nothing_is_refused():
    with pytest.raises(DataError, match="a budget of 0 queries was given"):
        stolen(Retrain(), budget=0)


def test_a_model_that_throws_on_the_test_records_is_said_so():
    def fails(x: np.ndarray) -> np.ndarray:
        raise KeyError("secret value")

    with pytest.raises(TargetError, match="the model threw on the test records") as caught:
        stolen(Retrain(), model=FunctionTarget(fails, CLASSES))
    assert "secret" not in str(caught.value)


def test_the_same_seed_gives_the_same_evidence():
    one, other = stolen(Retrain(), seed=5).finding.evidence, stolen(Retrain(), seed=5).finding.evidence
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name])


def test_what_is_kept_makes_the_same_evidence():
    evidence = stolen(Retrain(), budget=100).finding.evidence
    again = copied(evidence.arrays(), evidence.stopped)
    assert again.note() == evidence.note()
    assert again.beside() == evidence.beside()
    assert again.figure("target accuracy") == evidence.figure("target accuracy")


def test_few_records_withhold_the_figures():
    figure = stolen(Retrain(), test=people(20, 2)).finding.figure("agreement")
    assert isinstance(figure, Withheld)
    assert stolen(Retrain(), test=people(20, 2)).finding.evidence.curves() == ()


def test_total_variation_is_half_the_sum_of_differences():
    ours = Outputs.from_scores(np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]))
    theirs = Outputs.from_scores(np.array([[0.2, 0.5, 0.3], [0.0, 0.0, 1.0]]))
    np.testing.assert_allclose(total_variation(ours, theirs), [0.2, 1.0], atol=1e-6)
    assert np.isnan(total_variation(ours, Outputs.from_labels(np.zeros(2)))).all()


def test_agreement_has_an_interval_that_holds_the_truth():
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        agrees = rng.random(400) < 0.97
        likeness = Likeness(
            agrees=agrees, agrees_uniform=agrees, variation=rng.random(400) ** 2, right=agrees
        )
        evidence = Copied(queries=np.array([1]), copies=(likeness,), control=likeness, target_right=agrees)
        held += evidence.figure("agreement").low <= 0.97 <= evidence.figure("agreement").high
        variation = evidence.figure("variation")
        assert variation.low <= 1 / 3 <= variation.high
    assert held >= 186


def test_an_audit_has_its_model_copied_by_who_holds_the_population(tmp_path):
    x, y = people(600, 1)
    asked = {"members": (x[:300], y[:300]), "nonmembers": (x[300:], y[300:]), "cache": tmp_path}
    settings = rt.Settings(seed=3, population_share=0.5)
    fitted = LogisticRegression().fit(x[:300], y[:300])
    first = rt.audit(fitted, attacks=[Retrain(stages=(20, 100))], settings=settings, **asked)
    (finding,) = [f for f in first.findings if f.threat is rt.Threat.EXTRACTION]
    assert finding.figure("agreement").value > 0.9
    assert finding.cost.queries == 100
    again = rt.audit(fitted, attacks=[Retrain(stages=(20, 100))], settings=settings, **asked)
    (kept,) = [f for f in again.findings if f.threat is rt.Threat.EXTRACTION]
    assert kept.cost.seconds == finding.cost.seconds
    assert kept.evidence.beside() == finding.evidence.beside()


def test_an_audit_says_what_its_query_limit_does_not_reach_for(tmp_path):
    x, y = people(600, 1)
    audit = rt.audit(
        LogisticRegression().fit(x[:300], y[:300]),
        members=(x[:300], y[:300]),
        nonmembers=(x[300:], y[300:]),
        attacks=[Retrain()],
        settings=rt.Settings(query_limit=500),
        cache=tmp_path,
    )
    (finding,) = [f for f in audit.findings if f.threat is rt.Threat.EXTRACTION]
    assert finding.outcome == "refused"
    assert "more queries were needed" in finding.reason
