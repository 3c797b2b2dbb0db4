"""Sensitive columns in an audit: beside imputation, kept, refused with a reason, and never written down."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.attacks.attribute import ByMembership, Csmia, LearntPrior, Lomia, MaximumPosterior, Neurons
from reticent.attacks.membership import Loss
from reticent.measure.estimate import Withheld

BLACK_BOX = (Csmia(), Lomia(), MaximumPosterior(), ByMembership(), LearntPrior())


def people(seed=0, records=1200):
    """Whether someone smokes goes with nothing but, a little, the label."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({f"x{i}": rng.normal(size=records).round(2) for i in range(4)})
    table["smokes"] = rng.choice(["yes", "no"], records)
    table["town"] = rng.choice(list("abcd"), records)
    y = rng.random(records) < 0.4 + 0.2 * (table["smokes"] == "yes")
    return table, y.to_numpy().astype(int)


def audited(
    model, cache, *, attacks=BLACK_BOX, sensitive=("smokes",), records=1200, settings=None, forget=()
):
    x, y = people(records=records)
    words = [c for c in ("smokes", "town") if c not in forget]
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), words), remainder="drop" if forget else "passthrough"
    )
    half = records // 2
    fitted = make_pipeline(encode, model).fit(x[:half], y[:half])
    return rt.audit(
        fitted,
        members=(x[:half], y[:half]),
        nonmembers=(x[half:], y[half:]),
        roles=rt.Roles(sensitive=sensitive),
        attacks=attacks,
        settings=settings or rt.Settings(population_share=0.5),
        cache=cache,
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def tree(cache):
    return audited(DecisionTreeClassifier(random_state=0), cache)


def test_what_a_tree_knows_by_heart_is_a_leak(tree):
    assert [f.outcome for f in tree.secrets] == ["measured"] * len(BLACK_BOX)
    leak = tree["csmia on smokes"].figure("leak")
    assert leak.low > 0.03
    assert tree["learnt-prior"].figure("gain").low > 0
    assert any(t.figure == "leak" for t in tree.thresholds)
    assert "leak" in str(tree.verdicts[-1].sentence)


def test_a_plain_model_leaks_nothing(cache):
    audit = audited(LogisticRegression(max_iter=500), cache)
    for finding in audit.secrets:
        leak = finding.figure("leak")
        assert leak.low <= 0 <= leak.high, finding.attack


def test_a_second_audit_guesses_nothing_again(tree, cache, monkeypatch):
    def never(self, scene):
        raise AssertionError("guessed again")

    for attack in BLACK_BOX:
        monkeypatch.setattr(type(attack), "guess", never)
    again = audited(DecisionTreeClassifier(random_state=0), cache)
    for one, other in zip(tree.secrets, again.secrets, strict=True):
        assert np.array_equal(one.evidence.scores, other.evidence.scores)
        assert one.figure("leak") == other.figure("leak")


@pytest.mark.parametrize(
    ("sensitive", "forget", "said"),
    [
        (("town",), ("smokes", "town", "x0"), "does not use the column"),
        ((), (), "none was named"),
    ],
)
def test_refusals_say_why(cache, sensitive, forget, said):
    forget = forget[1:] if forget else ()
    audit = audited(
        DecisionTreeClassifier(random_state=0), cache, attacks=(Csmia(),), sensitive=sensitive, forget=forget
    )
    (finding,) = audit.findings
    assert finding.outcome == "refused"
    assert said in finding.reason


def test_weights_that_are_not_there_are_refused(cache):
    audit = audited(DecisionTreeClassifier(random_state=0), cache, attacks=(Neurons(), Csmia()))
    assert audit["neurons"].outcome == "refused"
    assert audit["csmia"].outcome == "measured"


def test_a_query_limit_refuses_what_it_does_not_reach(cache):
    settings = rt.Settings(population_share=0.5, query_limit=1000)
    audit = audited(DecisionTreeClassifier(random_state=0), cache, attacks=(Csmia(),), settings=settings)
    assert "queries" in audit["csmia"].reason


def test_too_few_records_withhold_the_figures(cache):
    audit = audited(DecisionTreeClassifier(random_state=0), cache, attacks=(LearntPrior(),), records=110)
    assert audit["learnt-prior"].outcome == "measured", audit["learnt-prior"].reason
    assert isinstance(audit["learnt-prior"].figure("leak"), Withheld)


def test_a_column_of_one_value_is_refused_and_the_rest_goes_on(cache):
    x, y = people()
    x["same"] = "one"
    model = make_pipeline(
        make_column_transformer((OneHotEncoder(), ["smokes", "town", "same"]), remainder="passthrough"),
        DecisionTreeClassifier(random_state=0),
    ).fit(x[:600], y[:600])
    audit = rt.audit(
        model,
        members=(x[:600], y[:600]),
        nonmembers=(x[600:], y[600:]),
        roles=rt.Roles(sensitive=("same", "smokes")),
        attacks=(Csmia(), Loss()),
        settings=rt.Settings(population_share=0.5),
        cache=cache,
    )
    assert "one value" in audit["csmia on same"].reason
    assert audit["loss"].outcome == "measured"
    assert audit["csmia on smokes"].outcome == "measured"


def test_a_report_shows_it_and_keeps_no_secret(tree, tmp_path):
    tree.save(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "What can be guessed of people: smokes" in page
    assert "without the model" in page
    kept = [np.load(f) for f in (tmp_path / "run" / "evidence").glob("*csmia*")]
    assert kept
    assert set(kept[0].files) == {"right", "imputed_right", "members"}


def test_people_and_groups_are_told_worst_first(tree):
    people = tree.guessed("csmia on smokes")
    assert people["member"].is_monotonic_decreasing
    inside = people[people["member"]]
    assert inside["ahead"].is_monotonic_decreasing
    assert sorted(inside["row"]) == list(range(600))
    assert inside["right"].mean() == pytest.approx(tree["csmia"].figure("right").value)
    groups = tree.leaks("csmia on smokes")
    assert {g.column for g in groups} >= {"label", "town", "smokes"}
    assert groups[0].leak.low >= groups[-1].leak.low
    with pytest.raises(LookupError, match="guesses no column"):
        _ = tree.checks.blind.guesses
