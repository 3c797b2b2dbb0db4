"""What does a published table show of the people it was made from? The three risks of WP216, and copies."""

from reticent.attacks.attack import ReleaseAttack
from reticent.attacks.release.exact_copies import ExactCopies
from reticent.attacks.release.inference import InferenceRisk
from reticent.attacks.release.linkability import Linkability
from reticent.attacks.release.singling_out import SinglingOut

__all__ = ["DEFAULT", "ExactCopies", "InferenceRisk", "Linkability", "SinglingOut"]

DEFAULT: tuple[ReleaseAttack, ...] = (
    SinglingOut(),
    SinglingOut(columns=1),
    Linkability(),
    InferenceRisk(),
    ExactCopies(),
)
"""Every attack once, singling out by several columns and by one."""
