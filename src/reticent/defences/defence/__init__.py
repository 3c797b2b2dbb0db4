"""A defence is a function of one of three kinds, and functions compose.

    data -> data        what becomes of records before a model sees them
    recipe -> recipe    how a model is trained
    target -> target    what becomes of its answers

`a | b` is a, then b. The three kinds come in this order, as data come before training and training before
answers; within a kind any order may be written and means what it says.
"""

from reticent.defences.defence.algebra import Composed, Defence, Stage, canary_of, none
from reticent.defences.defence.hardening import Answering, Prepared, guarded, harden, in_training, on_answers
from reticent.defences.defence.kinds import (
    Calibration,
    DataDefence,
    Defended,
    Fitted,
    OutputDefence,
    Policy,
    TrainingDefence,
)

__all__ = [
    "Answering",
    "Calibration",
    "Composed",
    "DataDefence",
    "Defence",
    "Defended",
    "Fitted",
    "OutputDefence",
    "Policy",
    "Prepared",
    "Stage",
    "TrainingDefence",
    "canary_of",
    "guarded",
    "harden",
    "in_training",
    "none",
    "on_answers",
]
