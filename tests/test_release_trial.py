"""A release on trial: a copy gives everybody away, a stranger's table nobody, and the truth stays here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.attacks import release as family
from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.release import ExactCopies, InferenceRisk, Linkability, SinglingOut
from reticent.errors import DataError, PlanError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.progress import Quiet
from reticent.release import Found, Knows, ReleaseScene, Values
from reticent.release_trial import Successes

HALVES = (("age", "town"), ("pay", "ill"))
RISKS = (SinglingOut(columns=3), Linkability(), InferenceRisk())


def people(rows, seed):
    """People whom numbers tell apart, some of whose cells are missing."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": rng.normal(size=rows),
            "town": rng.choice(["Graz", "Linz", "Wels"], rows),
            "pay": rng.normal(size=rows),
            "ill": rng.choice(["yes", "no"], rows),
        }
    )
    return table.mask(rng.random(table.shape) < 0.03)


def tried(release, original, control, attacks=RISKS, **options):
    options = {"secrets": ["ill"], "halves": HALVES, "guesses": 100, **options}
    return rt.audit_release(release, original, control, attacks, **options)


def outcomes(successes, trials):
    return np.arange(trials) < successes


@dataclass(frozen=True, kw_only=True)
class Spy(ReleaseAttack):
    """Keeps what it was handed, and says that everybody is in the release."""

    knows: ClassVar[Knows] = Knows.ALL
    source: ClassVar[str] = "test"
    seen: ClassVar[list[ReleaseScene]] = []

    def guess(self, scene):
        self.seen.append(scene)
        rows = len(scene.people[0]) if scene.people else 0
        return Values(np.zeros(rows)) if scene.secret else Found(np.ones(rows, dtype=bool))


@dataclass(frozen=True, kw_only=True)
class SpyOnRest(Spy):
    """The same, of a secret."""

    knows: ClassVar[Knows] = Knows.REST
    seen: ClassVar[list[ReleaseScene]] = []


@dataclass(frozen=True, kw_only=True)
class SpyOnHalves(Linkability):
    """Keeps what it was handed, and links."""

    seen: ClassVar[list[ReleaseScene]] = []

    def guess(self, scene):
        self.seen.append(scene)
        return super().guess(scene)


@dataclass(frozen=True, kw_only=True)
class Broken(Spy):
    """Throws."""

    def guess(self, scene):
        raise RuntimeError("oh")


# What is found


def test_a_copy_gives_everybody_away():
    original = people(300, 0)
    found = tried(original, original, people(300, 1), family.DEFAULT)
    assert [f.title for f in found] == [
        "singling-out",
        "singling-out(columns=1)",
        "linkability",
        "inference-risk on ill",
        "exact-copies",
    ]
    for finding in found:
        assert finding.outcome == "measured"
        assert finding.figure("originals").value > 0.97
        assert finding.figure("risk").high > 0.999
        assert finding.figure("risk").low > 0.85
        assert not finding.exhibit.too_weak
        assert "too weak" not in finding.exhibit.note()


@pytest.mark.parametrize("attack", RISKS, ids=lambda a: a.name)
def test_a_table_of_strangers_gives_nobody_away(attack):
    """Averaged over worlds: the risk's interval holds nought as often as it says, and the attack is weak."""
    held, weak = [], []
    for world in range(40):
        release, original, control = (people(300, 3 * world + i) for i in range(3))
        (found,) = tried(release, original, control, [attack], guesses=40, seed=world)
        risk = found.figure("risk")
        held.append(risk.low <= 0 <= risk.high)
        weak.append("too weak" in found.exhibit.note())
    assert np.mean(held) >= 0.9
    assert np.mean(weak) >= 0.9


@pytest.mark.parametrize("attack", [Linkability(), InferenceRisk(), ExactCopies()], ids=lambda a: a.name)
def test_a_release_of_half_the_people_gives_half_of_them_away(attack):
    """Whatever is guessed anyway: the other half are strangers to it, as the controls are."""
    held = []
    for world in range(40):
        original, control, others = (people(300, 3 * world + i) for i in range(3))
        release = pd.concat([original[:150], others[:150]])
        (found,) = tried(release, original, control, [attack], secrets=["pay"], guesses=80, seed=world)
        held.append(found.figure("risk").low <= 0.5 <= found.figure("risk").high)
    assert np.mean(held) >= 0.9


def test_what_is_true_of_everybody_is_no_leak():
    """Town tells illness of anybody: the guesses succeed, on people never seen as well."""

    def told(seed):
        table = people(400, seed).dropna()
        exceptions = np.random.default_rng(seed).random(len(table)) < 0.1
        return table.assign(ill=np.where((table["town"] == "Graz") != exceptions, "yes", "no"))

    (found,) = tried(told(0), told(1), told(2), [InferenceRisk(neighbours=9)], guesses=200)
    assert found.figure("originals").low > 0.75
    assert not found.exhibit.too_weak
    assert found.figure("risk").low <= 0 <= found.figure("risk").high


