"""What more does a model give away when somebody slips records into its training data? On by request only."""

from reticent.attacks.attack import PoisonAttack
from reticent.attacks.poison.truth_serum import TruthSerum

__all__ = ["DEFAULT", "TruthSerum"]

DEFAULT: tuple[PoisonAttack, ...] = (TruthSerum(),)
"""Every attack once."""
