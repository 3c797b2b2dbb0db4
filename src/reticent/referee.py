"""Runs attacks on a model and measures their guesses: the referee keeps the truth, attacks never see it.

Shadow models that are missing are trained, each question is put to the target once, each attack guesses,
and its guesses are measured against the truth. Everything finished is kept by its fingerprint, so a run
that was stopped goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import Access, FloatArray, Metered, Target, WhiteBox
from reticent.attacks.attack import (
    Attack,
    AttributeAttack,
    ExtractionAttack,
    GradientAttack,
    InversionAttack,
    MembershipAttack,
    Named,
    PropertyAttack,
)
from reticent.attacks.catalogue import chosen, left_out, worth_running
from reticent.data import Roles
from reticent.errors import ReticentError, StorageError, TargetError
from reticent.extraction_trial import Copied, ExtractionTrial, copied, plain_recipe
from reticent.finding import Cost, Finding
from reticent.fingerprint import fingerprint
from reticent.gradient_trial import GradientTrial
from reticent.hearing import Hearing, measured, threw, unmeasured
from reticent.likeness_trial import LikenessTrial
from reticent.membership_trial import MembershipTrial, blind_control
from reticent.progress import Progress, default_progress
from reticent.property_trial import PropertyTrial
from reticent.question import Labels, Question, Scores
from reticent.recipe import Recipe
from reticent.result import Audit, Checks, Provenance
from reticent.secret_trial import SecretTrial
from reticent.settings import Settings
from reticent.shadows.engine import shadow_key
from reticent.shadows.plan import Plan
from reticent.stage import Stage, lay_out
from reticent.store import Cells, default_cache, private_folder
from reticent.targets.load import open_target, recipe_for
from reticent.threshold import default_thresholds, read_thresholds

NO_PROPERTY = "needs a property that the model is not given: give roles, or properties in [data]"

OTHER_MODELS = "trains models on other shares of a property, and no recipe says how"

NO_SECRET = "needs a sensitive column to guess, and none was named: give roles, or sensitive in [data]"

REMOTE_BATCH = 500
"""Records asked of a remote target at a time: what is lost when it fails."""

TRIED = 20
"""Records asked before anything else, to see that the model can read them."""


def audit(
    model: Any,
    *,
    members: tuple[Any, Any],
    nonmembers: tuple[Any, Any],
    recipe: Recipe | None = None,
    roles: Roles | None = None,
    attacks: Sequence[Attack] | None = None,
    settings: Settings | None = None,
    name: str | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Audit:
    """Measure what a model gives away about who was in its training set.

    Args:
        model: a fitted scikit-learn-like classifier, a torch module, a callable, or a `Target`.
        members: features and labels that the model was trained on.
        nonmembers: features and labels from the same source that it never saw.
        recipe: how to train another like it; needed for models that can't be cloned and fitted again.
        roles: what the columns mean; attacks on sensitive columns run where some are named.
        attacks: attacks to run, with their options; None for those that `settings` names.
        settings: everything else that may be chosen.
        name: what the report calls the model.
        cache: where finished work is kept; None for `store.default_cache()`.
        progress: what is told how far the work is; None for bars on a terminal.

    Returns:
        The audit: verdict, findings, records at risk, reports.

    Raises:
        UserError: the data, the model or the options are not as expected (one sentence).
        TargetError: the model threw on its own data, or its endpoint failed.
    """
    settings = settings or Settings()
    target = open_target(model, classes=_labels(members, nonmembers))
    granted = min(target.access, Access[settings.access.upper()] if settings.access else Access.WEIGHTS)
    worth = worth_running(
        secrets=bool(roles and roles.sensitive),
        properties=bool(roles and roles.properties),
        pictures=getattr(members[0], "ndim", 2) > 2 if members else False,
    )
    runs = tuple(attacks) if attacks is not None else chosen(settings.attacks, granted, worth)
    stage = lay_out(
        target,
        members,
        nonmembers,
        roles or Roles(),
        population_share=settings.population_share if any(a.population for a in runs) else 0.0,
        drop_copies=settings.copies == "drop",
        seed=settings.seed,
    )
    referee = Referee(
        target=target,
        granted=granted,
        stage=stage,
        recipe=recipe or recipe_for(model),
        settings=settings,
        cache=private_folder(Path(cache) if cache is not None else default_cache()),
        progress=progress or default_progress(),
    )
    unnamed = left_out(settings.attacks, runs, worth) if attacks is None else ()
    findings = (*referee.findings(runs), *referee.unasked(unnamed))
    outside = int((~stage.members[stage.candidates]).sum())
    guessed = any(f.secret and f.outcome == "measured" for f in findings)
    limits = read_thresholds(settings.fail_on) if settings.fail_on else None
    return Audit(
        model=name or type(model).__name__,
        access=granted,
        findings=findings,
        checks=referee.checks(),
        thresholds=limits or default_thresholds(outside, secrets=guessed),
        prior=settings.prior,
        exposed_above=settings.exposed_above,
        candidates=stage.records.take(stage.candidates),
        members=stage.members[stage.candidates],
        rows=stage.rows[stage.candidates],
        provenance=referee.provenance(),
        seed=settings.seed,
    )


class Referee:
    """One audit under way."""

    def __init__(
        self,
        *,
        target: Target,
        granted: Access,
        stage: Stage,
        recipe: Recipe | None,
        settings: Settings,
        cache: Path,
        progress: Progress,
    ) -> None:
        self.stage, self.recipe, self.settings = stage, recipe, settings
        self.cache, self.progress = cache, progress
        self.cells = Cells(cache / "cells")
        self.plan = Plan(models=settings.shadows, seed=settings.seed)
        self.white_box = isinstance(target, WhiteBox)
        remote = getattr(target, "remote", False)
        self.target = Metered(
            target,
            granted,
            batch=REMOTE_BATCH if remote else 10_000,
            limit=settings.query_limit,
            memory=Cells(cache / "answers") if remote else None,
        )
        self.shadows = shadow_key(recipe, stage.records, self.plan) if recipe else ""
        self._try()
        self.identity = target.fingerprint()
        self.scene_key = fingerprint(
            self.identity, stage.records.fingerprint(), stage.known, granted, settings.seed
        )
        self.hearing = Hearing(self.target, stage.records, progress)
        self.blind = blind_control(stage, self.cells, settings.seed, progress)

    def findings(self, attacks: Sequence[Attack]) -> tuple[Finding, ...]:
        """Run the attacks; refused and failed ones are findings too."""
        on_records = [a for a in attacks if isinstance(a, MembershipAttack)]
        on_secrets = [a for a in attacks if isinstance(a, AttributeAttack)]
        on_worlds = [a for a in attacks if isinstance(a, PropertyAttack)]
        on_updates = [a for a in attacks if isinstance(a, GradientAttack)]
        on_model = [a for a in attacks if isinstance(a, ExtractionAttack)]
        on_classes = [a for a in attacks if isinstance(a, InversionAttack)]
        return (
            *self._membership(on_records),
            *(self._secrets(on_secrets) if on_secrets else ()),
            *(self._likenesses(on_classes) if on_classes else ()),
            *(self._properties(on_worlds) if on_worlds else ()),
            *(self._gradients(on_updates) if on_updates else ()),
            *(self._copies(on_model) if on_model else ()),
            *(unmeasured(a, "refused", a.elsewhere) for a in attacks if isinstance(a, Named) and a.elsewhere),
        )

    def _membership(self, attacks: Sequence[MembershipAttack]) -> tuple[Finding, ...]:
        trial = MembershipTrial(
            target=self.target,
            stage=self.stage,
            recipe=self.recipe,
            plan=self.plan,
            shadows=self.shadows,
            hearing=self.hearing,
            cells=self.cells,
            cache=self.cache / "signals",
            scene_key=self.scene_key,
            seed=self.settings.seed,
            workers=self.settings.workers,
            refusal=self._refusal,
            blind=self.blind.roc,
            progress=self.progress,
        )
        return trial.findings(attacks)

    def _likenesses(self, attacks: Sequence[InversionAttack]) -> list[Finding]:
        trial = LikenessTrial(
            target=self.target,
            stage=self.stage,
            cells=self.cells,
            scene_key=self.scene_key,
            seed=self.settings.seed,
            refusal=self._refusal,
            progress=self.progress,
        )
        return trial.findings(attacks)

    def _gradients(self, attacks: Sequence[GradientAttack]) -> tuple[Finding, ...]:
        trial = GradientTrial(
            target=self.target, stage=self.stage, seed=self.settings.seed, progress=self.progress
        )
        return trial.findings(attacks)

    def _copies(self, attacks: Sequence[ExtractionAttack]) -> list[Finding]:
        found = []
        with self.progress.stage("copying the model", len(attacks)) as advance:
            for attack in attacks:
                why = self._refusal(attack, ())
                found.append(unmeasured(attack, "refused", why) if why else self._copy(attack))
                advance(1)
        return found

    def _copy(self, attack: ExtractionAttack) -> Finding:
        trained = self.recipe.fingerprint() if self.recipe else ""
        key = fingerprint("copied", attack, self.scene_key, self.settings.query_limit, trained)
        kept = self.cells.find(key)
        if kept is not None:
            arrays, facts = kept
            cost = Cost(queries=int(facts["queries"]), seconds=float(facts["seconds"]))
            return measured(attack, copied(arrays, str(facts["stopped"])), cost)
        try:
            found = self._thief.run(attack).finding
        except StorageError:
            raise
        except ReticentError as error:
            return unmeasured(attack, "refused", str(error))
        if isinstance(found.evidence, Copied):
            facts = {"queries": found.cost.queries, "seconds": found.cost.seconds}
            self.cells.keep(key, dict(found.evidence.arrays()), facts | {"stopped": found.evidence.stopped})
        return found

    @cached_property
    def _thief(self) -> ExtractionTrial:
        """Someone who has the population, and whose copies are judged on the other non-members."""
        own = self.stage.records.take(self.stage.known)
        return ExtractionTrial(
            target=self.target,
            judge=self.target,
            own=own,
            test=self.stage.records.take(~self.stage.members & ~self.stage.known),
            pool=own.features,
            recipe=self.recipe,
            control=self.recipe or plain_recipe(),
            seed=self.settings.seed,
        )

    def _properties(self, attacks: Sequence[PropertyAttack]) -> list[Finding]:
        facts = self.stage.records.roles.properties
        if not facts or self.recipe is None:
            why = OTHER_MODELS if facts else NO_PROPERTY
            return [unmeasured(a, "refused", why) for a in attacks]
        trial = PropertyTrial(
            target=self.target,
            recipe=self.recipe,
            records=self.stage.records,
            members=self.stage.members,
            seed=self.settings.seed,
            cache=self.cache,
            workers=self.settings.workers,
            progress=self.progress,
        )
        return [finding for fact in facts for finding in trial.findings(fact, attacks)]

    def _secrets(self, attacks: Sequence[AttributeAttack]) -> list[Finding]:
        columns = self.stage.records.roles.sensitive
        if not columns:
            return [unmeasured(a, "refused", NO_SECRET) for a in attacks]
        trial = SecretTrial(
            target=self.target,
            stage=self.stage,
            hearing=self.hearing,
            cells=self.cells,
            scene_key=self.scene_key,
            seed=self.settings.seed,
            refusal=self._refusal,
            progress=self.progress,
        )
        return [finding for column in columns for finding in trial.findings(column, attacks)]

    def unasked(self, attacks: Sequence[Attack]) -> list[Finding]:
        """Rows for costly attacks that were not named."""
        found = []
        for attack in attacks:
            questions = attack.questions if isinstance(attack, MembershipAttack) else ()
            each = sum(q.queries(len(self.stage.records)) for q in questions) // len(self.stage.records)
            many = f"{each:,} queries a record" if each else "thousands of queries a class"
            reason = f"asks {many}: name it, or 'all', to run it"
            found.append(unmeasured(attack, "refused", self._refusal(attack, questions) or reason))
        return found

    def checks(self) -> Checks:
        """What was found before any attack."""
        inside, outside = self.stage.handed
        right = self._right()
        truth = self.stage.members[self.stage.candidates]
        return Checks(
            members=inside,
            nonmembers=outside,
            candidates=len(self.stage.candidates),
            population=int(self.stage.known.sum()),
            overlap=self.stage.overlap,
            accuracy_members=float(right[truth].mean()),
            accuracy_nonmembers=float(right[~truth].mean()),
            blind=self.blind,
        )

    def provenance(self) -> Provenance:
        """What is needed to run it again."""
        content = {
            "model": self.identity,
            "records": self.stage.records.fingerprint(),
            "recipe": self.recipe.fingerprint() if self.recipe else "",
        }
        return Provenance.now(content, asdict(self.settings))

    def _refusal(self, attack: Attack, questions: Sequence[Question]) -> str:
        if attack.needs > self.target.access:
            return f"needs {attack.needs}, and {self.target.access} are granted"
        if attack.needs == Access.WEIGHTS and not self.white_box:
            return "needs the inside of a model, and this kind of model shows none"
        if attack.shadows and self.recipe is None:
            return "needs shadow models, and no recipe says how to train another model like this one"
        if attack.population and not self.stage.known.any():
            return "needs non-members that the attacker knows as such, and none were set aside"
        needed = sum(q.queries(len(self.stage.records)) for q in questions)
        if self.target.limit is not None and needed > self.target.limit:
            return f"needs {needed:,} queries, and {self.target.limit:,} are allowed"
        return ""

    def _right(self) -> FloatArray:
        """(candidates,) 1.0 where the model names the right class."""
        question = Scores() if self.target.access >= Access.SCORES else Labels()
        try:
            answers = self.hearing.answer(question)
        except TargetError:  # no queries left: the findings say so
            return np.full(len(self.stage.candidates), np.nan)
        if isinstance(question, Labels):
            right = answers.values[0, :, 0, 0]
        else:
            right = answers.values[0, :, 0].argmax(axis=-1) == answers.labels
        return np.asarray(right, dtype=np.float64)[self.stage.candidates]

    def _try(self) -> None:
        """Ask a few records first: a model that can't read them should say so before anything is trained."""
        few = self.stage.records.take(np.arange(min(TRIED, len(self.stage.records))))
        try:
            self.target.predict(few.features)
        except ReticentError:
            raise
        except Exception as error:
            raise TargetError(threw(error, f"on the first {len(few)} records")) from error


def _labels(members: Any, nonmembers: Any) -> Any:
    """The labels there are, for models that do not name their classes."""
    try:
        return np.unique(np.concatenate([np.asarray(side[1]).reshape(-1) for side in (members, nonmembers)]))
    except (TypeError, ValueError, IndexError):
        return None
