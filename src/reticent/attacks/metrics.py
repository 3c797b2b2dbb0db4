"""Single-model metrics of Song & Mittal 2021 (arXiv:2003.10595), each turned so that higher means member."""

from __future__ import annotations

from enum import Enum

import numpy as np

from reticent.access import FloatArray, IntArray


class Metric(Enum):
    """What is read off one answer."""

    CORRECTNESS = "correctness"
    CONFIDENCE = "confidence"
    ENTROPY = "entropy"
    MODIFIED_ENTROPY = "modified entropy"

    def __str__(self) -> str:
        return self.value

    def of(self, log_scores: FloatArray, labels: IntArray) -> FloatArray:
        """(records,) of log-probabilities (records, classes) in nats; labels as positions."""
        log_scores = log_scores.astype(np.float64)
        own = log_scores[np.arange(len(labels)), labels]
        if self is Metric.CORRECTNESS:
            return np.asarray(log_scores.argmax(axis=1) == labels, dtype=np.float64)
        if self is Metric.CONFIDENCE:
            return np.asarray(np.exp(own))
        scores = np.exp(log_scores)
        if self is Metric.ENTROPY:
            return np.asarray((scores * log_scores).sum(axis=1))
        # Mentr = −(1 − p_y) log p_y − Σ_{i≠y} p_i log(1 − p_i), their equation 7
        log_rest = np.log1p(-np.minimum(scores, 1 - 1e-15))
        others = (scores * log_rest).sum(axis=1) - np.exp(own) * log_rest[np.arange(len(labels)), labels]
        return np.asarray((1 - np.exp(own)) * own + others)
