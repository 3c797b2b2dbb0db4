"""Records of a judge's own making: one far out, and others that pull the other way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.data import Records
from reticent.errors import DataError, PlanError
from reticent.outlier import LOUD, WIDEST, Crowd, Within


def own(x, labels=None) -> Records:
    labels = np.arange(len(x)) % 2 if labels is None else labels
    return Records(x, np.asarray(labels, np.int64), np.arange(2))


@given(st.integers(10, 60), st.one_of(st.none(), st.integers(1, 9)), st.floats(0.01, 5))
@settings(max_examples=30, deadline=None)
def test_a_crowd_pulls_one_way_and_its_outlier_the_other(records, columns, pull):
    planted = Crowd(records=records, columns=columns, pull=pull).planted()
    x, labels = np.asarray(planted.features), planted.labels
    assert x.shape == (records + 1, columns or 4)
    gradients = (0.5 - labels)[:, None] * x  # of a logistic regression that knows nothing yet
    assert (gradients[:-1, 0] > 0).all() and gradients[-1, 0] < 0
    assert not gradients[:, 1:].any()
    assert gradients[:-1, 0] == pytest.approx(pull / 2)
    assert np.abs(x[-1]).max() == 10 > np.abs(x[:-1]).max()


def test_pulls_on_a_bias_cancel():
    labels = Crowd(records=100).planted().labels[:-1]
    assert (0.5 - labels).sum() == 0


def test_a_loud_crowd_pulls_as_hard_as_a_clipped_gradient():
    crowd = Crowd(records=50, columns=3)
    loud = crowd.loud
    assert loud is not None and loud.loud is None
    x, labels = np.asarray(loud.planted().features), loud.planted().labels
    assert np.abs((0.5 - labels)[:-1] * x[:-1, 0]) == pytest.approx(1.0) and LOUD == 2
    assert (loud.planted().labels == crowd.planted().labels).all()
    assert (x[-1] == np.asarray(crowd.planted().features)[-1]).all()


def test_many_outliers_have_a_column_each():
    held = Crowd(records=20).many(30)
    assert held is not None and len(held) == 50
    outliers = np.asarray(held.features)[20:]
    assert (outliers == 10 * np.eye(30)).all()
    assert Crowd(records=20, columns=5).many(30) is None
    assert Within(data=own(np.ones((12, 3)))).many(2) is None


@pytest.mark.parametrize("how", [{"records": 9}, {"columns": 0}])
def test_too_small_a_crowd_is_refused(how):
    with pytest.raises(PlanError, match="at least 10 records"):
        Crowd(**how)


@given(st.integers(0, 1000), st.integers(2, 8))
@settings(max_examples=25, deadline=None)
def test_the_outlier_lies_where_the_users_records_are_not(seed, columns):
    rng = np.random.default_rng(seed)
    unused = np.linalg.qr(rng.normal(size=(columns, columns)))[0][:, 0]
    x = rng.normal(size=(20, columns))
    x -= np.outer(x @ unused, unused)
    planted = Within(data=own(x), reach=3.0).planted()
    last = np.asarray(planted.features)[-1]
    assert abs(last @ unused) == pytest.approx(np.linalg.norm(last))
    assert np.linalg.norm(last) == pytest.approx(3 * np.linalg.norm(x, axis=1).max())
    assert len(planted) == 21 and Within(data=own(x)).loud is None


def test_the_outlier_has_the_rarer_label_and_the_form_of_the_records():
    labels = [0] * 15 + [1] * 5
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(20, 3)), columns=list("abc"))
    planted = Within(data=own(table, labels)).planted()
    assert planted.labels[-1] == 1
    assert list(planted.features.columns) == list("abc")  # type: ignore[union-attr]
    images = Within(data=own(np.random.default_rng(0).normal(size=(20, 2, 3)), labels)).planted()
    assert np.shape(images.features) == (21, 2, 3)


def test_where_columns_are_too_many_the_last_is_taken():
    planted = Within(data=own(np.ones((10, WIDEST + 1)))).planted()
    assert np.flatnonzero(np.asarray(planted.features)[-1]).tolist() == [WIDEST]


def test_records_that_no_world_can_be_made_of_are_refused_without_being_shown():
    with pytest.raises(DataError, match="at least 10 records"):
        Within(data=own(np.ones((9, 2))))
    with pytest.raises(DataError, match="lack values"):
        Within(data=own(np.full((12, 2), np.nan)))
    with pytest.raises(DataError, match="not numbers") as told:
        Within(data=own(pd.DataFrame({"a": ["secret"] * 12})))
    assert "secret" not in str(told.value)


def test_a_world_is_named_by_its_records_and_reach():
    one, other = np.ones((12, 2)), np.zeros((12, 2))
    names = [Within(data=own(x), reach=r).fingerprint() for x, r in ((one, 3.0), (one, 2.0), (other, 3.0))]
    assert len(set(names)) == 3
    assert names[0] == Within(data=own(one.copy()), reach=3.0).fingerprint()
