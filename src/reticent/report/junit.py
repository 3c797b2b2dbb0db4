"""JUnit XML, as continuous integration reads it: a case a limit, one for the split, one an attack."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from reticent.report.words import readable

if TYPE_CHECKING:
    from reticent.result import Audit


def junit(audit: Audit) -> str:
    """The audit as a test suite: limits and the split pass or fail; refused attacks are skipped."""
    suite = ElementTree.Element("testsuite", name=readable(f"reticent {audit.model}"))
    counts = {"failures": 0, "errors": 0, "skipped": 0}

    def case(kind: str, name: str, outcome: str = "", message: str = "") -> None:
        element = ElementTree.SubElement(suite, "testcase", classname=f"reticent.{kind}", name=readable(name))
        if outcome:
            ElementTree.SubElement(element, outcome, message=readable(message))
            counts[{"failure": "failures", "error": "errors"}.get(outcome, outcome)] += 1

    for verdict in audit.verdicts:
        failed = verdict.state != "met"
        case("limit", str(verdict.threshold), "failure" if failed else "", verdict.sentence)
    spoilt = "members and non-members can be told apart without the model"
    case("split", "blind control", "failure" if audit.checks.spoilt else "", spoilt)
    for finding in audit.findings:
        outcome = {"measured": "", "refused": "skipped", "failed": "error"}[finding.outcome]
        case("attack", finding.title, outcome, finding.reason)
    suite.set("tests", str(len(suite)))
    for name, count in counts.items():
        suite.set(name, str(count))
    suite.set("timestamp", audit.provenance.date[:19])
    text = ElementTree.tostring(suite, encoding="unicode", xml_declaration=False)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'
