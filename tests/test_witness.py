"""Trainings that are watched: what they showed of the last record, and what twins under one seed show."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from reticent.access import Metered
from reticent.claim import Account, Recorder
from reticent.errors import ModelError, PlanError
from reticent.faulty import PrivateSgd
from reticent.measure.accounting import Sampled
from reticent.outlier import Crowd
from reticent.witness import Shown, Tells, Totals, Twins, Watched, WatchedRecipe, Witness, released

PLANTED = Crowd(records=20, columns=3).planted()
EVERY = np.ones(len(PLANTED), dtype=bool)


def tells(steps, updates=3, weights=3):
    return Tells(steps=steps, of_updates=np.eye(updates)[0], of_weights=np.eye(weights)[0])


@given(st.integers(1, 6), st.integers(2, 30), st.integers(0, 5), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_twins_share_a_seed_and_all_records_but_one(pairs, records, seed, series):
    twins = Twins(pairs=pairs, seed=seed, series=series)
    masks, seeds = twins.masks(records), twins.seeds()
    assert len(masks) == len(seeds) == twins.trainings == 2 * pairs
    assert (masks.sum(axis=1) == records - 1).all()
    assert masks[0::2, -1].all() and masks[1::2, -2].all()
    assert seeds[0::2] == seeds[1::2] and len(set(seeds)) == pairs


def test_another_series_has_other_seeds():
    assert not {*Twins(pairs=8).seeds()} & {*Twins(pairs=8, series=1).seeds()}


def test_what_twins_show_in_closed_form():
    """An outlier that adds 2 to half of the steps, in noise of 3."""
    rng = np.random.default_rng(0)
    bare = rng.normal(scale=3.0, size=(400, 50))
    pulls = 2.0 * (np.arange(50) % 2) * np.ones((400, 1))
    shown = Shown(np.stack([bare + pulls, bare], axis=1).reshape(800, 50))
    assert shown.pulls == pytest.approx(pulls)
    assert shown.noise == pytest.approx(3.0, rel=0.02)
    assert shown.clearness == pytest.approx(2 / 9, rel=0.04)
    strength, error = shown.strength(Account((Sampled(1.5, 0.5, 50),)))
    assert strength == pytest.approx(1, rel=0.02)  # what is clipped at 2 in noise of 1.5 times as much
    assert error == pytest.approx(0, abs=1e-9)


def test_a_training_shows_what_it_did():
    train = PrivateSgd(noise=1.0, steps=6)
    found: Any = Watched(train).fit(PLANTED, 3)
    recorder = Recorder()
    model = train(np.asarray(PLANTED.features), PLANTED.labels, seed=3, record=recorder)
    assert (found.updates == np.stack(recorder.updates)).all() and (found.weights == model.coef_[0]).all()
    odds = model.predict_proba(np.asarray(PLANTED.features)[-1:])[0]
    assert found.margin(PLANTED) == pytest.approx(np.log(odds[1] / odds[0]), abs=1e-4)
    seen = tells(6).ask_trained(found, PLANTED, EVERY, 3)[0, :, 0]
    assert seen[1] == pytest.approx(model.coef_[0, 0], abs=1e-6)
    assert seen[2:] == pytest.approx(found.updates[:, 0], abs=1e-6)
    totals = Totals(updates=3, weights=3).ask_trained(found, PLANTED, EVERY, 3)[0]
    assert totals[0] == pytest.approx(found.updates.sum(axis=0), abs=1e-5)
    assert totals[1] == pytest.approx(model.coef_[0], abs=1e-6)


def test_weights_alone_show_no_margin():
    found: Any = Watched(lambda x, y, seed: np.arange(3.0)).fit(PLANTED, 0)
    assert np.isnan(found.margin(PLANTED)) and found.updates is None
    seen = tells(0).ask_trained(found, PLANTED, EVERY, 0)[0, :, 0]
    assert np.isnan(seen[0]) and seen[1] == 0 and seen.size == 2
    with pytest.raises(ModelError, match="give a model"):
        found.predict(PLANTED.features)


def test_a_number_of_steps_that_gives_the_record_away_stops_the_trial():
    found = Watched(PrivateSgd(noise=1.0, steps=6)).fit(PLANTED, 0)
    with pytest.raises(PlanError, match="gives the record away"):
        tells(5).ask_trained(found, PLANTED, EVERY, 0)


def test_what_a_training_showed_cannot_be_asked_of_a_model_that_serves():
    question = tells(0)
    assert question.queries(5) == 0 and question.part == slice(-1, None)
    target: Any = Watched(lambda x, y, seed: np.zeros(3)).fit(PLANTED, 0)
    with pytest.raises(ModelError, match="a model that serves"):
        question.ask(Metered(target), PLANTED)


@pytest.mark.parametrize(
    "train",
    [
        lambda x: x,
        lambda x, y: x,
        lambda x, y, seed, more: x,
        lambda *, x, y, seed, record, more: x,
    ],
)
def test_functions_of_other_arguments_are_refused(train):
    with pytest.raises(PlanError, match="write it as"):
        Watched(train)


def test_every_way_to_take_a_seed_and_a_recorder_will_do():
    def by_name(x, y, *, seed, record):
        record.step(np.full(2, seed))
        return np.zeros(1)

    def by_place(x, y, s, record, width=3):
        record.step(np.full(2, s))
        return np.zeros(1)

    for train in (by_name, by_place):
        found: Any = Watched(train).fit(PLANTED, 5)
        assert found.updates.tolist() == [[5, 5]]


def test_what_a_training_throws_is_told_with_what_it_was_given():
    def train(x, y, seed):
        raise ValueError("too wide")

    with pytest.raises(ModelError, match=r"threw on 21 records of shape \(3,\).*too wide"):
        Watched(train).fit(PLANTED, 0)


def test_updates_of_several_sizes_are_refused():
    recorder = Recorder()
    recorder.step(np.ones(2))
    recorder.step(np.ones(3))
    with pytest.raises(ModelError, match="several sizes"):
        Witness(None, PLANTED.classes, None, recorder)


def test_code_and_options_name_a_training():
    names = {Watched(PrivateSgd(noise=n)).fingerprint() for n in (1.0, 2.0)}
    assert len(names) == 2
    assert Watched(PrivateSgd(noise=1.0)).fingerprint() in names


def test_weights_are_found_in_models_of_several_kinds():
    torch = pytest.importorskip("torch")
    linear = LogisticRegression().fit(np.eye(4), [0, 0, 1, 1])
    weights = released(linear)
    assert weights is not None and (weights == np.r_[linear.coef_[0], linear.intercept_]).all()
    module = torch.nn.Linear(2, 1)
    assert released(module) == pytest.approx([*module.weight.tolist()[0], *module.bias.tolist()])
    assert released(object()) is None


def test_a_recipes_models_show_answers_and_weights():
    torch = pytest.importorskip("torch")
    from reticent.defences import dp_sgd
    from reticent.shadows.batched import Training
    from reticent.targets.torch import TorchRecipe

    plain = TorchRecipe(
        module=partial(torch.nn.Linear, 3, 2, bias=False),
        training=Training(epochs=1, batch_size=10, learning_rate=0.1),
    )
    recipe = WatchedRecipe(dp_sgd(noise=1.0).harden(plain))
    found: Any = recipe.fit(PLANTED, 0)
    assert found.weights.shape == (6,) and found.updates is None
    assert np.isfinite(found.margin(PLANTED))
    assert recipe.fingerprint() != recipe.recipe.fingerprint() and recipe.device == "cpu"
    masks = np.ones((2, len(PLANTED)), dtype=bool)
    both: list[Any] = list(recipe.fit_many(PLANTED, masks, [0, 1]))
    assert both[0].weights == pytest.approx(found.weights) and (both[1].weights != found.weights).any()
