"""Options of an audit: wrong ones are refused before anything runs."""

from __future__ import annotations

import pytest

from reticent.errors import PlanError
from reticent.settings import Settings


def test_defaults_are_allowed():
    assert Settings() == Settings(shadows=16, seed=0)


@pytest.mark.parametrize(
    "options",
    [
        {"shadows": 0},
        {"shadows": 7},
        {"seed": -1},
        {"fail_on": "nonsense"},
        {"fail_on": ""},
        {"access": "gradients"},
        {"copies": "ignore"},
        {"prior": 0.0},
        {"prior": 1},
        {"exposed_above": 1.0},
        {"population_share": -0.1},
        {"population_share": 0.95},
        {"query_limit": 0},
        {"workers": 0},
    ],
)
def test_impossible_options_are_one_sentence(options):
    with pytest.raises(PlanError) as caught:
        Settings(**options)
    assert "\n" not in str(caught.value)
    assert ";" in str(caught.value)  # what was given, then what to do


@pytest.mark.parametrize(
    "options",
    [
        {"population_share": 0.0},
        {"access": None},
        {"access": "labels"},
        {"fail_on": "auc low>0.6"},
        {"workers": 1},
    ],
)
def test_the_ends_of_what_is_possible_are_allowed(options):
    Settings(**options)
