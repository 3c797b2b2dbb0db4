"""What an audit found, and what can be asked of it."""

from __future__ import annotations

import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.data import Overlap, Records
from reticent.errors import PlanError
from reticent.exhibit import Exhibit
from reticent.finding import Evidence, Finding, Guesses
from reticent.measure.epsilon import Bonferroni, EpsilonBound, epsilon_lower_bound
from reticent.measure.estimate import Withheld
from reticent.measure.guesses import GroupLeak, leak_by_group
from reticent.measure.risk import (
    Exposure,
    GroupRisk,
    calibrated_likelihood_ratios,
    exposed,
    posterior,
    worst_groups,
)
from reticent.threshold import Threshold, Verdict, gravest, judge

if TYPE_CHECKING:
    import pandas as pd

SPOILT_ABOVE = 0.52
"""Lower bound of the blind control's AUC above which the split, not the model, is what is measured."""

LIBRARIES = ("reticent", "numpy", "scipy", "pandas", "scikit-learn", "torch", "xgboost", "lightgbm")
"""Those whose versions may change a figure."""


@dataclass(frozen=True, kw_only=True)
class Checks:
    """What was looked at before any attack.

    Attributes:
        members, nonmembers: how many were handed over.
        candidates: how many of both were put to the attacks.
        population: non-members set aside, known to the attacker as such.
        overlap: copies between and within the two sides; records that are on both sides are left out.
        accuracy_members, accuracy_nonmembers: the model's share of right answers on either side; NaN where
            the queries allowed did not reach for asking.
        blind: the control that never looks at the model.
    """

    members: int
    nonmembers: int
    candidates: int
    population: int
    overlap: Overlap
    accuracy_members: float
    accuracy_nonmembers: float
    blind: Finding

    @property
    def spoilt(self) -> bool:
        """Whether the two sides can be told apart without the model."""
        auc = self.blind.figure("auc")
        return not isinstance(auc, Withheld) and auc.low > SPOILT_ABOVE


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What is needed to run it again.

    Attributes:
        date: UTC, ISO 8601, to the second.
        command: the command line, empty from Python.
        versions: library -> version.
        fingerprints: what -> hash of its content.
        options: option -> value, as a plan file would hold them.
    """

    date: str
    command: str
    versions: Mapping[str, str]
    fingerprints: Mapping[str, str]
    options: Mapping[str, object]

    @classmethod
    def now(cls, fingerprints: Mapping[str, str], options: Mapping[str, object]) -> Provenance:
        """Of what runs at this moment, with the libraries that are installed."""
        versions = {"python": platform.python_version()}
        for library in LIBRARIES:
            with suppress(metadata.PackageNotFoundError):
                versions[library] = metadata.version(library)
        return cls(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join(["reticent", *sys.argv[1:]]) if Path(sys.argv[0]).name == "reticent" else "",
            versions=versions,
            fingerprints=fingerprints,
            options=options,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Audit:
    """One model's audit.

    Attributes:
        model: what the reader calls the model.
        access: the rung granted.
        findings: one a attack, refused and failed ones too.
        checks: what was found before any attack.
        thresholds: the most that was to be given away, at least one.
        prior: share of members among the people an attacker would ask about.
        exposed_above: the posterior above which a person counts as exposed.
        candidates: (records,) the records put to the attacks.
        members: (records,) the truth about them.
        rows: (records,) their positions in what was handed over as members or non-members.
    """

    model: str
    access: Access
    findings: tuple[Finding, ...]
    checks: Checks
    thresholds: tuple[Threshold, ...]
    prior: float
    exposed_above: float
    candidates: Records = field(repr=False)
    members: BoolArray = field(repr=False)
    rows: IntArray = field(repr=False)
    provenance: Provenance = field(repr=False)
    seed: int = 0

    def __getitem__(self, attack: str) -> Finding:
        """The finding of an attack by its name; "csmia on race" where it guesses a column.

        Raises:
            PlanError: no such attack was part of the audit.
        """
        for finding in (*self.findings, self.checks.blind):
            if attack in (finding.attack, finding.title):
                return finding
        names = ", ".join(f.title for f in self.findings)
        raise PlanError(f"no attack called {attack!r} was part of this audit; those that were: {names}")

    @property
    def measured(self) -> tuple[Finding, ...]:
        """The findings of membership that hold figures."""
        return tuple(f for f in self.findings if isinstance(f.evidence, Evidence))

    @property
    def secrets(self) -> tuple[Finding, ...]:
        """The findings about sensitive columns that hold figures."""
        return tuple(f for f in self.findings if isinstance(f.evidence, Guesses))

    @property
    def exhibits(self) -> tuple[Finding, ...]:
        """The findings about anything else that hold figures: drawings, shares, what was read back."""
        return tuple(f for f in self.findings if isinstance(f.evidence, Exhibit))

    @cached_property
    def verdict(self) -> Verdict:
        """The worst figure with its interval, against the threshold asked for; the gravest of several."""
        return gravest(self.verdicts)

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """The worst figure against each threshold."""
        return tuple(
            judge(self.secrets if t.figure == "leak" else self.measured, t, spoilt=self.checks.spoilt)
            for t in self.thresholds
        )

    @property
    def threshold(self) -> Threshold:
        """The threshold that the verdict is about."""
        return self.verdict.threshold

    @property
    def strongest(self) -> Finding | None:
        """The attack that the verdict rests on, record by record; None where none was measured."""
        by_record = [f for f in self.measured if f.subject == "record"]
        named = [f for f in by_record if f.attack == self.verdict.attack]
        return named[0] if named else max(by_record, key=lambda f: f.roc.auc().value, default=None)

    @cached_property
    def likelihood_ratios(self) -> FloatArray:
        """(records,) how much more probable the strongest attack's score is if the record is a member."""
        evidence = self._evidence()
        return calibrated_likelihood_ratios(evidence.scores, evidence.members, self.seed)

    @cached_property
    def records(self) -> pd.DataFrame:
        """Per-record risk, worst first.

        Columns: member, row (position in what was handed over on that side), score, rank (share of the
        non-members below it), likelihood_ratio, posterior (at the stated prior).
        """
        import pandas as pd

        evidence, finding = self._evidence(), self.strongest
        assert finding is not None
        table = pd.DataFrame(
            {
                "member": self.members,
                "row": self.rows,
                "score": evidence.scores,
                "rank": finding.ranks(),
                "likelihood_ratio": self.likelihood_ratios,
                "posterior": posterior(self.likelihood_ratios, self.prior),
            }
        )
        return table.sort_values(["posterior", "score"], ascending=False, ignore_index=True)

    @cached_property
    def exposure(self) -> Exposure | Withheld:
        """How many members the strongest attack can name with the stated certainty."""
        evidence = self._evidence()
        return exposed(
            evidence.scores, evidence.members, prior=self.prior, posterior_above=self.exposed_above
        )

    @cached_property
    def groups(self) -> Sequence[GroupRisk]:
        """Groups of people by column, those first whose members stand out most from their non-members."""
        table = self.candidates.groups()
        columns = {str(name): table[name].to_numpy() for name in table.columns}
        return worst_groups(self._evidence().scores, columns, self.members)

    def guessed(self, attack: str) -> pd.DataFrame:
        """Whose sensitive column the attack guesses, members first of whom it is surest.

        Columns: member, row (position in what was handed over on that side), ahead (how far its best value's
        score is above the next), right, imputed_right (by imputation, which never sees the model).

        Raises:
            PlanError: no such attack was part of the audit.
            LookupError: it measured nothing, or guesses no column.
        """
        import pandas as pd

        told = self[attack].guesses
        table = pd.DataFrame(
            {
                "member": told.members,
                "row": self.rows[told.places],
                "ahead": told.ahead,
                "right": told.right,
                "imputed_right": told.control_right,
            }
        )
        return table.sort_values(["member", "ahead"], ascending=False, ignore_index=True)

    def leaks(self, attack: str) -> Sequence[GroupLeak]:
        """The leak of a sensitive column within groups of people, worst first.

        Raises:
            PlanError, LookupError: as in `guessed`.
        """
        told = self[attack].guesses
        table = self.candidates.groups().iloc[told.places]
        columns = {str(name): table[name].to_numpy() for name in table.columns}
        return leak_by_group(told.right, told.control_right, told.members, columns)

    def epsilon(self, attack: str, *, delta: float = 1e-5) -> EpsilonBound:
        """The epsilon that the attack's guesses rule out anything below of, at 95 %.

        Valid for a training that draws its records at random from the candidates; no guarantee above it.
        """
        evidence = self[attack].evidence
        if not isinstance(evidence, Evidence):
            reason = self[attack].reason or "it guesses something else than membership"
            raise PlanError(f"{attack} was {self[attack].outcome}, and bounds no epsilon: {reason}")
        return epsilon_lower_bound(evidence.scores, evidence.members, delta=delta, strategy=Bonferroni())

    def report(self, path: str | Path, *, beside: Sequence[Audit] = ()) -> Path:
        """Write one self-contained HTML page about this audit and others beside it."""
        from reticent.report.page import write_page

        return write_page([self, *beside], Path(path))

    def save(self, folder: str | Path) -> Path:
        """Write the report, findings.json, summary.md, junit.xml and the evidence to a private folder."""
        from reticent.report.folder import write_folder

        return write_folder(self, Path(folder))

    def _evidence(self) -> Evidence:
        if self.strongest is None:
            raise PlanError(
                f"nothing was measured on {self.model}, so there is no risk by record; see its findings"
            )
        return self.strongest.membership

    def _repr_html_(self) -> str:
        from reticent.report.fragments import audit_fragment

        return audit_fragment(self)

    def __rich__(self) -> Any:
        from reticent.report.terminal import audit_panel

        return audit_panel(self)
