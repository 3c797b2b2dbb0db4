"""The trial of released weights: the referee keeps the truth, and every figure has its control."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import reticent as rt
from reticent.access import Access
from reticent.attacks.attack import WeightsAttack
from reticent.attacks.weights import InformedAdversary, KktReconstruction
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.open_model import Recovered

RNG = np.random.default_rng(0)
X = RNG.random((40, 12, 12))
UNSEEN = RNG.random((60, 12, 12))
Y = (X[:, 0, 0] > 0.5).astype(int)


@dataclass(frozen=True, kw_only=True)
class Leaks(WeightsAttack):
    """Gives back what the model, here a list of records, holds."""

    needs: ClassVar[Access] = Access.WEIGHTS
    source: ClassVar[str] = "none"

    def reconstruct(self, seen, seed):
        return Recovered(np.asarray(seen.model), np.zeros(len(seen.model), dtype=int), 0.0)


@dataclass(frozen=True, kw_only=True)
class Breaks(Leaks):
    """Throws."""

    def reconstruct(self, seen, seed):
        raise RuntimeError("broken")


def tried(model, attack, **options):
    (found,) = rt.read_weights(model, X, Y, [attack], unseen=UNSEEN, **options)
    return found


def test_an_informed_adversary_finds_hidden_records_that_the_nearest_known_one_does_not_show():
    model = LogisticRegression(solver="newton-cholesky", tol=1e-12).fit(X.reshape(40, -1), Y)
    flat = X.reshape(40, -1)
    (found,) = rt.read_weights(
        model, flat, Y, [InformedAdversary()], unseen=UNSEEN.reshape(60, -1), hidden=10
    )
    assert found.outcome == "measured"
    assert isinstance(found.exhibit, Exhibit)
    assert found.figure("recovered").value == found.figure("labels").value == 1
    assert found.figure("recovered control").value == 0
    assert found.figure("worst error").high < 1e-8 < found.figure("worst error control").low
    assert {len(a) for a in found.exhibit.arrays().values()} == {10}
    assert [b.worse for b in found.exhibit.beside()] == ["higher", "lower"]
    assert found.exhibit.strips() == ()


def test_the_nearest_known_record_is_the_control():
    model = LogisticRegression(solver="newton-cholesky", tol=1e-12).fit(X.reshape(40, -1), Y)
    found = tried_flat(model, hidden=40)
    flat = X.reshape(40, -1)
    span = max(X.max(), UNSEEN.max()) - min(X.min(), UNSEEN.min())
    slow = []
    for i in range(40):
        near = min((j for j in range(40) if j != i), key=lambda j: np.linalg.norm(flat[i] - flat[j]))
        slow.append(np.abs(flat[i] - flat[near]).max() / span)
    assert sorted(found.exhibit.arrays()["control"]) == pytest.approx(sorted(slow))


def tried_flat(model, **options):
    (found,) = rt.read_weights(
        model,
        X.reshape(40, -1),
        Y,
        [InformedAdversary()],
        unseen=UNSEEN.reshape(60, -1),
        **options,
    )
    return found


def test_a_model_that_holds_its_records_shows_them_and_the_control_does_not():
    found = tried(X, Leaks())
    assert found.figure("shown").value == found.figure("shown better").value == 1
    assert found.figure("shown control").high < 0.5
    (row,) = found.exhibit.beside()
    assert row.figure.low > row.without.high
    first, second, _ = found.exhibit.strips()
    assert np.array_equal(first.pictures, second.pictures)


def test_a_model_that_holds_other_records_shows_no_more_than_the_control():
    found = tried(np.random.default_rng(9).random((40, 12, 12)), Leaks())
    assert found.figure("shown").low <= found.figure("shown control").value
    assert found.figure("shown better").low < 0.5 < found.figure("shown better").high


def test_the_mean_is_added_before_pictures_are_compared():
    mean = X.mean(axis=0)
    (found,) = rt.read_weights(X - mean, X - mean, Y, [Leaks()], unseen=UNSEEN - mean, mean=mean)
    plain = tried(X, Leaks())
    assert found.exhibit.arrays()["control"] == pytest.approx(plain.exhibit.arrays()["control"])


def test_what_cannot_run_is_refused_or_failed_and_the_others_go_on():
    found = rt.read_weights(
        X, X, Y, [InformedAdversary(), KktReconstruction(), Breaks(), Leaks()], unseen=UNSEEN
    )
    assert [f.outcome for f in found] == ["refused", "refused", "failed", "measured"]
    assert "needs a fitted LogisticRegression" in found[0].reason
    assert "broken" in found[2].reason


def test_records_that_are_no_pictures_have_no_likeness():
    (found,) = rt.read_weights(X, X.reshape(40, -1), Y, [Leaks()], unseen=UNSEEN.reshape(60, -1))
    assert found.outcome == "refused"
    assert "grey pictures of at least 11 x 11" in found.reason


def test_few_records_give_no_figure():
    model = LogisticRegression(solver="newton-cholesky", tol=1e-12).fit(X.reshape(40, -1), Y)
    assert isinstance(tried_flat(model, hidden=3).figure("recovered"), Withheld)


def test_no_other_figure_has_a_name():
    with pytest.raises(ValueError, match="no figure is called"):
        tried(X, Leaks()).figure("auc")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"y": Y[:5]}, "40 records with 5 labels"),
        ({"unseen": UNSEEN[:, :5]}, "unseen ones alike"),
        ({"x": np.full_like(X, np.nan)}, "not finite"),
    ],
)
def test_bad_input_gets_a_sentence(changed, says):
    given = {"x": X, "y": Y, "unseen": UNSEEN, **changed}
    with pytest.raises(DataError, match=says):
        rt.read_weights(X, given["x"], given["y"], [Leaks()], unseen=given["unseen"])