def test_a_number_is_guessed_rightly_within_the_tolerance():
    original, control = (people(200, s).dropna().assign(pay=lambda t: t["pay"] + 50) for s in (0, 1))
    release = original.assign(pay=original["pay"] * 1.03)
    near, exact = (
        tried(release, original, control, [InferenceRisk()], secrets=["pay"], tolerance=t)[0]
        for t in (0.05, 0)
    )
    assert near.figure("originals").value == 1
    assert exact.figure("originals").value < 0.05


def test_the_same_seed_gives_the_same_findings():
    original, control = people(150, 0), people(150, 1)
    one, again, other = (
        tried(original[:75], original, control, family.DEFAULT, guesses=60, seed=s) for s in (1, 1, 2)
    )
    for a, b in zip(one, again, strict=True):
        for name, values in a.exhibit.arrays().items():
            np.testing.assert_array_equal(values, b.exhibit.arrays()[name])
    assert any(
        not np.array_equal(a.exhibit.originals, b.exhibit.originals) for a, b in zip(one, other, strict=True)
    )


def test_the_order_of_rows_and_columns_of_the_release_decides_nothing():
    original, control = people(150, 0), people(150, 1)
    turned = original.sample(frac=1, random_state=0)[list(original)[::-1]]
    attacks = [Linkability(), InferenceRisk(), ExactCopies()]
    for a, b in zip(
        tried(original, original, control, attacks), tried(turned, original, control, attacks), strict=True
    ):
        np.testing.assert_array_equal(a.exhibit.originals, b.exhibit.originals)
        np.testing.assert_array_equal(a.exhibit.controls, b.exhibit.controls)


# What attacks are handed


def test_both_sides_are_handed_over_together_and_in_no_order():
    Spy.seen.clear()
    original, control = people(200, 0).assign(age=1.0), people(200, 1).assign(age=2.0)
    tried(original, original, control, [Spy()])
    for scene in Spy.seen:
        age = scene.people[0].column("age")
        assert sorted(age.tolist()) == [1.0] * 100 + [2.0] * 100
        assert 30 < (age[:100] == 1).sum() < 70


def test_the_secret_is_not_among_what_is_known():
    SpyOnRest.seen.clear()
    tried(people(200, 0), people(200, 1), people(200, 2), [SpyOnRest()], secrets=["ill", "town"])
    told = [(s.secret, s.people[0].names) for s in SpyOnRest.seen]
    assert told[0] == ("ill", ("age", "town", "pay"))
    assert told[-1] == ("town", ("age", "pay", "ill"))


def test_the_halves_are_in_different_orders():
    SpyOnHalves.seen.clear()
    original, control = (people(200, s).assign(number=np.arange(200) + 1000.0 * s) for s in (0, 1))
    for table in (original, control):
        table["again"] = table["number"]
    halves = ("number", "age"), ("again", "pay")
    (found,) = tried(original, original, control, [SpyOnHalves()], halves=halves)
    one, other = SpyOnHalves.seen[0].people
    assert (one.names, other.names) == halves
    assert sorted(one.column("number")) == sorted(other.column("again"))
    assert (one.column("number") == other.column("again")).mean() < 0.1
    assert found.figure("originals").value == 1


def test_without_the_release_it_runs_on_a_table_of_independent_columns_of_the_control():
    Spy.seen.clear()
    both = people(200, 0).assign(pay=lambda t: t["age"])
    control = people(200, 1).assign(pay=lambda t: t["age"])
    tried(both, both, control, [Spy()])
    released, independent = (scene.release for scene in Spy.seen)
    assert len(independent) == len(released)
    known = np.isfinite(independent.values).all(axis=1)
    assert abs(np.corrcoef(independent.values[known][:, 0], independent.values[known][:, 2])[0, 1]) < 0.3
    assert set(independent.column("age")[known]) <= set(control["age"])


def test_people_on_both_sides_are_left_out_and_counted():
    original, control = people(200, 0), people(200, 1)
    spoilt = pd.concat([control[:150], original[:50]])
    (found,) = tried(original, original, spoilt, [ExactCopies()])
    assert found.exhibit.shared == 100
    assert "100 people are alike" in found.exhibit.note()
    assert found.figure("controls").value == 0


def test_a_control_that_is_a_little_shorter_costs_as_little():
    """People are singled out of tables of one size: of the longer one some are left out at random."""
    original = people(300, 0)
    (found,) = tried(original, original, people(285, 1), [SinglingOut(columns=3)])
    assert 0.88 < found.figure("originals").value <= 1


# What can't be run, and what is given wrongly


def test_an_audit_of_a_model_says_where_to_run_it(tmp_path):
    x, y = np.random.default_rng(0).normal(size=(400, 3)), np.arange(400) % 2
    audit = rt.audit(
        DecisionTreeClassifier(random_state=0).fit(x[:200], y[:200]),
        members=(x[:200], y[:200]),
        nonmembers=(x[200:], y[200:]),
        attacks=[Linkability()],
        cache=tmp_path,
        progress=Quiet(),
    )
    assert audit["linkability"].outcome == "refused"
    assert "rt.audit_release" in audit["linkability"].reason


