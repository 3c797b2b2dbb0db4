"""One self-contained page about one or several models: no network, no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from reticent.exhibit import Curve, Curved, Exhibit, Strip
from reticent.finding import Finding, Threat
from reticent.measure.estimate import Figure, Withheld
from reticent.report.plots import curve_plot, roc_plot, sheet
from reticent.report.words import (
    FIGURES,
    ON_SECRETS,
    beside,
    copies,
    estimate,
    figure,
    in_unit,
    leakiest,
    percent,
    plainly,
    seconds,
    template,
    title,
    typeset,
)
from reticent.store import write_text

if TYPE_CHECKING:
    from reticent.result import Audit

WORST = 10
WORST_GROUPS = 5

HEADINGS = {
    Threat.PROPERTY: "What can be told of the whole training set",
    Threat.RECONSTRUCTION: "What can be drawn or read back of people",
    Threat.MEMBERSHIP: "Who can be told to be a member",
    Threat.ATTRIBUTE: "What can be guessed of people",
    Threat.EXTRACTION: "What can be copied of the model",
    Threat.MEMORISATION: "What can be recited",
}


def write_page(audits: Sequence[Audit], path: Path) -> Path:
    """Write the page and return where it is.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    write_text(path, page(audits))
    return path


def write_findings(
    findings: Sequence[Finding], path: str | Path, *, name: str, facts: Sequence[tuple[str, str]] = ()
) -> Path:
    """Write one self-contained page about findings that belong to no audit, each beside its control.

    Args:
        findings: as `infer_property`, `leak_gradients` and their like return them.
        path: where to; an HTML file.
        name: what the reader calls the model or the data.
        facts: (what, sentence) to be said before them.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    write_text(Path(path), findings_page(findings, name, facts))
    return Path(path)


def page(audits: Sequence[Audit]) -> str:
    """The page's text."""
    text: str = template("page.html.j2").render(
        views=[view(a) for a in audits],
        titles=[title(n) for n in FIGURES],
        secret_titles=[title(n) for n in ON_SECRETS],
    )
    return typeset(text)


def findings_page(findings: Sequence[Finding], name: str, facts: Sequence[tuple[str, str]] = ()) -> str:
    """The text of a page about findings that belong to no audit."""
    text: str = template("findings.html.j2").render(
        name=name,
        facts=facts,
        threats=_threats([f for f in findings if f.outcome == "measured"]),
        unmeasured=[f for f in findings if f.outcome != "measured"],
        caveats=[(f.attack, f.caveat) for f in _once(findings) if f.caveat],
        version=metadata.version("reticent"),
    )
    return typeset(text)


def fragment(audit: Audit) -> str:
    """The verdict and the table alone, for a notebook."""
    text: str = template("fragment.html.j2").render(v=view(audit), titles=[title(n) for n in FIGURES])
    return typeset(text)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One attack's row of the table."""

    name: str
    about: str
    cells: tuple[tuple[str, str, str], ...]  # value, interval, why withheld
    epsilon: str
    access: str
    cost: str
    control: bool = False


@dataclass(frozen=True, kw_only=True)
class SecretView:
    """What attacks on one sensitive column reached."""

    column: str
    state: str  # "leaks", "unproven" or "silent"
    sentence: str
    surest: str
    groups: tuple[tuple[str, str, int, str, str], ...]
    rows: tuple[Row, ...]


@dataclass(frozen=True, kw_only=True)
class ExhibitView:
    """What one attack on something else than membership or a column found."""

    name: str
    about: str
    lines: tuple[
        tuple[str, str, str, str, str, str], ...
    ]  # what, figure, interval, control, its figure, interval
    access: str
    cost: str
    note: str
    sheet: str
    curves: tuple[tuple[str, str], ...]  # heading, picture


@dataclass(frozen=True)
class ThreatView:
    """What attacks of one kind found."""

    heading: str
    exhibits: tuple[ExhibitView, ...]


@dataclass(frozen=True, kw_only=True)
class View:
    """What the template shows of an audit: words, no arithmetic."""

    audit: Audit
    model: str
    state: str
    plainly: str
    limits: tuple[str, ...]
    certain: bool
    inside: str
    outside: str
    copies: str
    rows: tuple[Row, ...]
    withheld: tuple[str, ...]
    unmeasured: tuple[Finding, ...]
    caveats: tuple[tuple[str, str], ...]
    exposure: str
    exposure_short: str
    anyone_exposed: bool
    plot: str
    secrets: tuple[SecretView, ...]
    threats: tuple[ThreatView, ...]
    worst: tuple[tuple[int, str, str, str], ...]
    groups: tuple[tuple[str, str, int, str, str, bool], ...]


