"""The options of an audit, as a plan file holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from reticent.errors import PlanError
from reticent.shadows.plan import Plan
from reticent.threshold import read_thresholds


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What may be chosen about an audit.

    Attributes:
        attacks: names of attacks to run; empty for all that the access allows and that are not costly.
        access: cap on what the attacker sees, below what the model grants; None for all it grants.
        shadows: shadow models to train, an even number.
        seed: of everything random.
        fail_on: the most that may be given away, as in "tpr@0.1%>0.01, auc>0.6"; None for defaults.
        prior: share of members among the people an attacker would ask about.
        exposed_above: the posterior above which a person counts as exposed.
        population_share: share of the non-members set aside for attacks that know some.
        copies: what becomes of records that are on both sides: left out of both, or kept.
        query_limit: the most records that the model may be asked; None for no limit.
        workers: processes that train shadow models; None for one a core.
    """

    attacks: tuple[str, ...] = ()
    access: Literal["labels", "scores", "logits", "weights"] | None = None
    shadows: int = 16
    seed: int = 0
    fail_on: str | None = None
    prior: float = 0.5
    exposed_above: float = 0.9
    population_share: float = 0.25
    copies: Literal["drop", "keep"] = "drop"
    query_limit: int | None = None
    workers: int | None = None

    def __post_init__(self) -> None:
        Plan(models=self.shadows)
        if self.fail_on is not None:
            read_thresholds(self.fail_on)
        _among("access", self.access, ("labels", "scores", "logits", "weights", None))
        _among("copies", self.copies, ("drop", "keep"))
        for name in ("prior", "exposed_above"):
            value = getattr(self, name)
            if not 0 < value < 1:
                raise PlanError(f"{name} = {value} was given; it is a share between 0 and 1, such as 0.5")
        if not 0 <= self.population_share <= 0.9:
            raise PlanError(
                f"population_share = {self.population_share} was given; it is a share from 0 to 0.9"
            )
        if self.seed < 0:
            raise PlanError(f"seed = {self.seed} was given; it is a whole number from 0 on")
        for name in ("query_limit", "workers"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise PlanError(f"{name} = {value} was given; it is a count from 1 on, or left out")


def _among(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        shown = ", ".join(str(c) for c in choices if c is not None)
        raise PlanError(f"{name} = {value!r} was given; choose one of {shown}")
