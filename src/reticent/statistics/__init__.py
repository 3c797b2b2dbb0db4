"""Statistics for publication, under a budget that can't be overspent: noise and its reckoning by OpenDP.

    budget = Budget(epsilon=1.0)
    ages = mean(budget, patients["age"], low=0, high=100, epsilon=0.3)
    ages.value, ages.low, ages.high
    print(budget)

Bounds and categories are given, never read off the people; values beyond the bounds are clipped. Intervals
hold the noise, not the drawing of the people.
"""

from reticent.statistics.budget import Budget
from reticent.statistics.release import count, histogram, mean, quantiles, total, variance

__all__ = ["Budget", "count", "histogram", "mean", "quantiles", "total", "variance"]