def view(audit: Audit) -> View:
    """Put an audit into words."""
    checks, verdict = audit.checks, audit.verdict
    state = "spoilt" if verdict.spoilt else verdict.state
    ranked = sorted(audit.measured, key=lambda f: -f.roc.auc().value)
    rows = [_row(f, str(f.access), _epsilon(audit, f)) for f in ranked]
    rows.append(_row(checks.blind, "never asks", "", control=True))
    measured = audit.strongest is not None
    long, short = _exposure(audit) if measured else ("Nothing was measured.", "–")
    return View(
        audit=audit,
        model=audit.model,
        state=state,
        plainly=plainly(verdict),
        limits=tuple(replace(v, spoilt=False).sentence for v in audit.verdicts),
        certain=all(v.sure for v in audit.verdicts),
        inside=percent(checks.accuracy_members),
        outside=percent(checks.accuracy_nonmembers),
        copies=copies(audit),
        rows=tuple(rows),
        withheld=tuple(dict.fromkeys(why for row in rows for _, _, why in row.cells if why)),
        unmeasured=tuple(f for f in audit.findings if f.outcome != "measured"),
        caveats=tuple(
            (f.attack, f.caveat) for f in (*ranked, *_once(audit.secrets), *_once(audit.exhibits)) if f.caveat
        ),
        exposure=long,
        exposure_short=short,
        anyone_exposed=measured and _surely_exposed(audit) > 0,
        plot=roc_plot(audit) if measured else "",
        secrets=_secrets(audit),
        threats=_threats(audit.exhibits),
        worst=_worst(audit) if measured else (),
        groups=_groups(audit) if measured else (),
    )


def _row(
    finding: Finding,
    access: str,
    epsilon: str,
    *,
    control: bool = False,
    figures: tuple[str, ...] = FIGURES,
) -> Row:
    cells = []
    for name in figures:
        of = finding.figure(name)
        cells.append((*figure(name, of), of.reason if isinstance(of, Withheld) else ""))
    cost = finding.cost
    return Row(
        name=finding.attack,
        about=finding.about,
        cells=tuple(cells),
        epsilon=epsilon,
        access=f"{access}, {seconds(cost.seconds)}",
        cost="" if control else f"{cost.queries:,} queries, {cost.trainings} trainings",
        control=control,
    )


def _secrets(audit: Audit) -> tuple[SecretView, ...]:
    columns: dict[str, list[Finding]] = {}
    for finding in audit.secrets:
        columns.setdefault(finding.secret, []).append(finding)
    return tuple(_secret(audit, column, found) for column, found in columns.items())


def _secret(audit: Audit, column: str, found: list[Finding]) -> SecretView:
    worst = leakiest(found)
    right, imputed = (worst.figure(name) for name in ("right", "imputed"))
    leak = worst.figure("leak", attacks=len(found))
    if isinstance(leak, Withheld) or isinstance(right, Withheld) or isinstance(imputed, Withheld):
        reason = leak.reason if isinstance(leak, Withheld) else ""
        state, sentence = "unproven", f"Withheld: {reason}."
    else:
        state = "leaks" if leak.low > 0 else "silent"
        told = "The training data leak it" if leak.low > 0 else "No leak of the training data was found"
        gained, interval = figure("leak", leak)
        interval = interval.replace(" – ", " to ")
        sentence = (
            f"{told}: {worst.attack}, with the model, guesses it rightly of {100 * right.value:.1f} % of the "
            f"members; without, {100 * imputed.value:.1f} % are guessed. Its gain on members, less that on "
            f"others, is {gained} points ({interval}, as the worst of {len(found)} attacks)."
        )
    rows = sorted(found, key=lambda f: -_value(f.figure("leak")))
    return SecretView(
        column=column,
        state=state,
        sentence=sentence,
        surest=_surest(worst),
        groups=_leaks(audit, worst),
        rows=tuple(_row(f, str(f.access), "", figures=ON_SECRETS) for f in rows),
    )


