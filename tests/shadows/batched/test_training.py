import math
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.errors import PlanError
from reticent.shadows.batched.training import Training, orders, rounds


def walk(sizes, batch_size, pad, least):
    """The positions that each model takes, step by step."""
    taken = [[] for _ in sizes]
    for models, span, counts in rounds(sizes, batch_size, pad=pad, least=least):
        for place, model in enumerate(range(models.start, models.stop)):
            count = span.stop - span.start if counts is None else int(counts[place])
            assert count <= span.stop - span.start
            taken[model].append(list(range(span.start, span.start + count)))
    return taken


@settings(derandomize=True, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6).map(lambda s: sorted(s, reverse=True)),
    batch_size=st.integers(1, 12),
    pad=st.booleans(),
)
def test_each_model_takes_the_batches_of_a_data_loader(sizes, batch_size, pad):
    for size, steps in zip(sizes, walk(sizes, batch_size, pad, 1), strict=True):
        assert steps == [list(range(size))[i : i + batch_size] for i in range(0, size, batch_size)]


@settings(derandomize=True, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6).map(lambda s: sorted(s, reverse=True)),
    batch_size=st.integers(2, 12),
)
def test_a_single_record_left_over_joins_the_batch_before(sizes, batch_size):
    for size, steps in zip(sizes, walk(sizes, batch_size, False, 2), strict=True):
        assert list(chain(*steps)) == list(range(size))
        assert size == 1 or all(2 <= len(step) <= batch_size + 1 for step in steps)


def test_models_of_equal_size_are_never_parted_or_padded():
    assert all(counts is None for _, _, counts in rounds([30, 30, 30], 8, pad=True))
    assert [models for models, _, _ in rounds([30, 30, 30], 8, pad=False)] == [slice(0, 3)] * 4


def test_orders_are_fresh_shuffles_of_the_models_own_records():
    records = np.array([3, 5, 8, 13, 21, 34])
    shuffles = orders(records, seed=7)
    first, second = next(shuffles), next(shuffles)
    assert sorted(first) == sorted(second) == records.tolist()
    assert first.tolist() != second.tolist()
    assert next(orders(records, seed=7)).tolist() == first.tolist()
    assert next(orders(records, seed=8)).tolist() != first.tolist()


def test_the_cosine_falls_from_the_rate_to_nothing():
    training = Training(epochs=10, batch_size=1, learning_rate=0.4, schedule="cosine")
    rates = [training.rate(epoch) for epoch in range(11)]
    assert rates[0] == 0.4
    assert rates[5] == pytest.approx(0.2)
    assert rates[10] == pytest.approx(0, abs=1e-12)
    assert rates[3] == pytest.approx(0.2 * (1 + math.cos(0.3 * math.pi)))
    assert Training(epochs=10, batch_size=1, learning_rate=0.4).rate(9) == 0.4


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"learning_rate": 0.0},
        {"learning_rate": float("nan")},
        {"momentum": 1.0},
        {"weight_decay": -0.1},
        {"optimiser": "lion"},
        {"schedule": "step"},
    ],
)
def test_options_that_make_no_sense_are_refused(wrong):
    with pytest.raises(PlanError):
        Training(**({"epochs": 1, "batch_size": 8, "learning_rate": 0.1} | wrong))
