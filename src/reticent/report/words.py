"""How figures read: percentages with as many digits as they deserve."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isnan
from typing import TYPE_CHECKING, Any

from reticent.exhibit import Beside, Exhibit
from reticent.finding import Evidence, Threat
from reticent.measure.estimate import Estimate, Figure, Withheld

if TYPE_CHECKING:
    from reticent.exhibit import Unit
    from reticent.finding import Finding
    from reticent.result import Audit
    from reticent.threshold import Verdict

FPRS = ("10", "1", "0.1", "0.01")
"""False-positive rates of the tables, in percent."""

FIGURES = ("auc", *(f"tpr@{fpr}%" for fpr in FPRS))
"""Figures of the tables, in order."""

ON_SECRETS = ("right", "imputed", "right outside", "imputed outside", "gain", "gain outside", "leak")
"""Figures about a sensitive column, in order."""

_TITLES = {
    "right": "members",
    "imputed": "no model",
    "right outside": "others",
    "imputed outside": "no model",
    "gain": "gain",
    "gain outside": "others' gain",
    "leak": "leak",
}

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def percent(share: float) -> str:
    """A share as a percentage."""
    if isnan(share):
        return "not asked"
    value = 100 * share
    return (
        f"{value:.0f} %"
        if value >= 10 or value == 0
        else f"{value:.1f} %"
        if value >= 1
        else f"{value:.2g} %"
    )


def figure(name: str, of: Figure) -> tuple[str, str]:
    """A figure and its interval, each as text; a withheld one has no interval."""
    if isinstance(of, Withheld):
        return "withheld", ""
    return value(name, of.value), f"{value(name, of.low)} – {value(name, of.high)}"


def value(name: str, number: float) -> str:
    """One number of the figure called `name`."""
    if name in ON_SECRETS:
        return points(number) if name.startswith(("gain", "leak")) else f"{100 * number:.1f} %"
    return percent(number) if name.startswith("tpr@") else f"{number:.3f}"


def beside(finding: Finding) -> tuple[Beside, ...]:
    """The figures that a reader should see of a finding, each with its control."""
    if isinstance(finding.evidence, Exhibit):
        return finding.evidence.beside()
    if not isinstance(finding.evidence, Evidence):
        return ()
    control = finding.baseline.auc() if finding.baseline else Estimate(0.5, 0.5, 0.5)
    name = "without the model" if finding.baseline else "guessing"
    return (Beside("AUC", finding.figure("auc"), name, control, "number"),)


def in_unit(unit: Unit, of: Figure) -> tuple[str, str]:
    """A figure and its interval in its unit, each as text; one that is certain or withheld has none."""

    def shown(number: float) -> str:
        if unit == "points":
            return points(number)
        return f"{100 * number:.1f} %" if unit == "share" else f"{number:.3g}"

    if isinstance(of, Withheld):
        return "withheld", ""
    return shown(of.value), f"{shown(of.low)} – {shown(of.high)}" if of.low < of.high else ""


def points(difference: float) -> str:
    """A difference of shares, in percentage points with its sign."""
    text = f"{100 * difference:+.1f}"
    return "0.0" if float(text) == 0 else text.replace("-", "\N{MINUS SIGN}")


def readable(text: str) -> str:
    """Text without what no page, XML or terminal should be given: control characters, half characters.

    Names come from files and from users; an escape sequence among them could rewrite a terminal.
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def plainly(verdict: Verdict) -> str:
    """What the figure of a verdict means, without its name."""
    of, named = verdict.figure, verdict.threshold.figure
    limit = f"the limit is {percent(verdict.threshold.limit)}"
    if isinstance(of, Withheld):
        return f"Nothing can be said of this model: {of.reason}."
    if named == "auc":
        return (
            f"Shown one member and one outsider, the best attack picks the member {percent(of.value)} "
            f"of the time; guessing would be right 50 % of the time, {limit}."
        )
    if named.startswith("tpr@"):
        often = f"{named[4:-1]} %"
        return (
            f"The best attack names {percent(of.value)} of the members while wrongly naming {often} of "
            f"outsiders; guessing would name {often} of both, {limit}."
        )
    if named == "leak":
        return (
            f"The best attack guesses a sensitive column better for members than for others, by "
            f"{points(of.value)} points beyond what is guessed without the model; the limit is "
            f"{points(verdict.threshold.limit)} points."
        )
    return f"The best attack reaches {named} {percent(of.value)}; {limit}."


def copies(audit: Audit) -> str:
    """What was found of copies, and what became of them; empty where there are none."""
    overlap = audit.checks.overlap
    inside, outside = int(overlap.shared_members.sum()), int(overlap.shared.sum())
    parts = []
    if inside or outside:
        parts.append(
            f"{inside + outside:,} records stand on both sides, equal in features and label ({inside:,} "
            f"members, {outside:,} non-members): nobody can tell which side they are on."
        )
        if audit.provenance.options.get("copies") == "keep":
            parts.append("They were kept, as asked, so every figure reads lower than it should.")
        else:
            parts.append("They were left out.")
    if overlap.repeated_members:
        parts.append(f"{overlap.repeated_members:,} members repeat another member.")
    return " ".join(parts)


def seconds(taken: float) -> str:
    """A wall time, as coarse as it deserves."""
    return "under 1 ms" if taken < 1e-3 else f"{1e3 * taken:.0f} ms" if taken < 1 else f"{taken:,.3g} s"


def estimate(of: Estimate) -> str:
    """A count with its interval."""
    return f"{of.value:,.0f} ({of.low:,.0f} to {of.high:,.0f})"


def title(name: str) -> str:
    """A figure's heading."""
    if name in _TITLES:
        return _TITLES[name]
    return "AUC" if name == "auc" else f"TPR @ {name[4:-1]} %" if name.startswith("tpr@") else name


def leakiest(findings: Sequence[Finding]) -> Finding:
    """The finding on a sensitive column whose gain on members most exceeds that on others."""

    def leak(finding: Finding) -> float:
        of = finding.figure("leak")
        return of.value if isinstance(of, Estimate) else -1.0

    return max(findings, key=leak)


def figures_of(finding: Finding) -> tuple[str, ...]:
    """The names of the figures that a finding on membership or a column has."""
    if finding.threat is Threat.ATTRIBUTE:
        return ON_SECRETS
    return FIGURES if finding.threat is Threat.MEMBERSHIP else ()


def typeset(text: str) -> str:
    """Nothing unprintable, and no number parted from its sign of percent."""
    return readable(text).replace(" %", "\N{NO-BREAK SPACE}%")


def template(name: str) -> Any:
    """One of the report's templates."""
    from jinja2 import Environment, PackageLoader

    return Environment(
        loader=PackageLoader("reticent.report"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    ).get_template(name)
