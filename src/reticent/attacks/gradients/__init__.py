"""What do the gradients show that somebody shares? Records read back from an update."""

from reticent.attacks.attack import GradientAttack
from reticent.attacks.gradients.analytic import AnalyticLinear
from reticent.attacks.gradients.dlg import Dlg, Idlg
from reticent.attacks.gradients.inverting import InvertingGradients

__all__ = ["DEFAULT", "AnalyticLinear", "Dlg", "Idlg", "InvertingGradients"]

DEFAULT: tuple[GradientAttack, ...] = (AnalyticLinear(), Dlg(), Idlg(), InvertingGradients())
"""Every attack once."""
