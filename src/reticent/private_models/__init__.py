"""Private models of tables, with scikit-learn's face: fitted once, and whatever is asked of them later is
free.

Each is (epsilon, delta)-differentially private for adding or removing one record. What columns may hold and
which classes there are is given, never read off the records.
"""

from reticent.private_models.least_squares import PrivateLinearRegression
from reticent.private_models.linear import PrivateLogisticRegression
from reticent.private_models.naive_bayes import PrivateNaiveBayes
from reticent.private_models.trees import PrivateForest

__all__ = [
    "PrivateForest",
    "PrivateLinearRegression",
    "PrivateLogisticRegression",
    "PrivateNaiveBayes",
]
