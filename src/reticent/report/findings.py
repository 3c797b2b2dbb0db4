"""findings.json: what machines read. Figures and their causes, no record's score."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reticent.exhibit import Beside
from reticent.finding import Evidence, Finding
from reticent.measure.estimate import Estimate, Figure, Withheld
from reticent.report.words import figures_of

if TYPE_CHECKING:
    from reticent.result import Audit
    from reticent.threshold import Verdict

SCHEMA = "reticent.findings/1"
"""Changes its number when a reader of the last one would be misled; see `findings.schema.json`."""


def findings_json(audits: Sequence[Audit]) -> str:
    """The audits as JSON text (see findings.schema.json)."""
    document = {"schema": SCHEMA, "audits": [_audit(a) for a in audits]}
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _audit(audit: Audit) -> dict[str, Any]:
    checks = audit.checks
    return {
        "model": audit.model,
        "access": str(audit.access),
        "verdict": _verdict(audit.verdict),
        "verdicts": [_verdict(v) for v in audit.verdicts],
        "checks": {
            "members": checks.members,
            "nonmembers": checks.nonmembers,
            "candidates": checks.candidates,
            "population": checks.population,
            "members_that_equal_a_nonmember": int(checks.overlap.shared_members.sum()),
            "nonmembers_that_equal_a_member": int(checks.overlap.shared.sum()),
            "repeated_members": checks.overlap.repeated_members,
            "accuracy_members": _number(checks.accuracy_members),
            "accuracy_nonmembers": _number(checks.accuracy_nonmembers),
            "spoilt": checks.spoilt,
        },
        "findings": [_finding(audit, f) for f in (*audit.findings, checks.blind)],
        "exposure": _exposure(audit),
        "provenance": {
            "date": audit.provenance.date,
            "command": audit.provenance.command,
            "versions": dict(audit.provenance.versions),
            "fingerprints": dict(audit.provenance.fingerprints),
            "options": dict(audit.provenance.options),
        },
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "threshold": str(verdict.threshold),
        "state": verdict.state,
        "failed": verdict.failed,
        "sure": verdict.sure,
        "spoilt": verdict.spoilt,
        "attack": verdict.attack,
        "figure": _figure(verdict.figure),
        "sentence": verdict.sentence,
    }


def _finding(audit: Audit, finding: Finding) -> dict[str, Any]:
    measured = finding.outcome == "measured"
    names = figures_of(finding)
    bounds = isinstance(finding.evidence, Evidence)
    return {
        "attack": finding.attack,
        "secret": finding.secret or None,
        "threat": finding.threat.value,
        "access": str(finding.access),
        "subject": finding.subject,
        "outcome": finding.outcome,
        "reason": finding.reason,
        "source": finding.source,
        "figures": {name: _figure(finding.figure(name)) for name in names} if measured else {},
        "beside": [_beside(b) for b in finding.exhibit.beside()] if finding in audit.exhibits else [],
        "baseline": {"auc": _figure(finding.baseline.auc())} if measured and finding.baseline else {},
        "epsilon_at_least": _number(audit.epsilon(finding.attack).value) if bounds else None,
        "cost": {
            "queries": finding.cost.queries,
            "trainings": finding.cost.trainings,
            "seconds": round(finding.cost.seconds, 4),
        },
    }


def _beside(line: Beside) -> dict[str, Any]:
    figures = {"figure": _figure(line.figure), "without": _figure(line.without)}
    return {"what": line.what, "control": line.control, "unit": line.unit, "worse": line.worse, **figures}


def _exposure(audit: Audit) -> dict[str, Any] | None:
    if audit.strongest is None:
        return None
    exposure = audit.exposure
    if isinstance(exposure, Withheld):
        return {"withheld": exposure.reason}
    return {
        "members_exposed": _figure(exposure.members_exposed),
        "posterior_above": exposure.posterior_above,
        "prior": exposure.prior,
    }


def _figure(figure: Figure) -> dict[str, Any]:
    if isinstance(figure, Estimate):
        return {
            "value": figure.value,
            "low": figure.low,
            "high": figure.high,
            "level": round(figure.level, 6),
            "method": figure.method,
        }
    return {"withheld": figure.reason}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
