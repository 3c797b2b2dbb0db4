"""Tries attacks on a sensitive column: the referee keeps its values, attacks get the records without it.

Every guess is set beside imputation, which never sees the model, and every gain on members beside the gain on
others: a gain that is the same for both is statistics of the population, not a leak of the training data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reticent.access import FloatArray, Metered
from reticent.attacks.attack import Attack, AttributeAttack
from reticent.attacks.attribute.each_value import EachValue, EachValueLabel
from reticent.attacks.attribute.imputation import best_imputation
from reticent.errors import DataError
from reticent.finding import Cost, Finding, Guesses
from reticent.fingerprint import fingerprint
from reticent.hearing import Hearing, Kept, first_line, guessed, unmeasured
from reticent.progress import Progress
from reticent.question import Question
from reticent.scene import SecretScene
from reticent.secret import Secret
from reticent.stage import Stage
from reticent.store import Cells


class SecretTrial:
    """Attacks on the sensitive columns of one audit."""

    def __init__(
        self,
        *,
        target: Metered,
        stage: Stage,
        hearing: Hearing,
        cells: Cells,
        scene_key: str,
        seed: int,
        refusal: Callable[[Attack, Sequence[Question]], str],
        progress: Progress,
    ) -> None:
        self.target, self.stage, self.hearing, self.cells = target, stage, hearing, cells
        self.scene_key, self.seed, self.refusal, self.progress = scene_key, seed, refusal, progress

    def findings(self, column: str, attacks: Sequence[AttributeAttack]) -> list[Finding]:
        """Run the attacks on one column; refused and failed ones are findings too."""
        try:
            secret = Secret.of(self.stage.records.take(self.stage.known), column)
        except DataError as error:
            return [unmeasured(a, "refused", str(error), secret=column) for a in attacks]
        refusals = {a: self.refusal(a, a.asks(secret)) for a in attacks}
        kept = {a: self.cells.find(self._key(a, secret)) for a in attacks if not refusals[a]}
        fresh = [a for a, cell in kept.items() if cell is None]
        self.hearing.ask([q for a in fresh for q in a.asks(secret)])
        truth = secret.positions(self.stage.records)
        scene = SecretScene(
            target=self.target,
            records=secret.without(self.stage.records),
            secret=secret,
            known=np.where(self.stage.known, truth, -1),
            answers=self.hearing.answers,
            seed=self.seed,
        )
        found = []
        with self.progress.stage(f"guessing {column}", len(fresh)) as advance:
            for attack in attacks:
                why = (
                    refusals[attack]
                    or self.hearing.why_not(attack.asks(secret))
                    or self._unmoved(attack, secret)
                )
                if why:
                    found.append(unmeasured(attack, "refused", why, secret=column))
                else:
                    found.append(self._guess(attack, scene, truth, kept[attack]))
                advance(int(kept.get(attack, ()) is None))
        return found

    def _unmoved(self, attack: AttributeAttack, secret: Secret) -> str:
        """Why there is nothing to read where the model answers the same whatever the column holds."""
        asked = [q for q in attack.asks(secret) if isinstance(q, EachValue | EachValueLabel)]
        for question in asked:
            answers = self.hearing.answers.get(question)
            if answers is not None and bool((answers.values == answers.values[:, :, :1]).all()):
                return (
                    f"the model answers the same whatever {secret.column!r} holds: it does not use the column"
                )
        return ""

    def _guess(self, attack: AttributeAttack, scene: SecretScene, truth: Any, kept: Kept | None) -> Finding:
        candidates, secret = self.stage.candidates, scene.secret

        def guess() -> FloatArray:
            return np.asarray(attack.guess(scene), dtype=np.float64)[candidates]

        if kept is None:
            found = guessed(attack, self.target, guess, secret=secret.column)
            if isinstance(found, Finding):
                return found
            self.cells.keep(self._key(attack, secret), *found)
            kept = found
        arrays, facts = kept
        has = truth[candidates] >= 0
        asked = sum(q.queries(len(self.stage.records)) for q in attack.asks(secret))
        return Finding(
            attack=attack.name,
            threat=attack.threat,
            access=attack.needs,
            outcome="measured",
            secret=secret.column,
            evidence=Guesses(
                scores=arrays["scores"][has],
                control=self._control(scene)[candidates][has],
                truth=truth[candidates][has],
                members=self.stage.members[candidates][has],
                places=np.flatnonzero(has),
            ),
            cost=Cost(queries=asked + int(facts["queries"]), seconds=float(facts["seconds"])),
            about=first_line(attack),
            source=attack.source,
            caveat=attack.caveat,
        )

    def _control(self, scene: SecretScene) -> Any:
        """(records, values) what imputation says."""
        key = fingerprint("imputation", best_imputation, self.scene_key, scene.secret)
        kept = self.cells.find(key)
        if kept is None:
            values = len(scene.secret.values)
            scores = best_imputation(scene.records, scene.known, values, self.seed)
            kept = {"scores": scores}, {}
            self.cells.keep(key, *kept)
        return kept[0]["scores"]

    def _key(self, attack: AttributeAttack, secret: Secret) -> str:
        return fingerprint("guess of a secret", attack, secret, self.scene_key)
