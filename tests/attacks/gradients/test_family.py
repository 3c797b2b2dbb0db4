"""Records read back from gradients: closed forms exact, smooth nets matched, controls not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from reticent import testing
from reticent.attacks import gradients
from reticent.attacks.gradients import AnalyticLinear, Dlg, Idlg, InvertingGradients
from reticent.attacks.gradients.labels import label_counts, single_label
from reticent.errors import ModelError, PlanError
from reticent.observation import observe


def smooth(seed, classes=4, size=5, hidden=40):
    torch.manual_seed(seed)
    net = nn.Sequential(
        nn.Flatten(), nn.Linear(size * size, hidden), nn.Sigmoid(), nn.Linear(hidden, classes)
    )
    for weights in net.parameters():
        nn.init.uniform_(weights, -0.5, 0.5)
    return net


def convolved(seed):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.Sigmoid(), nn.Flatten(), nn.Linear(6 * 36, 4))
    for weights in net.parameters():
        nn.init.uniform_(weights, -0.5, 0.5)
    return net


def record(seed, size=5):
    return np.random.default_rng(seed).random((1, 1, size, size))


def error(found, x):
    return float(np.square(found.records - x).mean())


def test_every_attack_in_the_folder_is_listed():
    listed = {getattr(gradients, name) for name in gradients.__all__ if name != "DEFAULT"}
    assert set(testing.leaves(gradients)) == listed == {type(a) for a in gradients.DEFAULT}


@pytest.mark.parametrize("attack", gradients.DEFAULT, ids=lambda a: a.name)
def test_it_says_what_it_is(attack):
    testing.says_what_it_is(attack)


@given(st.integers(0, 10_000), st.integers(2, 9))
@settings(derandomize=True, max_examples=40, deadline=None)
def test_the_label_of_one_record_is_always_told(seed, classes):
    label = seed % classes
    assert single_label(observe(smooth(seed, classes), record(seed), np.array([label]))) == label


@given(st.integers(0, 10_000), st.integers(1, 12))
@settings(derandomize=True, max_examples=30, deadline=None)
def test_counts_add_up_and_name_every_class_that_pulls(seed, batch):
    rng = np.random.default_rng(seed)
    x, y = rng.random((batch, 1, 5, 5)), rng.integers(0, 4, batch)
    seen = observe(smooth(seed), x, y)
    counts = label_counts(seen)
    assert counts.sum() == batch
    assert counts.min() >= 0
    assert (counts[seen.gradients[-1].numpy() < 0] > 0).all()


def test_counts_are_exact_where_the_mean_answer_is_known():
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 1, 5, 5)), rng.integers(0, 4, 32)
    net = smooth(0)
    with torch.no_grad():
        answer = net(torch.as_tensor(x, dtype=torch.float32)).softmax(1).mean(0).numpy()
    counts = label_counts(observe(net, x, y), answer + 1e-4)
    assert counts.tolist() == np.bincount(y, minlength=4).tolist()


@pytest.mark.parametrize("seed", range(5))
def test_a_first_linear_layer_hands_its_input_over(seed):
    x = record(seed)
    found = AnalyticLinear().reconstruct(observe(smooth(seed), x, np.array([1])), 0)
    np.testing.assert_allclose(found.records, x, atol=1e-5)
    assert found.labels.tolist() == [1]


@pytest.mark.parametrize(
    "attack", [Idlg(iterations=300), Dlg(iterations=600, starts=4)], ids=lambda a: a.title()
)
def test_a_smooth_net_shows_its_record(attack):
    hits = 0
    for seed in range(3):
        x = record(seed, 6)
        found = attack.reconstruct(observe(convolved(seed), x, np.array([2])), seed)
        hits += error(found, x) < 1e-4 and found.labels.tolist() == [2]
    assert hits >= 2


def test_the_direction_alone_shows_much_of_it():
    found = []
    for seed in range(2):
        x = record(seed, 6)
        attack = InvertingGradients(iterations=400, total_variation=0)
        made = attack.reconstruct(observe(convolved(seed), x, np.array([2])), 0)
        found.append(error(made, x) / float(np.square(x - 0.5).mean()))
        assert 0 <= made.records.min() <= made.records.max() <= 1
    assert np.mean(found) < 0.2  # of the error of a flat picture


@pytest.mark.parametrize(
    "attack", [Idlg(iterations=30), Dlg(iterations=30), InvertingGradients(iterations=30)]
)
def test_the_same_seed_gives_the_same_bits(attack):
    seen = observe(convolved(0), record(0, 6), np.array([1]))
    one, two, other = (attack.reconstruct(seen, seed).records for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_another_first_layer_is_a_sentence():
    seen = observe(convolved(0), record(0, 6), np.array([1]))
    with pytest.raises(ModelError, match="not fully connected"):
        AnalyticLinear().reconstruct(seen, 0)


def test_a_last_layer_without_bias_is_a_sentence():
    net = nn.Sequential(nn.Flatten(), nn.Linear(25, 4, bias=False))
    with pytest.raises(ModelError, match="no bias"):
        Idlg().reconstruct(observe(net, record(0), np.array([0])), 0)


@pytest.mark.parametrize(
    "make", [lambda: Dlg(starts=0), lambda: Idlg(iterations=0), lambda: InvertingGradients(step_size=0)]
)
def test_impossible_options_are_refused(make):
    with pytest.raises(PlanError):
        make()


@pytest.mark.parametrize(
    "attack", [Idlg(iterations=400), InvertingGradients(iterations=800)], ids=lambda a: a.title()
)
def test_a_record_is_found_behind_several_local_steps(attack):
    x, y = record(3, size=6), np.array([2])
    seen = observe(convolved(3), x, y, steps=4, step_size=0.01)
    assert error(attack.reconstruct(seen, 0), x) < (1e-8 if isinstance(attack, Idlg) else 1e-3)


def test_the_steps_are_retraced():
    x, y = record(3, size=6), np.array([2])
    seen = observe(convolved(3), x, y, steps=4, step_size=0.01)
    for_one = Idlg(iterations=400).reconstruct(replace(seen, steps=1), 0)
    assert error(for_one, x) > 1e-4