def test_an_attack_that_lacks_what_it_needs_is_refused_and_the_others_go_on():
    original, control = people(200, 0), people(100, 1)
    found = rt.audit_release(original, original, control, guesses=50)
    told = {f.attack: (f.outcome, f.reason) for f in found}
    assert told["exact-copies"][0] == "measured"
    for name, said in (
        ("singling-out", "needs as many control rows as original rows"),
        ("linkability", "name them in halves"),
        ("inference-risk", "name one in secrets"),
    ):
        assert told[name][0] == "refused"
        assert said in told[name][1]


def test_an_attack_that_throws_has_failed_and_the_others_go_on():
    found = tried(people(200, 0), people(200, 1), people(200, 2), [Broken(), ExactCopies()])
    assert [f.outcome for f in found] == ["failed", "measured"]
    assert "RuntimeError" in found[0].reason


def test_a_secret_known_of_too_few_people_is_refused():
    original = people(200, 0).assign(ill=["yes", "no"] * 20 + [None] * 160)
    (found,) = tried(original, original, people(200, 1), [InferenceRisk()])
    assert found.outcome == "refused"
    assert "'ill' is known of 40" in found.reason


def test_more_columns_in_a_predicate_than_in_the_table_are_refused():
    (found,) = tried(people(200, 0), people(200, 1), people(200, 2), [SinglingOut(columns=9)])
    assert (found.outcome, found.secret) == ("refused", "")


GOOD = people(200, 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"release": GOOD.drop(columns="pay")}, r"do not have the same columns \(pay\)"),
        ({"control": GOOD[:0]}, "the control has 0 rows"),
        ({"control": GOOD}, "0 original and 0 control rows are left without the 200 and 200 in both"),
        ({"guesses": 201}, "201 guesses were asked for, and 200 original"),
        ({"guesses": 0}, "0 guesses were asked for"),
        ({"secrets": ["wage"]}, "the original has no column 'wage'"),
        ({"secrets": ["ill"], "release": GOOD.assign(ill="no")}, "'ill' has one value in the release"),
        (
            {"secrets": ["ill"], "control": people(200, 1).assign(ill=None)},
            "'ill' has one value in the control",
        ),
        ({"halves": (("age",), ("pay", "age"))}, "'age' is in both halves"),
        ({"halves": ((), ("pay",))}, "one of the halves is empty"),
        ({"halves": (("age",), ("wage",))}, "no column 'wage', named in halves"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_a_sentence(change, said):
    given = {"release": people(200, 3), "original": GOOD, "control": people(200, 1), **change}
    with pytest.raises(DataError, match=said):
        tried(given.pop("release"), given.pop("original"), given.pop("control"), **given)


def test_a_tolerance_below_nought_is_a_sentence():
    with pytest.raises(PlanError, match=r"tolerance = -0\.1 was given"):
        tried(people(200, 3), GOOD, people(200, 1), tolerance=-0.1)


# The evidence


def test_figures_are_derived_from_what_succeeded():
    told = Successes(outcomes(80, 100), outcomes(50, 100), outcomes(20, 100), 0)
    assert told.figure("originals").value == 0.8
    assert told.figure("controls").value == 0.5
    assert told.figure("naive").value == 0.2
    assert told.figure("gain").value == pytest.approx(0.6)
    assert told.figure("risk").value == pytest.approx(0.6)
    assert told.figure("risk", level=0.99).low < told.figure("risk").low
    with pytest.raises(ValueError, match="no figure is called 'auc'"):
        told.figure("auc")


def test_each_figure_is_shown_beside_its_control():
    told = Successes(outcomes(80, 100), outcomes(50, 100), outcomes(20, 100), 0)
    assert isinstance(told, Exhibit)
    risk, unseen, naive = told.beside()
    assert (risk.figure, risk.without) == (told.figure("risk"), told.figure("controls"))
    assert (unseen.figure, unseen.without) == (told.figure("originals"), told.figure("controls"))
    assert (naive.figure, naive.without) == (told.figure("originals"), told.figure("naive"))
    assert told.strips() == ()
    assert all(values.dtype == bool for values in told.arrays().values())


def test_too_few_guesses_tell_nothing():
    told = Successes(outcomes(29, 29), outcomes(0, 29), outcomes(0, 29), 0)
    for name in ("risk", "originals", "controls", "naive", "gain"):
        assert isinstance(told.figure(name), Withheld)
    assert told.too_weak


@pytest.mark.parametrize(
    ("ours", "naive", "weak"), [(50, 50, True), (20, 50, True), (56, 50, True), (90, 50, False)]
)
def test_no_better_than_without_the_release_is_too_weak(ours, naive, weak):
    told = Successes(outcomes(ours, 100), outcomes(50, 100), np.roll(outcomes(naive, 100), 25), 0)
    assert told.too_weak == weak