def _threats(findings: Sequence[Finding]) -> tuple[ThreatView, ...]:
    kinds = dict.fromkeys(f.threat for f in findings)
    return tuple(
        ThreatView(HEADINGS[kind], tuple(_exhibit(f) for f in findings if f.threat is kind)) for kind in kinds
    )


def _exhibit(finding: Finding) -> ExhibitView:
    strips: tuple[Strip, ...] = ()
    curves: tuple[Curve, ...] = finding.evidence.curves() if isinstance(finding.evidence, Curved) else ()
    note = ""
    if isinstance(finding.evidence, Exhibit):
        strips, note = finding.evidence.strips(), finding.evidence.note()
    return ExhibitView(
        name=finding.title,
        about=finding.about,
        lines=tuple(
            (b.what, *in_unit(b.unit, b.figure), b.control, *in_unit(b.unit, b.without))
            for b in beside(finding)
        ),
        access=f"{finding.access}, {seconds(finding.cost.seconds)}",
        cost=f"{finding.cost.queries:,} queries, {finding.cost.trainings} trainings",
        note=note,
        sheet=sheet(strips) if strips else "",
        curves=tuple((c.heading, curve_plot(c)) for c in curves),
    )


def _surest(worst: Finding) -> str:
    right, imputed = worst.figure("surest"), worst.figure("surest imputed")
    if isinstance(right, Withheld) or isinstance(imputed, Withheld):
        return ""
    return (
        f"Of the {right.n} members whom {worst.attack} is surest of, it is right about "
        f"{100 * right.value:.0f} % ({100 * right.low:.0f} to {100 * right.high:.0f} %); imputation, about "
        f"{100 * imputed.value:.0f} %."
    )


def _leaks(audit: Audit, worst: Finding) -> tuple[tuple[str, str, int, str, str], ...]:
    groups = audit.leaks(worst.title)[:WORST_GROUPS]
    return tuple(
        (g.column, g.group, g.members, " ".join(_spread("gain", g.gain)), " ".join(_spread("leak", g.leak)))
        for g in groups
    )


def _spread(name: str, of: Figure) -> tuple[str, str]:
    shown, interval = figure(name, of)
    return shown, f"({interval.replace(' – ', ' to ')})"


def _value(of: Figure) -> float:
    return -1.0 if isinstance(of, Withheld) else of.value


def _once(findings: Sequence[Finding]) -> list[Finding]:
    """One finding an attack, whichever column it guessed."""
    return list({f.attack: f for f in findings}.values())


def _epsilon(audit: Audit, finding: Finding) -> str:
    return f"{audit.epsilon(finding.attack).value:.2f}"


def _exposure(audit: Audit) -> tuple[str, str]:
    exposure, strongest = audit.exposure, audit.strongest
    if isinstance(exposure, Withheld) or strongest is None:
        reason = exposure.reason if isinstance(exposure, Withheld) else "nothing was measured"
        return f"Withheld: {reason}.", "withheld"
    count = exposure.members_exposed
    who = "people" if audit.candidates.people is None else "records of people"
    named = f"{count.value:,.0f}" if count.value else "none"
    text = (
        f"{count.n:,} {who} in the training data were put to the test. Someone who uses the strongest "
        f"attack ({strongest.attack}), and who knows that {percent(audit.prior)} of the people they ask "
        f"about were in it, can name {named} of them and be right about at least "
        f"{percent(audit.exposed_above)} of those they name. With 95 % confidence the number lies between "
        f"{count.low:,.0f} and {count.high:,.0f}."
    )
    return text, estimate(count)


def _surely_exposed(audit: Audit) -> float:
    exposure = audit.exposure
    return 0.0 if isinstance(exposure, Withheld) else exposure.members_exposed.low


def _worst(audit: Audit) -> tuple[tuple[int, str, str, str], ...]:
    table = audit.records
    worst = table[table["member"]].head(WORST)
    columns = (worst[c].tolist() for c in ("row", "likelihood_ratio", "posterior", "rank"))
    return tuple(
        (int(row), f"{ratio:.1f}", percent(after), percent(rank))
        for row, ratio, after, rank in zip(*columns, strict=True)
    )


def _groups(audit: Audit) -> tuple[tuple[str, str, int, str, str, bool], ...]:
    ranked = sorted(audit.groups, key=lambda g: (not g.worse, g.p_value))[:WORST]
    return tuple((g.column, g.group, g.members, str(g.auc), f"{g.rest:.3f}", g.worse) for g in ranked)
