"""What defences of the answers promise, whatever the answers: found by walking the family."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reticent import defences as d
from reticent.access import Access, Outputs
from reticent.data import Records
from reticent.defences import outputs
from reticent.defences.defence import Calibration, OutputDefence
from reticent.defences.outputs.answering import OwnDraws, digests
from reticent.defences.outputs.exponential import ExponentialMechanism
from reticent.defences.outputs.hamp import random_inputs
from reticent.defences.outputs.memguard import Judge, undecided
from reticent.defences.outputs.noise import affordable
from reticent.errors import ModelError, PlanError, QueryLimit
from reticent.measure.accounting import gaussian_epsilon

EVERY = [getattr(outputs, name)() for name in outputs.__all__]
KEEP = [o for o in EVERY if o.keeps_label]
AGAIN = [o for o in EVERY if o.same_again]


class Given:
    """Answers with the scores it was given, whatever it is asked."""

    access, classes = Access.LOGITS, np.arange(4)

    def __init__(self, logits):
        self.logits = np.asarray(logits, dtype=np.float64)

    def predict(self, x):
        return Outputs.from_logits(self.logits[np.asarray(x)[:, 0].astype(int) % len(self.logits)])

    def fingerprint(self):
        return "given"


def calibration(target):
    rng = np.random.default_rng(0)
    x = rng.integers(0, 50, (80, 2)).astype(float)
    records = Records(x, np.zeros(80, int), target.classes)
    return Calibration(records, records)


@pytest.mark.parametrize("defence", EVERY, ids=str)
def test_every_leaf_says_what_it_is(defence):
    assert isinstance(defence, OutputDefence)
    assert defence.word and defence.source and defence.caveat
    assert getattr(d, defence.word) is type(defence)
    assert hash(defence) == hash(type(defence)())


@pytest.mark.parametrize("defence", KEEP, ids=str)
@given(st.lists(st.lists(st.floats(-30, 30), min_size=4, max_size=4), min_size=1, max_size=8))
@example([[-1.0, -1e-84, 0.0, 0.0]])  # a tie in the scores, none in the logits
@settings(max_examples=15, deadline=None)
def test_the_label_is_kept_where_that_is_promised(defence, logits):
    target = Given(logits)
    x = np.arange(len(logits), dtype=float)[:, None]
    asked = np.hstack([x, x])
    before = target.predict(asked)
    after = defence.wrap(target, calibration(target)).predict(asked)
    assert np.array_equal(after.labels, before.labels)
    if after.log_scores is not None and defence.word not in ("reverse_sigmoid",):
        own = after.log_scores[np.arange(len(x)), after.labels]
        assert np.all(own >= after.log_scores.max(axis=1) - 1e-9)


@pytest.mark.parametrize("defence", EVERY, ids=str)
def test_answers_are_answers(defence, target, calibration):
    wrapped = defence.wrap(target, calibration)
    assert wrapped.access <= min(defence.leaves, Access.SCORES)
    found = wrapped.predict(calibration.others.features[:50])
    assert found.logits is None
    assert (found.log_scores is None) == (wrapped.access == Access.LABELS)
    if found.log_scores is not None:
        assert found.log_scores.shape == (50, 5) and np.all(found.log_scores <= 1e-9)
        if defence.word != "round_scores":
            assert np.allclose(np.exp(found.log_scores).sum(axis=1), 1, atol=1e-5)
    assert wrapped.fingerprint() != target.fingerprint()


@pytest.mark.parametrize("defence", AGAIN, ids=str)
def test_asked_again_the_answer_is_the_same_where_that_is_promised(defence, target, calibration):
    wrapped = defence.wrap(target, calibration, seed=3)
    x = calibration.others.features[:40]
    first = wrapped.predict(x)
    order = np.random.default_rng(1).permutation(40)
    for again in (wrapped.predict(x), wrapped.predict(np.concatenate([x, x]))):
        assert np.array_equal(again.labels[:40], first.labels)
    shuffled = wrapped.predict(x[order])
    assert np.array_equal(shuffled.labels, first.labels[order])
    if first.log_scores is not None:
        assert np.allclose(shuffled.log_scores, first.log_scores[order])


def test_noise_wears_off_when_asked_again_unless_it_is_remembered(target):
    target.weights /= 10  # answers far from 0 and 1, where nothing is cut off
    x = np.random.default_rng(0).normal(size=(60, 6))
    true = np.exp(target.predict(x).log_scores)
    noisy = d.gaussian_noise(0.03).wrap(target)
    kept = d.memoise().wrap(d.gaussian_noise(0.03).wrap(target))

    def error(asked):
        return np.abs(np.mean([np.exp(asked.predict(x).log_scores) for _ in range(60)], axis=0) - true).mean()

    assert error(noisy) < 0.5 * error(kept)
    for frame in (pd.DataFrame(x), x.astype(np.float64)):
        assert np.array_equal(kept.predict(frame).labels, kept.predict(x).labels)


def test_what_is_remembered_is_not_asked_again_and_costs_no_budget(target):
    spent = d.exponential_mechanism(5.0, epsilon=50.0).wrap(target)
    kept = d.memoise(records=100).wrap(spent)
    x = np.random.default_rng(0).normal(size=(10, 6))
    for _ in range(5):
        kept.predict(x)
    assert target.asked == 10
    with pytest.raises(
        QueryLimit, match="1 more answers were asked for and the privacy budget pays for 0 of 10"
    ):
        kept.predict(x[:1] + 1)


def test_the_oldest_is_forgotten_first(target):
    kept = d.memoise(records=3).wrap(target)
    x = np.random.default_rng(0).normal(size=(4, 6))
    for row in x:
        kept.predict(row[None])
    kept.predict(x[3:])
    assert target.asked == 4
    kept.predict(x[:1])
    assert target.asked == 5


def test_the_budget_is_that_of_the_accountant():
    noise = d.gaussian_noise(20.0, epsilon=2.0, delta=1e-6)
    many = affordable(noise.spent, 2.0)
    assert gaussian_epsilon(20.0 / np.sqrt(2), many, 1e-6) <= 2.0
    assert gaussian_epsilon(20.0 / np.sqrt(2), many + 1, 1e-6) > 2.0
    assert d.laplace_noise(4.0).spent(1) == pytest.approx(0.5, abs=0.01)
    assert d.exponential_mechanism(3.0).spent(4) == 12.0


def test_a_budget_that_pays_for_no_answer_is_refused():
    with pytest.raises(PlanError, match="a single answer costs"):
        d.gaussian_noise(0.1, epsilon=0.1).wrap(Given([[0.0, 1, 2, 3]]))


def test_the_exponential_mechanism_draws_by_its_law():
    target = Given([np.log([0.6, 0.2, 0.1, 0.1])])
    labels = ExponentialMechanism(4.0).wrap(target).predict(np.zeros((40_000, 1))).labels
    expected = np.exp(2.0 * np.array([0.6, 0.2, 0.1, 0.1]))
    assert np.allclose(np.bincount(labels, minlength=4) / 40_000, expected / expected.sum(), atol=0.01)


def test_top_k_tells_k_and_evens_out_the_rest():
    target = Given([np.log([0.5, 0.3, 0.15, 0.05])])
    found = np.exp(d.top_k(2).wrap(target).predict(np.zeros((1, 1))).log_scores)
    assert np.allclose(found, [[0.5, 0.3, 0.1, 0.1]])


def test_temperature_can_be_undone():
    target = Given(np.random.default_rng(0).normal(size=(5, 4)))
    x = np.arange(5.0)[:, None]
    tempered = d.temperature(3.0).wrap(target).predict(x).log_scores * 3
    tempered -= np.log(np.exp(tempered).sum(axis=1, keepdims=True))
    assert np.allclose(tempered, target.predict(x).log_scores)


def test_rounding_is_not_undone_by_scaling():
    target = Given(np.random.default_rng(0).normal(size=(50, 4)))
    scores = np.exp(d.round_scores(1).wrap(target).predict(np.arange(50.0)[:, None]).log_scores)
    assert np.allclose(scores, np.round(scores, 1), atol=1e-6)


def test_hamp_lends_the_scores_of_a_random_input_in_the_records_own_order(target, calibration):
    x = calibration.members.features[:100]
    before, after = target.predict(x), d.hamp_answers().wrap(target, calibration).predict(x)
    apart = before.log_scores.min(axis=1) > np.log(1e-6)
    order = before.log_scores[apart].argsort(axis=1)
    assert apart.sum() > 20
    assert np.all(np.diff(np.take_along_axis(after.log_scores[apart], order, axis=1), axis=1) >= 0)
    assert not np.allclose(before.log_scores, after.log_scores)


def test_random_inputs_stay_where_the_columns_are():
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (50, 4)).astype(np.float32)
    assert set(np.unique(random_inputs(bits, 200, rng))) == {0.0, 1.0}
    pictures = rng.integers(0, 256, (20, 3, 3)).astype(np.uint8)
    assert random_inputs(pictures, 30, rng).shape == (30, 3, 3)
    table = pd.DataFrame({"age": rng.normal(40, 9, 90), "town": pd.Categorical(rng.choice(["a", "b"], 90))})
    found = random_inputs(table, 60, rng)
    assert found["age"].between(table["age"].min(), table["age"].max()).all()
    assert set(found["town"]) == {"a", "b"} and found["town"].dtype == table["town"].dtype


def test_memguard_leaves_its_judge_undecided_within_its_budget(target, calibration):
    inside, outside = (
        np.exp(target.predict(r.features).log_scores) for r in (calibration.members, calibration.others)
    )
    judge = Judge.trained(inside, outside, (32, 16), 0)
    both = np.concatenate([inside, outside])
    moved = undecided(judge, both, both.argmax(axis=1))
    assert np.array_equal(moved.argmax(axis=1), both.argmax(axis=1))
    before, after = np.abs(judge.probability(both) - 0.5), np.abs(judge.probability(moved) - 0.5)
    assert np.mean(after < 0.1) > 0.95 > np.mean(before < 0.1) + 0.1
    for budget in (0.0, 0.05, 0.3):
        answered = d.memguard(budget).wrap(target, calibration).predict(calibration.members.features)
        mean = np.abs(np.exp(answered.log_scores) - inside).sum(axis=1).mean()
        assert mean <= budget * 1.3 + 1e-4


def test_memguards_gradient_is_that_of_its_judge(target, calibration):
    inside, outside = (
        np.exp(target.predict(r.features).log_scores) for r in (calibration.members, calibration.others)
    )
    judge = Judge.trained(inside, outside, (8, 4), 0)
    logs = np.log(inside[:20])
    _, gradient = judge.logit_and_gradient(logs)
    step = 1e-6
    for column in range(logs.shape[1]):
        there = logs.copy()
        there[:, column] += step
        slope = (judge.logit_and_gradient(there)[0] - judge.logit_and_gradient(logs)[0]) / step
        assert np.mean(np.abs(slope - gradient[:, column]) < 1e-3) > 0.9  # but for kinks


@pytest.mark.parametrize("word", ["memguard", "hamp_answers"])
def test_what_is_fitted_needs_records(word, target):
    with pytest.raises(PlanError, match="records that no model is trained on"):
        getattr(d, word)().wrap(target)


def test_draws_belong_to_the_record_and_the_key(calibration):
    x = calibration.others.features
    mine, theirs = OwnDraws.of(1, "a"), OwnDraws.of(2, "a")
    assert np.array_equal(mine.uniform(x, 3), mine.uniform(x, 3))
    assert abs(np.corrcoef(mine.uniform(x)[:, 0], theirs.uniform(x)[:, 0])[0, 1]) < 0.2
    spread = mine.uniform(np.arange(20_000.0)[:, None], 2)
    assert np.allclose(spread.mean(axis=0), 0.5, atol=0.01) and np.allclose(
        spread.var(axis=0), 1 / 12, atol=0.005
    )
    assert abs(np.corrcoef(spread.T)[0, 1]) < 0.03


def test_equal_records_have_equal_hashes_whatever_type_holds_them():
    key = b"k" * 32
    whole = np.array([[1, 0], [2, 3]])
    assert np.array_equal(digests(whole, key), digests(whole.astype(float), key))
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert np.array_equal(digests(table, key), digests(table.astype({"a": float}), key))
    assert len(np.unique(digests(table, key))) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: d.top_k(0),
        lambda: d.round_scores(-1),
        lambda: d.temperature(0),
        lambda: d.gaussian_noise(-1.0),
        lambda: d.gaussian_noise(1.0, epsilon=0.0),
        lambda: d.laplace_noise(1.0, delta=1.0),
        lambda: d.exponential_mechanism(0),
        lambda: d.exponential_mechanism(5.0, epsilon=1.0),
        lambda: d.memguard(3.0),
        lambda: d.memguard(hidden=()),
        lambda: d.memoise(0),
        lambda: d.hamp_answers(0),
        lambda: d.reverse_sigmoid(2.0),
    ],
)
def test_options_out_of_range_are_told_in_a_sentence(wrong):
    with pytest.raises(PlanError, match=r"was given .*; give"):
        wrong()


def test_labels_where_scores_are_needed_are_told(target):
    with pytest.raises(ModelError):
        d.memguard().wrap(d.labels_only().wrap(target))
