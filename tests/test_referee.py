"""The referee: what can't run is refused beforehand, the split looked at, the rest measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.attacks.gradients import Dager, Dlg
from reticent.attacks.membership.lira import Lira
from reticent.attacks.membership.loss import Loss
from reticent.attacks.memorisation import (
    Enumeration,
    FreeGeneration,
    GreedyContinuation,
    TranslationGlitch,
)
from reticent.progress import Quiet

FAST = rt.Settings(shadows=4, workers=1)


def world(seed: int, records: int = 240) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Two sides from one source: labels are noise, so only memory separates them."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(2 * records, 5)), rng.integers(0, 2, 2 * records)
    return (x[:records], y[:records]), (x[records:], y[records:])


def run(model: Any, cache: Path, seed: int = 0, **options: Any) -> rt.Audit:
    members, nonmembers = world(seed)
    options.setdefault("settings", FAST)
    return rt.audit(model, members=members, nonmembers=nonmembers, cache=cache, progress=Quiet(), **options)


def fitted(model: Any, seed: int = 0) -> Any:
    (x, y), _ = world(seed)
    return model.fit(x, y)


def test_a_model_that_memorised_is_caught_and_the_gate_closes(tmp_path: Path) -> None:
    """Its leaves tie, so nothing shows at low false-positive rates; the area under the curve must do."""
    audit = run(fitted(DecisionTreeClassifier(random_state=0)), tmp_path)
    assert audit.verdict.state == "exceeded"
    assert audit.verdict.threshold.figure == "auc"
    assert audit.verdict.failed
    assert audit.checks.accuracy_members == 1.0
    assert audit.checks.accuracy_nonmembers < 0.65


def test_a_model_trained_on_none_of_the_records_is_not(tmp_path: Path) -> None:
    """Over several worlds: no attack's interval for AUC, widened for their number, leaves one half."""
    for seed in range(4):
        rng = np.random.default_rng([seed, 99])
        other = LogisticRegression().fit(rng.normal(size=(200, 5)), rng.integers(0, 2, 200))
        audit = run(other, tmp_path, seed)
        for finding in audit.measured:
            figure = finding.figure("auc", attacks=4 * len(audit.measured))
            assert figure.low <= 0.5 <= figure.high, (seed, finding.attack, figure)  # type: ignore[union-attr]


def test_what_is_not_granted_is_refused_with_its_reason(tmp_path: Path) -> None:
    (x, y), _ = world(0)
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    audit = run(lambda rows: tree.predict_proba(rows), tmp_path, attacks=[Loss(), Lira()])
    assert audit["loss"].outcome == "measured"
    assert audit["lira"].outcome == "refused"
    assert "recipe" in audit["lira"].reason
    capped = run(tree, tmp_path, attacks=[Loss()], settings=rt.Settings(shadows=4, access="labels"))
    assert capped["loss"].outcome == "refused"
    assert capped.verdict.state == "unproven"
    assert capped.verdict.failed


def test_a_query_limit_refuses_what_it_cannot_pay_for(tmp_path: Path) -> None:
    audit = run(
        fitted(DecisionTreeClassifier()), tmp_path, attacks=[Loss()], settings=rt.Settings(query_limit=400)
    )
    assert audit["loss"].outcome == "refused"
    assert "queries" in audit["loss"].reason
    assert np.isnan(audit.checks.accuracy_members)


def test_same_seed_same_bits(tmp_path: Path) -> None:
    tree = fitted(DecisionTreeClassifier(random_state=0))
    once, again = (run(tree, tmp_path / name) for name in ("a", "b"))
    for finding in once.measured:
        np.testing.assert_array_equal(finding.evidence.scores, again[finding.attack].evidence.scores)  # type: ignore[union-attr]


def test_copies_are_found_and_left_out(tmp_path: Path) -> None:
    (x, y), (x_out, y_out) = world(0)
    x_out, y_out = np.concatenate([x_out, x[:30]]), np.concatenate([y_out, y[:30]])
    tree = DecisionTreeClassifier(random_state=0).fit(x, y)
    audit = rt.audit(
        tree, members=(x, y), nonmembers=(x_out, y_out), settings=FAST, cache=tmp_path, progress=Quiet(),
        attacks=[Loss()],
    )  # fmt: skip
    assert audit.checks.overlap.shared.sum() == 30
    assert audit.checks.overlap.shared_members.sum() == 30
    assert audit.checks.candidates == 450


def test_records_at_risk_point_back_to_what_was_handed_over(tmp_path: Path) -> None:
    audit = run(fitted(DecisionTreeClassifier(random_state=0)), tmp_path)
    table = audit.records
    assert list(table.columns) == ["member", "row", "score", "rank", "likelihood_ratio", "posterior"]
    assert table["posterior"].is_monotonic_decreasing
    assert table.loc[table["member"], "row"].sort_values().tolist() == list(range(240))


def test_a_model_that_throws_is_a_sentence(tmp_path: Path) -> None:
    tree = fitted(DecisionTreeClassifier())
    (_, y), (_, y_out) = world(0)
    narrow = np.random.default_rng(0).normal(size=(len(y), 3))
    with pytest.raises(rt.ReticentError, match="the model threw"):
        rt.audit(tree, members=(narrow, y), nonmembers=(narrow + 1, y_out), cache=tmp_path, progress=Quiet())


def test_attacks_on_gradients_are_refused_and_say_where_to_run_them(tmp_path):
    elsewhere = [FreeGeneration(), TranslationGlitch(), Enumeration(), GreedyContinuation()]
    audit = run(fitted(LogisticRegression()), tmp_path, attacks=[Loss(), Dlg(), Dager(), *elsewhere])
    reasons = {f.attack: f.reason for f in audit.findings if f.outcome == "refused"}
    assert reasons["dlg"] == "weights are needed and scores are granted"
    assert "rt.leak_text" in reasons["dager"]
    for attack, place in zip(
        elsewhere, ("recite", "recite_translator", "expose", "continue_texts"), strict=True
    ):
        assert reasons[attack.name].endswith(f"rt.{place}")
