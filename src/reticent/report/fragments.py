"""What a notebook shows of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reticent.report.page import fragment

if TYPE_CHECKING:
    from reticent.result import Audit


def audit_fragment(audit: Audit) -> str:
    """Verdict and table as HTML."""
    return fragment(audit)
