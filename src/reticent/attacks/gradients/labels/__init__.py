"""Labels read off a gradient, by the last layer: how many of a batch there are of each."""

from reticent.attacks.gradients.labels.ilrg import ilrg_counts
from reticent.attacks.gradients.labels.last_layer import last_bias
from reticent.attacks.gradients.labels.learnt import learnt_counts
from reticent.attacks.gradients.labels.llg import llg_counts
from reticent.attacks.gradients.labels.simple import label_counts, single_label

__all__ = ["ilrg_counts", "label_counts", "last_bias", "learnt_counts", "llg_counts", "single_label"]
