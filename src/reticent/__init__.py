"""Reticent: measure what a model gives away about the people it learnt from.

The public face. Names are fetched when they are first used, so that `import reticent` is quick.
"""

from __future__ import annotations

from importlib import import_module, metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reticent import attacks, datasets, defences
    from reticent.access import Access, Outputs, Target
    from reticent.anonymised import Anonymised, anonymise
    from reticent.claim import Claim, Recorder
    from reticent.claim_trial import verify_dp
    from reticent.continuation_trial import continue_texts
    from reticent.data import Property, Records, Roles
    from reticent.descendants_trial import detune
    from reticent.detector_trial import audit_detector
    from reticent.domain import Categories, Domain, Numbers
    from reticent.errors import ReticentError, UserError
    from reticent.exposure_trial import expose
    from reticent.extraction_trial import extract
    from reticent.finding import Finding, Threat
    from reticent.frontier_trial import frontier
    from reticent.gradient_trial import leak_gradients
    from reticent.hardened import harden_model, open_hardened
    from reticent.layer_trial import extract_layer
    from reticent.pareto import Frontier
    from reticent.poison_trial import poison
    from reticent.property_trial import infer_property
    from reticent.recipe import Recipe
    from reticent.recitation_trial import recite, recite_translator
    from reticent.referee import audit
    from reticent.release_trial import audit_release
    from reticent.report.page import write_findings
    from reticent.result import Audit
    from reticent.settings import Settings
    from reticent.synthesis.synthetic import synthesise
    from reticent.synthetic_trial import try_synthetic
    from reticent.text_membership_trial import audit_text
    from reticent.text_trial import leak_text
    from reticent.threshold import Threshold, Verdict
    from reticent.through_copy import chain
    from reticent.verification import Verification
    from reticent.weights_trial import read_weights
    from reticent.worlds import Worlds

__version__ = metadata.version("reticent")

_HOMES = {
    "Access": "access",
    "Anonymised": "anonymised",
    "Audit": "result",
    "Categories": "domain",
    "Claim": "claim",
    "Domain": "domain",
    "Finding": "finding",
    "Frontier": "pareto",
    "Numbers": "domain",
    "Outputs": "access",
    "Property": "data",
    "Recipe": "recipe",
    "Recorder": "claim",
    "Records": "data",
    "ReticentError": "errors",
    "Roles": "data",
    "Settings": "settings",
    "Target": "access",
    "Threat": "finding",
    "Threshold": "threshold",
    "UserError": "errors",
    "Verdict": "threshold",
    "Verification": "verification",
    "Worlds": "worlds",
    "anonymise": "anonymised",
    "attacks": None,
    "audit": "referee",
    "audit_detector": "detector_trial",
    "audit_release": "release_trial",
    "audit_text": "text_membership_trial",
    "chain": "through_copy",
    "continue_texts": "continuation_trial",
    "datasets": None,
    "defences": None,
    "detune": "descendants_trial",
    "expose": "exposure_trial",
    "extract": "extraction_trial",
    "extract_layer": "layer_trial",
    "frontier": "frontier_trial",
    "harden_model": "hardened",
    "infer_property": "property_trial",
    "leak_gradients": "gradient_trial",
    "leak_text": "text_trial",
    "open_hardened": "hardened",
    "poison": "poison_trial",
    "read_weights": "weights_trial",
    "recite": "recitation_trial",
    "recite_translator": "recitation_trial",
    "synthesise": "synthesis.synthetic",
    "try_synthetic": "synthetic_trial",
    "verify_dp": "claim_trial",
    "write_findings": "report.page",
}

__all__ = [
    "Access",
    "Anonymised",
    "Audit",
    "Categories",
    "Claim",
    "Domain",
    "Finding",
    "Frontier",
    "Numbers",
    "Outputs",
    "Property",
    "Recipe",
    "Recorder",
    "Records",
    "ReticentError",
    "Roles",
    "Settings",
    "Target",
    "Threat",
    "Threshold",
    "UserError",
    "Verdict",
    "Verification",
    "Worlds",
    "anonymise",
    "attacks",
    "audit",
    "audit_detector",
    "audit_release",
    "audit_text",
    "chain",
    "continue_texts",
    "datasets",
    "defences",
    "detune",
    "expose",
    "extract",
    "extract_layer",
    "frontier",
    "harden_model",
    "infer_property",
    "leak_gradients",
    "leak_text",
    "open_hardened",
    "poison",
    "read_weights",
    "recite",
    "recite_translator",
    "synthesise",
    "try_synthetic",
    "verify_dp",
    "write_findings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reticent' has no attribute {name!r}")
    home = _HOMES[name]
    value = (
        import_module(f"reticent.{name}")
        if home is None
        else getattr(import_module(f"reticent.{home}"), name)
    )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
