"""iLRG: the module's own answer to what each class's records look like on average, then linear equations.

Ma et al., "Instance-wise Batch Label Restoration via Gradients in Federated Learning", ICLR 2023, section 3:
the gradient by a class's row of the last weights over that by its bias is the mean input e_k of its records,
as far as they outweigh others there. The module's answer to it stands for its answers to them, and so the
counts solve, by least squares,

    B × gradient by bias = Σ_k counts_k (answer_k − one-hot_k)  and  B = Σ_k counts_k.
"""

from __future__ import annotations

import numpy as np

from reticent.access import IntArray
from reticent.attacks.gradients.labels.last_layer import last_layer, rounded
from reticent.observation import Observation


def ilrg_counts(observation: Observation) -> IntArray:
    """(classes,) how many of the batch have each label.

    Exact where the module answers all records of a class alike; unstable where a class's records pull its
    bias up about as much as others' pull it down, as in batches much larger than the classes are many.

    Raises:
        ModelError: the last layer is not fully connected with a bias.
    """
    from scipy.special import softmax

    last, batch = last_layer(observation), observation.batch
    classes = len(last.bias)
    whole = np.where(last.by_bias == 0, np.inf, last.by_bias)
    means = last.by_weights / whole[:, None]
    answers = softmax(means @ last.weights.T + last.bias, axis=1)
    equations = np.vstack([(answers - np.eye(classes)).T, np.ones(classes)])
    sums = np.append(batch * last.by_bias, batch)
    return rounded(np.linalg.pinv(equations) @ sums, observation)
