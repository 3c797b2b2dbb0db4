"""The audit on a terminal: the verdict and a table that fits eighty columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reticent.measure.estimate import Withheld
from reticent.report.words import estimate, figure, percent

if TYPE_CHECKING:
    from reticent.result import Audit

SHOWN = 6
"""Attacks shown, strongest first; the report has all."""


def audit_panel(audit: Audit) -> Any:
    """Something that rich can print."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    checks, verdict = audit.checks, audit.verdict
    colour = "red" if verdict.failed else "green"
    parts: list[Any] = [Text(verdict.sentence, style=f"bold {colour}")]
    parts.append(
        Text(
            f"Right on {percent(checks.accuracy_members)} of its members, "
            f"{percent(checks.accuracy_nonmembers)} of others."
        )
    )
    left_out = int(checks.overlap.shared.sum() + checks.overlap.shared_members.sum())
    if left_out or checks.overlap.repeated_members:
        parts.append(
            Text(
                f"{left_out:,} records that are on both sides were left out; "
                f"{checks.overlap.repeated_members:,} members repeat another.",
                style="yellow",
            )
        )
    if audit.strongest is not None:
        exposure = audit.exposure
        if not isinstance(exposure, Withheld):
            parts.append(
                Text(
                    f"Members that an attacker can name, {percent(audit.exposed_above)} sure of each: "
                    f"{estimate(exposure.members_exposed)} of {exposure.members_exposed.n:,}."
                )
            )
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("attack", "AUC", "", "TPR at 1 %", "TPR at 0.1 %", ""):
        table.add_column(heading, justify="left" if heading in ("attack", "") else "right", no_wrap=True)
    ranked = sorted(audit.measured, key=lambda f: -f.roc.auc().value)
    for finding in (*ranked[:SHOWN], checks.blind):
        auc, sure = figure("auc", finding.figure("auc"))
        often, _ = figure("tpr@1%", finding.figure("tpr@1%"))
        seldom, between = figure("tpr@0.1%", finding.figure("tpr@0.1%"))
        dim = (Text(interval, style="dim") for interval in (sure, between))
        table.add_row(Text(finding.attack), auc, next(dim), often, seldom, next(dim))
    unmeasured = len(audit.findings) - len(audit.measured)
    more = max(0, len(ranked) - SHOWN)
    foot = Text(f"{more} more attacks measured, {unmeasured} not run: the report says why.", style="dim")
    return Panel(
        Group(*parts, Text(), table, foot), title=Text(audit.model), border_style=colour, padding=(0, 1)
    )
