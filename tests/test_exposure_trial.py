"""Exposure: exact ranks, sampled ones, canaries that were planted and that were not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.attack import CanaryAttack
from reticent.attacks.memorisation import Enumeration, SampledExposure, ShortestPath
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.exposure_trial import sampled
from reticent.measure.estimate import Withheld
from reticent.planted import canaries
from reticent.recitation import Filling

FORM = "code {digits:3}."
BITS = np.log2(1000)
PLANTED = canaries(FORM, (5, 1), each=8)
EXACT = ShortestPath(), Enumeration()


@dataclass(frozen=True, kw_only=True)
class Lists(CanaryAttack):
    """Lists sentences as it is told to: all alike, or by their number."""

    needs: ClassVar[Access] = Access.LABELS
    source: ClassVar[str] = "made up"
    ordered: ClassVar[bool] = True
    alike: bool = False

    def fillings(self, scene):
        return (Filling(s, 0.0 if self.alike else -float(i)) for i, s in enumerate(scene.form.all()))


@dataclass(frozen=True, kw_only=True)
class NoModel(Lists):
    """Lists sentences in an order of its own."""

    def fillings(self, scene):
        order = np.random.default_rng(0).permutation(scene.form.all())
        return (Filling(str(s), -float(i)) for i, s in enumerate(order))


class Silent:
    """A model that is never asked."""

    access, vocabulary, longest = Access.LABELS, 0, 0


@pytest.fixture(scope="module")
def taught(remembers):
    return remembers([c.sentence for c in PLANTED for _ in range(c.times)] + ["code is law"] * 3)


@pytest.mark.parametrize("attack", EXACT, ids=lambda a: a.name)
def test_planted_sentences_are_exposed_and_others_are_not(attack, taught):
    (found,) = rt.expose(taught, PLANTED, attacks=[attack])
    assert found.outcome == "measured"
    assert isinstance(found.evidence, Exhibit)
    often, control = found.figure("exposure, 5 times"), found.figure("control")
    assert often.low > 6.5
    assert control.high < 4
    np.testing.assert_allclose(found.evidence.exposure[found.evidence.times == 5], BITS)
    assert found.figure("first").low > 0.5 > found.figure("first control").value
    assert [b.what.split(",")[1] for b in found.exhibit.beside()[:2]] == [" 5 times", " 1 time"]
    assert all(b.without == control for b in found.exhibit.beside()[:3])
    assert {len(a) for a in found.exhibit.arrays().values()} == {36}
    assert found.exhibit.strips() == ()
    assert "16 canaries were planted and 20 were not" in found.exhibit.note()


def test_both_ways_of_an_exact_rank_agree_with_one_by_hand(taught):
    path, listed = rt.expose(taught, PLANTED, attacks=EXACT)
    np.testing.assert_allclose(path.evidence.exposure, listed.evidence.exposure)
    texts = PLANTED[0].form.all()
    own = dict(
        zip(texts, (f.sum() for f in taught.log_probs([taught.encode(t) for t in texts])), strict=True)
    )
    never = np.array([v for text, v in own.items() if text not in {c.sentence for c in PLANTED}])
    for canary, exposure in zip(PLANTED, path.evidence.exposure, strict=False):
        ties = np.abs(never - own[canary.sentence]) < 1e-6
        rank = 1 + ((never > own[canary.sentence]) & ~ties).sum() + ties.sum() / 2
        assert exposure == pytest.approx(BITS - np.log2(rank))


def test_ranks_that_chance_draws_have_a_median_of_one_bit():
    medians = []
    for seed in range(20):
        (found,) = rt.expose(Silent(), PLANTED, attacks=[NoModel()], controls=40, seed=seed)
        medians.append(found.figure("control").value)
    assert np.mean(medians) == pytest.approx(1, abs=0.2)


def test_sentences_that_are_all_alike_have_a_rank_in_the_middle():
    (found,) = rt.expose(Silent(), PLANTED, attacks=[Lists(alike=True)])
    np.testing.assert_allclose(found.evidence.exposure[16:], BITS - np.log2(1 + 983 / 2))
    np.testing.assert_allclose(found.evidence.exposure[:16], BITS - np.log2(1 + 984 / 2))
    assert found.figure("first").value == 0


def test_a_rank_is_the_place_in_the_list():
    (found,) = rt.expose(Silent(), PLANTED, attacks=[Lists()])
    numbers = np.array([int(c.sentence[5:8]) for c in PLANTED])
    places = [n - (numbers < n).sum() + 1 for n in numbers]
    np.testing.assert_allclose(found.evidence.exposure[:16], BITS - np.log2(places))


def test_beyond_the_list_only_so_much_is_known(taught):
    (found,) = rt.expose(taught, PLANTED, attacks=[ShortestPath(most=20)])
    evidence = found.evidence
    late = evidence.low < evidence.high
    assert late[evidence.times == 0].sum() >= 16
    assert not late[evidence.times > 0].any()
    np.testing.assert_allclose(evidence.low[late], 0)
    np.testing.assert_allclose(evidence.high[late], BITS - np.log2(20 - 16 + 1))
    assert (evidence.low <= evidence.exposure).all()
    assert (evidence.exposure <= evidence.high).all()


@pytest.mark.parametrize("share", [0.5, 0.1, 0.004])
def test_sampled_intervals_hold_as_often_as_they_say(share):
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        _, low, high = sampled(rng.random(500), 1 - share, 30.0)
        held += low <= -np.log2(share) <= high
    assert held >= 0.93 * 300


def test_sampled_exposure_agrees_with_the_exact_one_within_its_interval(taught):
    exact, drawn = rt.expose(taught, PLANTED, attacks=[Enumeration(), SampledExposure(draws=3000)])
    inside = (drawn.evidence.low <= exact.evidence.exposure + 0.2) & (
        exact.evidence.exposure <= drawn.evidence.high + 0.2
    )
    assert inside.mean() >= 0.9
    assert isinstance(drawn.figure("first"), Withheld)


def test_beyond_the_draws_a_normal_law_is_followed():
    drawn = np.random.default_rng(0).normal(size=4000)
    value, low, high = sampled(drawn, 4.0, 30.0)
    assert value == pytest.approx(-np.log2(3.17e-5), abs=1.5)
    assert low < value <= high == 30
    assert sampled(np.zeros(50), -1.0, 10.0)[0] == 0


def test_too_few_canaries_have_no_median(taught):
    (found,) = rt.expose(taught, PLANTED[:3], attacks=[Enumeration()])
    assert isinstance(found.figure("exposure"), Withheld)
    assert isinstance(found.figure("first").value, float)
    with pytest.raises(ValueError, match="no figure is called 'exposure, 3 times'"):
        found.figure("exposure, 3 times")


def test_what_cannot_be_run_says_why_and_the_others_go_on(remembers, taught):
    blunt = remembers([], access=Access.LABELS)
    (found,) = rt.expose(blunt, PLANTED)
    assert (found.outcome, "log-probabilities of tokens are needed" in found.reason) == ("refused", True)
    path, listed = rt.expose(taught, PLANTED, attacks=EXACT, access=Access.SCORES)
    assert (path.outcome, listed.outcome) == ("refused", "measured")
    (spent,) = rt.expose(taught, PLANTED, attacks=[Enumeration()], limit=10)
    assert "raise the query limit" in spent.reason
    (small,) = rt.expose(taught, PLANTED, attacks=[Enumeration(most=10)])
    assert "1,000 sentences and most = 10" in small.reason
    (part,) = rt.expose(taught, PLANTED, attacks=[ShortestPath()], limit=300)
    assert part.outcome == "measured"


def test_bad_canaries_are_a_sentence(taught):
    with pytest.raises(DataError, match="no canaries were given"):
        rt.expose(taught, [])
    with pytest.raises(DataError, match="controls = 0"):
        rt.expose(taught, PLANTED, controls=0)
    with pytest.raises(DataError, match="give a form with more places"):
        rt.expose(taught, PLANTED, controls=500)
