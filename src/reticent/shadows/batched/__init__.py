"""Many torch models of one architecture trained as one."""

from reticent.shadows.batched.stacked import Stacked, seeded
from reticent.shadows.batched.together import best_together, train_together
from reticent.shadows.batched.training import Training

__all__ = ["Stacked", "Training", "best_together", "seeded", "train_together"]
