"""The audit on a terminal: the verdict and a table that fits eighty columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.report.words import beside, copies, estimate, figure, in_unit, leakiest, percent, readable

if TYPE_CHECKING:
    from reticent.finding import Finding
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
    parts: list[Any] = [
        Text(readable(v.sentence), style=f"bold {'red' if v.failed else 'green' if v.sure else 'yellow'}")
        for v in audit.verdicts
    ]
    parts.append(
        Text(
            f"Right on {percent(checks.accuracy_members)} of its members, "
            f"{percent(checks.accuracy_nonmembers)} of others."
        )
    )
    if found := copies(audit):
        parts.append(Text(found, style="yellow"))
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
    table.add_column("attack", no_wrap=True, overflow="ellipsis", max_width=28)
    for heading in ("AUC", "95 %", "TPR @ 1 %", "@ 0.1 %"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    ranked = sorted(audit.measured, key=lambda f: -f.roc.auc().value)
    for finding in (*ranked[:SHOWN], checks.blind):
        auc, sure = figure("auc", finding.figure("auc"))
        often, seldom = (figure(name, finding.figure(name))[0] for name in ("tpr@1%", "tpr@0.1%"))
        interval = Text(sure.replace(" ", ""), style="dim")
        table.add_row(Text(readable(finding.attack)), auc, interval, often, seldom)
    unmeasured = sum(f.outcome != "measured" for f in audit.findings)
    more = max(0, len(ranked) - SHOWN)
    foot = Text(f"{more} more attacks measured, {unmeasured} not run: the report says why.", style="dim")
    return Panel(
        Group(*parts, Text(), table, *_secrets(audit), *exhibits(audit.exhibits), foot),
        title=Text(readable(audit.model)),
        border_style=colour,
        padding=(0, 1),
    )


def _secrets(audit: Audit) -> list[Any]:
    """The worst attack on each sensitive column, beside imputation."""
    from rich.table import Table
    from rich.text import Text

    if not audit.secrets:
        return []
    table = Table(box=None, pad_edge=False, show_edge=False)
    table.add_column("guessing", no_wrap=True, overflow="ellipsis", max_width=28)
    for heading in ("right", "without", "gain", "others'", "leak", "95 %"):
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    for column in dict.fromkeys(f.secret for f in audit.secrets):
        worst = leakiest([f for f in audit.secrets if f.secret == column])
        shown = [figure(n, worst.figure(n)) for n in ("right", "imputed", "gain", "gain outside", "leak")]
        interval = Text(shown[-1][1].replace(" ", ""), style="dim")
        table.add_row(Text(readable(worst.title)), *(value for value, _ in shown), interval)
    return [Text(), table]


def exhibits(findings: Sequence[Finding]) -> list[Any]:
    """A line for each of the other threats: the figure that matters most, beside its control."""
    from rich.text import Text

    lines = []
    for finding in findings:
        line = finding.exhibit.beside()[0]
        ours, theirs = (in_unit(line.unit, f)[0] for f in (line.figure, line.without))
        lines.append(Text(readable(f"{finding.title}: {line.what}, {ours}; {line.control}, {theirs}.")))
    return [Text(), *lines] if lines else []


def findings_group(findings: Sequence[Finding]) -> Any:
    """Findings that belong to no audit, each figure beside its control, for rich to print."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    parts: list[Any] = []
    for finding in findings:
        if finding.outcome != "measured":
            parts.append(Text(readable(f"{finding.title} was {finding.outcome}: {finding.reason}"), "yellow"))
            continue
        table = Table(box=None, pad_edge=False, show_edge=False)
        table.add_column(Text(readable(finding.title)), max_width=34)
        for heading in ("found", "95 %", "without", "95 %"):
            table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
        for row in beside(finding):
            (ours, spread), (theirs, width) = (in_unit(row.unit, f) for f in (row.figure, row.without))
            intervals = [Text(i.replace(" ", ""), style="dim") for i in (spread, width)]
            table.add_row(
                Text(readable(f"{row.what}; {row.control}")), ours, intervals[0], theirs, intervals[1]
            )
        note = finding.evidence.note() if isinstance(finding.evidence, Exhibit) else ""
        parts += [table, Text(readable(note)), Text()]
    return Group(*parts)
