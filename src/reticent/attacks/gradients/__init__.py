"""What do the gradients show that somebody shares? Records read back from an update."""

from reticent.attacks.attack import GradientAttack, TextGradientAttack
from reticent.attacks.gradients.analytic import AnalyticLinear
from reticent.attacks.gradients.dager import Dager
from reticent.attacks.gradients.dlg import Dlg, Idlg
from reticent.attacks.gradients.inverting import InvertingGradients

__all__ = ["DEFAULT", "AnalyticLinear", "Dager", "Dlg", "Idlg", "InvertingGradients"]

DEFAULT: tuple[GradientAttack | TextGradientAttack, ...] = (
    AnalyticLinear(),
    Dlg(),
    Idlg(),
    InvertingGradients(),
    Dager(),
)
"""Every attack once."""
