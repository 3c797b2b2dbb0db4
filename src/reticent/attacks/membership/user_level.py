"""User level: was this person in the training set, with whichever of their records?

Song & Shmatikov 2019 (arXiv:1811.00513) ask it of text models; Kandpal et al. 2024 (arXiv:2310.09266) of
fine-tuned ones. Scores of a person's records are taken together: evidence adds up, so people with many
records are found where none of their records is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from reticent.access import BoolArray, FloatArray


def by_person(
    scores: FloatArray, members: BoolArray, people: npt.NDArray[Any]
) -> tuple[FloatArray, BoolArray]:
    """One score a person: the mean over their records of each record's rank among all.

    People with records on both sides are left out, for nothing true can be said of them.

    Args:
        scores: (records,) higher = member.
        members: (records,) the truth.
        people: (records,) keys of persons.

    Returns:
        (persons,) scores and (persons,) truth, in the order of the sorted keys.
    """
    ordered = np.sort(scores)
    below, up_to = (np.searchsorted(ordered, scores, side=side) for side in ("left", "right"))
    _, person = np.unique(people.astype(str), return_inverse=True)
    records = np.bincount(person)
    inside = np.bincount(person, weights=members)
    mean = np.bincount(person, weights=(below + up_to) / 2 / len(scores)) / records
    whole = (inside == 0) | (inside == records)
    return mean[whole], inside[whole] > 0
