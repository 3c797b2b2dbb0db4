"""Tries attacks on membership: they see candidates without the truth, and their scores are set beside it.

Each question is put to the target once and to every shadow model alike; shadow models that are missing are
trained. What the strongest attack says of records is said of people too, where records name theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reticent.access import Access, FloatArray, Metered
from reticent.attacks.attack import Attack, MembershipAttack
from reticent.attacks.membership.blind import blind_scores
from reticent.attacks.membership.user_level import by_person
from reticent.finding import Cost, Evidence, Finding, Threat
from reticent.fingerprint import fingerprint
from reticent.hearing import Hearing, Kept, first_line, guessed, unmeasured
from reticent.measure.roc import Roc
from reticent.progress import Progress
from reticent.question import Question
from reticent.recipe import Recipe
from reticent.scene import Scene
from reticent.shadows.engine import ask_shadows
from reticent.shadows.plan import Plan
from reticent.stage import Stage
from reticent.store import Cells


@dataclass(frozen=True, kw_only=True, eq=False)
class MembershipTrial:
    """Attacks on membership in one audit.

    Attributes:
        target, stage, hearing, cells, progress, seed: of the audit.
        recipe: how shadow models are trained, or None.
        plan: which of them trains on which record.
        shadows: a hash of them, empty without a recipe.
        cache: where their answers are kept.
        workers: processes that train them; None for one a core.
        scene_key: a hash of the model, the records and what is granted.
        refusal: why an attack that asks these questions can't run; empty where it can.
        blind: how well a classifier that never sees the model tells the sides apart.
    """

    target: Metered
    stage: Stage
    recipe: Recipe | None
    plan: Plan
    shadows: str
    hearing: Hearing
    cells: Cells
    cache: Path
    scene_key: str
    seed: int
    workers: int | None
    refusal: Callable[[Attack, Sequence[Question]], str]
    blind: Roc
    progress: Progress

    def findings(self, attacks: Sequence[MembershipAttack]) -> tuple[Finding, ...]:
        """Run the attacks; refused and failed ones are findings too."""
        refusals = {a: self.refusal(a, a.questions) for a in attacks}
        kept = {a: self.cells.find(self._key(a)) for a in attacks if not refusals[a]}
        fresh = [a for a, cell in kept.items() if cell is None]
        self.hearing.ask([q for a in fresh for q in a.questions])
        scene = self._scene([a for a in fresh if not self.hearing.why_not(a.questions)])
        found = []
        with self.progress.stage("attacking", len(fresh)) as advance:
            for attack in attacks:
                if refusals[attack]:
                    found.append(unmeasured(attack, "refused", refusals[attack]))
                elif why := self.hearing.why_not(attack.questions):
                    found.append(unmeasured(attack, "refused", why))
                else:
                    found.append(self._guess(attack, scene, kept[attack]))
                    advance(int(kept[attack] is None))
        return (*found, *self._by_person(found))

    def _key(self, attack: MembershipAttack) -> str:
        return fingerprint(
            "guess", attack, self.scene_key, (self.plan, self.shadows) if attack.shadows else ""
        )

    def _scene(self, attacks: Sequence[MembershipAttack]) -> Scene:
        signals = {}
        questions = list(dict.fromkeys(q for a in attacks if a.shadows for q in a.questions))
        if questions and self.recipe is not None:
            with self.progress.stage("training shadow models", self.plan.models) as advance:
                signals = dict(
                    ask_shadows(
                        self.recipe,
                        self.stage.records,
                        self.plan,
                        questions,
                        cache=self.cache,
                        workers=self.workers,
                        advance=advance,
                    )
                )
        return Scene(
            self.target,
            self.stage.records,
            self.stage.known,
            self.hearing.answers,
            signals,
            self.seed,
        )

    def _guess(self, attack: MembershipAttack, scene: Scene, kept: Kept | None) -> Finding:
        def guess() -> FloatArray:
            return np.asarray(attack.guess(scene), dtype=np.float64)[self.stage.candidates]

        if kept is None:
            found = guessed(attack, self.target, guess)
            if isinstance(found, Finding):
                return found
            self.cells.keep(self._key(attack), *found)
            kept = found
        arrays, facts = kept
        asked = sum(q.queries(len(self.stage.records)) for q in attack.questions)
        return Finding(
            attack=attack.name,
            threat=attack.threat,
            access=attack.needs,
            outcome="measured",
            evidence=Evidence(arrays["scores"], self.stage.members[self.stage.candidates]),
            baseline=self.blind,
            cost=Cost(
                queries=asked + int(facts["queries"]),
                trainings=self.plan.models if attack.shadows else 0,
                seconds=float(facts["seconds"]),
            ),
            about=first_line(attack),
            source=attack.source,
            caveat=attack.caveat,
        )

    def _by_person(self, found: Sequence[Finding]) -> list[Finding]:
        """The strongest attack once more, its scores summed up by person, where records name theirs."""
        people = self.stage.records.people
        measured = [f for f in found if f.evidence is not None]
        if people is None or not measured:
            return []
        best = max(measured, key=lambda f: f.roc.auc().value)
        told = best.membership
        scores, members = by_person(told.scores, told.members, people[self.stage.candidates])
        return [
            Finding(
                attack=f"{best.attack} by person",
                threat=best.threat,
                access=best.access,
                outcome="measured",
                evidence=Evidence(scores, members),
                cost=best.cost,
                subject="person",
                about=f"{best.attack}, its scores of all records of a person taken together",
                source=best.source,
                caveat=best.caveat,
            )
        ]


def blind_control(stage: Stage, cells: Cells, seed: int, progress: Progress) -> Finding:
    """What a classifier tells that never sees the model: if it tells the sides apart, the split is spoilt."""
    candidates = stage.records.take(stage.candidates)
    truth = stage.members[stage.candidates]
    key = fingerprint("blind", blind_scores, candidates.fingerprint(), truth, seed)
    kept = cells.find(key)
    if kept is None:
        start = time.perf_counter()
        with progress.stage("telling the sides apart without the model", 1) as advance:
            scores: FloatArray = blind_scores(candidates, truth, seed)
            advance(1)
        kept = {"scores": scores}, {"seconds": time.perf_counter() - start}
        cells.keep(key, *kept)
    arrays, facts = kept
    return Finding(
        attack="blind",
        threat=Threat.MEMBERSHIP,
        access=Access.LABELS,
        outcome="measured",
        evidence=Evidence(arrays["scores"], truth),
        cost=Cost(seconds=float(facts["seconds"])),
        about="A classifier that never sees the model: what the two sides differ in by themselves.",
        source="control",
    )
