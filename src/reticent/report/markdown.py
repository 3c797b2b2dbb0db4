"""summary.md: the audit in a page of text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reticent.measure.estimate import Withheld
from reticent.report.words import (
    FIGURES,
    ON_SECRETS,
    copies,
    estimate,
    figure,
    in_unit,
    percent,
    readable,
    title,
)

if TYPE_CHECKING:
    from reticent.finding import Finding
    from reticent.result import Audit


def summary(audits: Sequence[Audit]) -> str:
    """The audits as Markdown."""
    return "\n".join(line for audit in audits for line in (*_lines(audit), ""))


def _lines(audit: Audit) -> list[str]:
    checks = audit.checks
    lines = [f"# {_cell(audit.model)}", "", *(f"- **{_cell(v.sentence)}**" for v in audit.verdicts), ""]
    lines.append(
        f"Right on {percent(checks.accuracy_members)} of its members and "
        f"{percent(checks.accuracy_nonmembers)} of others. "
        f"{checks.candidates:,} candidates; access: {audit.access}."
    )
    lines.append(copies(audit))
    lines += ["", f"| attack | {' | '.join(title(n) for n in FIGURES)} |", f"|---|{'---|' * len(FIGURES)}"]
    ranked = sorted(audit.measured, key=lambda f: -f.roc.auc().value)
    for finding in (*ranked, checks.blind):
        cells = [_with_interval(*figure(n, finding.figure(n))) for n in FIGURES]
        lines.append(f"| {_cell(finding.attack)} | {' | '.join(cells)} |")
    if audit.secrets:
        lines += ["", f"| attack on | {' | '.join(title(n) for n in ON_SECRETS)} |"]
        lines.append(f"|---|{'---|' * len(ON_SECRETS)}")
    for finding in audit.secrets:
        cells = [_with_interval(*figure(n, finding.figure(n))) for n in ON_SECRETS]
        lines.append(f"| {_cell(finding.title)} | {' | '.join(cells)} |")
    lines += exhibit_lines(audit.exhibits)
    if audit.strongest is not None:
        exposure = audit.exposure
        said = exposure.reason if isinstance(exposure, Withheld) else estimate(exposure.members_exposed)
        lines += ["", f"Members exposed at posterior {audit.exposed_above:g}, prior {audit.prior:g}: {said}."]
    unmeasured = [f for f in audit.findings if f.outcome != "measured"]
    lines += ["", *(f"- {_cell(f.title)} was {f.outcome}: {_cell(f.reason)}" for f in unmeasured)]
    return lines


def exhibit_lines(findings: Sequence[Finding]) -> list[str]:
    """A table of what else was found, each figure beside its control; nothing where nothing was."""
    if not findings:
        return []
    lines = ["", "| attack | what | found | control | without |", "|---|---|---|---|---|"]
    for finding in findings:
        for line in finding.exhibit.beside():
            ours, theirs = (_with_interval(*in_unit(line.unit, f)) for f in (line.figure, line.without))
            cells = (finding.title, line.what, ours, line.control, theirs)
            lines.append(f"| {' | '.join(_cell(c) for c in cells)} |")
    return lines


def _with_interval(value: str, interval: str) -> str:
    return f"{value} ({interval})" if interval else value


def _cell(text: str) -> str:
    """Text that can't break out of a table, nor start markup, a link or a picture fetched from elsewhere."""
    escaped = re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(readable(text).split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace("://", ":&#8203;//")
