"""A budget of differential privacy that fails closed: what is not left is not spent."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import inf
from threading import Lock

from reticent.errors import PlanError


@dataclass(frozen=True)
class Entry:
    """One line of the ledger.

    Attributes:
        what: was published.
        epsilon: that it cost, for adding or removing one record.
    """

    what: str
    epsilon: float


class Budget:
    """Pure epsilon, which adds up over everything published of the same people (basic composition).

    Spending is written down before anything is drawn: an error later costs its epsilon all the same.
    Amounts are added as the decimals they are written as, so that ten times 0.1 are 1.

    Args:
        epsilon: the whole.

    Raises:
        PlanError: it is not above 0.
    """

    def __init__(self, epsilon: float) -> None:
        self._whole = _amount(epsilon)
        self._entries: list[Entry] = []
        self._lock = Lock()

    @property
    def spent(self) -> float:
        """What is gone."""
        return float(self._sum())

    @property
    def left(self) -> float:
        """What is left."""
        return float(self._whole - self._sum())

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The ledger, oldest first."""
        return tuple(self._entries)

    def spend(self, epsilon: float, what: str) -> None:
        """Write down a cost.

        Raises:
            PlanError: it is not above 0, or more than is left; nothing is spent then.
        """
        asked = _amount(epsilon)
        with self._lock:
            left = self._whole - self._sum()
            if asked > left:
                raise PlanError(
                    f"the {what} was to cost epsilon={epsilon:g}, and {float(left):g} of "
                    f"{float(self._whole):g} is left; ask for less, or publish nothing more of these people"
                )
            self._entries.append(Entry(what, epsilon))

    def __str__(self) -> str:
        lines = [f"ε {entry.epsilon:g}  {entry.what}" for entry in self._entries]
        return "\n".join([*lines, f"ε {self.spent:g} of {float(self._whole):g} spent, {self.left:g} left"])

    def _sum(self) -> Fraction:
        return sum((_amount(entry.epsilon) for entry in self._entries), Fraction(0))


def _amount(epsilon: float) -> Fraction:
    if isinstance(epsilon, bool) or not isinstance(epsilon, int | float) or not 0 < epsilon < inf:
        raise PlanError(f"epsilon={epsilon} was given; give one above 0, such as 0.1")
    return Fraction(str(epsilon))
