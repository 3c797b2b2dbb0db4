"""What does asking a model give away of the model itself? Copies of it."""

from reticent.attacks.attack import ExtractionAttack
from reticent.attacks.extraction.equation_solving import EquationSolving
from reticent.attacks.extraction.lowd_meek import LowdMeek
from reticent.attacks.extraction.path_finding import PathFinding
from reticent.attacks.extraction.relu_layer import ReluLayer

__all__ = ["DEFAULT", "EquationSolving", "LowdMeek", "PathFinding", "ReluLayer"]

DEFAULT: tuple[ExtractionAttack, ...] = (EquationSolving(), LowdMeek(), PathFinding(), ReluLayer())
"""Every attack once."""
