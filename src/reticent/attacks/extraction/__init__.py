"""What does asking a model give away of the model itself? Copies of it."""

from reticent.attacks.attack import ExtractionAttack, LayerAttack
from reticent.attacks.extraction.active_thief import ActiveThief
from reticent.attacks.extraction.data_free import DataFree
from reticent.attacks.extraction.equation_solving import EquationSolving
from reticent.attacks.extraction.jacobian import JacobianAugmentation
from reticent.attacks.extraction.knockoff import Knockoff
from reticent.attacks.extraction.last_layer import LastLayer
from reticent.attacks.extraction.lowd_meek import LowdMeek
from reticent.attacks.extraction.path_finding import PathFinding
from reticent.attacks.extraction.relu_layer import ReluLayer

__all__ = [
    "DEFAULT",
    "ActiveThief",
    "DataFree",
    "EquationSolving",
    "JacobianAugmentation",
    "Knockoff",
    "LastLayer",
    "LowdMeek",
    "PathFinding",
    "ReluLayer",
]

DEFAULT: tuple[ExtractionAttack | LayerAttack, ...] = (
    EquationSolving(),
    LowdMeek(),
    PathFinding(),
    ReluLayer(),
    ActiveThief(),
    ActiveThief(choose="k-center"),
    Knockoff(),
    JacobianAugmentation(),
    DataFree(),
    LastLayer(),
)
"""Every attack once, and the active thief by both of its choices."""
