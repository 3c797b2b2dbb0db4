"""iLRG: exact where the module answers all records of a class alike."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.attacks.gradients.labels import ilrg_counts, label_counts
from reticent.observation import observe


@pytest.mark.parametrize("trained", [False, True])
def test_alike_records_of_one_class_are_counted_exactly(perceptron, records, trained):
    """The closed form: of one class alone, the quotient is its input, and the answer to it the module's."""
    net = perceptron(trained_on=records(1, 300) if trained else None)
    for label in range(5):
        x = np.repeat(records(label, 1)[0], 7, axis=0)
        counts = ilrg_counts(observe(net, x, np.full(7, label)))
        np.testing.assert_array_equal(counts, 7 * np.eye(5)[label])


def test_batches_of_an_untrained_net_are_mostly_read(perceptron, records):
    right = 0
    for seed in range(20):
        x, y = records(seed, 5)
        right += np.array_equal(ilrg_counts(observe(perceptron(seed), x, y)), np.bincount(y, minlength=5))
    assert right >= 14


def test_a_bias_that_nothing_pulls_does_not_stop_it(perceptron, records):
    x, y = records(0, 4)
    seen = observe(perceptron(), x, y)
    for gradient in seen.gradients:
        gradient[...] = 0
    assert ilrg_counts(seen).sum() == 4


def test_it_needs_no_guess_at_the_mean_answer(perceptron, records):
    """A last bias that favours one class by far misleads who guesses the answer from a flat record."""
    shared = {"ilrg": 0.0, "flat": 0.0}
    for seed in range(10):
        net, (x, y) = perceptron(seed), records(seed, 5)
        net[0].bias.data += 1.0
        seen, truth = observe(net, 4 * x, y), np.bincount(y, minlength=5)
        shared["ilrg"] += np.minimum(ilrg_counts(seen), truth).sum() / 50
        shared["flat"] += np.minimum(label_counts(seen), truth).sum() / 50
    assert shared["ilrg"] > shared["flat"] + 0.05
