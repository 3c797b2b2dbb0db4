"""A budget adds up exactly, and what is not left is not spent."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reticent.errors import PlanError
from reticent.statistics import Budget


def test_ten_times_a_tenth_is_the_whole():
    budget = Budget(1.0)
    for i in range(10):
        budget.spend(0.1, f"count {i}")
    assert (budget.spent, budget.left) == (1.0, 0.0)
    with pytest.raises(PlanError, match="0 of 1 is left; ask for less"):
        budget.spend(1e-9, "one more")
    assert len(budget.entries) == 10
    assert str(budget).endswith("ε 1 of 1 spent, 0 left") and "ε 0.1  count 3" in str(budget)


@settings(deadline=None)
@given(st.floats(0.1, 10), st.lists(st.floats(0.01, 3), max_size=20))
def test_no_order_of_spending_goes_beyond_the_whole(whole, asked):
    budget = Budget(whole)
    for cost in asked:
        try:
            budget.spend(cost, "it")
        except PlanError:
            assert cost > budget.left
    assert sum(entry.epsilon for entry in budget.entries) <= whole * (1 + 1e-12)


@pytest.mark.parametrize("epsilon", [0, -1, float("nan"), float("inf"), None, True])
def test_what_is_no_epsilon_is_refused(epsilon):
    with pytest.raises(PlanError, match="give one above 0"):
        Budget(epsilon)
    budget = Budget(1.0)
    with pytest.raises(PlanError, match="give one above 0"):
        budget.spend(epsilon, "it")
    assert budget.spent == 0


def test_two_who_spend_at_once_do_not_overspend():
    budget, refused = Budget(1.0), []

    def spend():
        for _ in range(50):
            try:
                budget.spend(0.02, "it")
            except PlanError:
                refused.append(1)

    threads = [threading.Thread(target=spend) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(budget.entries) == 50 and len(refused) == 150
