"""summary.md: the audit in a page of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reticent.measure.estimate import Withheld
from reticent.report.words import FIGURES, estimate, figure, percent, title

if TYPE_CHECKING:
    from reticent.result import Audit


def summary(audits: Sequence[Audit]) -> str:
    """The audits as Markdown."""
    return "\n".join(line for audit in audits for line in (*_lines(audit), ""))


def _lines(audit: Audit) -> list[str]:
    checks = audit.checks
    lines = [f"# {_cell(audit.model)}", "", f"**{_cell(audit.verdict.sentence)}**", ""]
    lines.append(
        f"Right on {percent(checks.accuracy_members)} of its members and "
        f"{percent(checks.accuracy_nonmembers)} of others. "
        f"{checks.candidates:,} candidates; access: {audit.access}."
    )
    left_out = int(checks.overlap.shared.sum() + checks.overlap.shared_members.sum())
    if left_out:
        lines.append(f"{left_out:,} records that are on both sides were left out.")
    lines += ["", f"| attack | {' | '.join(title(n) for n in FIGURES)} |", f"|---|{'---|' * len(FIGURES)}"]
    for finding in (*audit.measured, checks.blind):
        cells = [" ".join(filter(None, figure(n, finding.figure(n)))) for n in FIGURES]
        lines.append(f"| {_cell(finding.attack)} | {' | '.join(cells)} |")
    if audit.strongest is not None:
        exposure = audit.exposure
        said = exposure.reason if isinstance(exposure, Withheld) else estimate(exposure.members_exposed)
        lines += ["", f"Members exposed at posterior {audit.exposed_above:g}, prior {audit.prior:g}: {said}."]
    unmeasured = [f for f in audit.findings if f.outcome != "measured"]
    lines += ["", *(f"- {_cell(f.attack)} {f.outcome}: {_cell(f.reason)}" for f in unmeasured)]
    return lines


def _cell(text: str) -> str:
    """Text that can't break out of a table or start markup."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
