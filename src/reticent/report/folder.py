"""A run folder: the report, what machines read, and the evidence by record."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.exhibit import Exhibit
from reticent.finding import Evidence, Guesses
from reticent.report.findings import findings_json
from reticent.report.junit import junit
from reticent.report.markdown import summary
from reticent.report.page import write_page
from reticent.store import private_folder, write_text, write_whole

if TYPE_CHECKING:
    from reticent.result import Audit


def write_folder(audit: Audit, folder: Path) -> Path:
    """Write all of one audit to a folder that its owner alone can read.

    Raises:
        StorageError: the disk is full or can't be written.
    """
    private_folder(folder)
    evidence = private_folder(folder / "evidence")
    for i, finding in enumerate((*audit.findings, audit.checks.blind)):
        if finding.evidence is None:
            continue
        arrays = _arrays(finding.evidence)
        if finding.subject == "record" and isinstance(finding.evidence, Evidence):
            arrays["rows"] = audit.rows
        name = re.sub("[^A-Za-z0-9]+", "-", finding.title).strip("-")[:80]
        write_whole(evidence / f"{i:02d}-{name}.npz", lambda file, a=arrays: np.savez(file, **a))  # type: ignore[misc]
    write_text(folder / "findings.json", findings_json([audit]))
    write_text(folder / "summary.md", summary([audit]))
    write_text(folder / "junit.xml", junit(audit))
    write_page([audit], folder / "report.html")
    return folder


def _arrays(evidence: Evidence | Guesses | Exhibit) -> dict[str, npt.NDArray[Any]]:
    """What is kept of each record: whose secret was guessed rightly, but never the secret; what was drawn."""
    if isinstance(evidence, Evidence):
        return {"scores": evidence.scores, "members": evidence.members}
    if isinstance(evidence, Guesses):
        right, imputed = evidence.right, evidence.control_right
        return {"right": right, "imputed_right": imputed, "members": evidence.members}
    return dict(evidence.arrays())
