"""One recipe, many models: each depends on its own records and seed alone."""

from __future__ import annotations

import numpy as np
import pytest

from reticent.data import Records
from reticent.recipe import OneByOne

DATA = Records(np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1]), np.array([0, 1]))
MASKS = np.array([[True, True, False, False], [False, True, True, True]])


class Noting(OneByOne):
    def fit(self, data, seed):
        return data.features[:, 0].tolist(), seed


def test_each_model_has_its_own_records_and_seed():
    assert list(Noting().fit_many(DATA, MASKS, [5, 6])) == [([0, 2], 5), ([2, 4, 6], 6)]
    assert list(Noting().fit_many(DATA, MASKS[1:], [6])) == [([2, 4, 6], 6)]


def test_models_are_trained_when_they_are_asked_for():
    class Failing(OneByOne):
        def fit(self, data, seed):
            return 1 / seed

    models = Failing().fit_many(DATA, MASKS, [1, 0])
    assert next(models) == 1
    with pytest.raises(ZeroDivisionError):
        next(models)


def test_a_seed_too_few_is_an_error():
    with pytest.raises(ValueError, match="shorter"):
        list(Noting().fit_many(DATA, MASKS, [5]))
