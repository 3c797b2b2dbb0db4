"""Runs attacks on a model and measures their guesses: the referee keeps the truth, attacks never see it.

Shadow models that are missing are trained, each question is put to the target once, each attack guesses,
and its guesses are measured against the truth. Everything finished is kept by its fingerprint, so a run
that was stopped goes on where it stopped.
"""

from __future__ import annotations

import platform
import shlex
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import Access, FloatArray, Metered, Target, WhiteBox
from reticent.attacks.attack import (
    Attack,
    AttributeAttack,
    DescendantsAttack,
    DetectorAttack,
    GradientAttack,
    InversionAttack,
    MembershipAttack,
    PropertyAttack,
    ReleaseAttack,
    TextGradientAttack,
    WeightsAttack,
)
from reticent.attacks.catalogue import chosen, left_out, worth_running
from reticent.attacks.membership.blind import blind_scores
from reticent.attacks.membership.user_level import by_person
from reticent.data import Roles
from reticent.errors import ReticentError, StorageError, TargetError
from reticent.finding import Cost, Evidence, Finding, Threat
from reticent.fingerprint import fingerprint
from reticent.gradient_trial import GradientTrial
from reticent.hearing import Hearing, first_line, threw, unmeasured
from reticent.likeness_trial import LikenessTrial
from reticent.progress import Progress, default_progress
from reticent.property_trial import PropertyTrial
from reticent.question import Labels, Question, Scores
from reticent.recipe import Recipe
from reticent.result import Audit, Checks, Provenance
from reticent.scene import Scene
from reticent.secret_trial import SecretTrial
from reticent.settings import Settings
from reticent.shadows.engine import ask_shadows, shadow_key
from reticent.shadows.plan import Plan
from reticent.stage import Stage, lay_out
from reticent.store import Cells, default_cache, private_folder
from reticent.targets.load import open_target, recipe_for
from reticent.threshold import default_thresholds, read_thresholds

NO_PROPERTY = "needs a property that the model is not given: give roles, or properties in [data]"

OTHER_MODELS = "trains models on other shares of a property, and no recipe says how"

A_DETECTOR = "reads an object detector's boxes, and this is a classifier: run it by rt.audit_detector"

A_RELEASE = "reads a published table, not a model: run it by rt.audit_release"

A_TEXT_UPDATE = "reads shared gradients of texts, not a model: run it by rt.leak_text"

OPEN_WEIGHTS = "reads training records back from weights: run it by rt.read_weights"


FINE_TUNINGS = "recovers a base from the weights of several fine-tunings: run it by rt.detune"

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
        self._try(target)
        self.identity = target.fingerprint()
        self.scene_key = fingerprint(
            self.identity, stage.records.fingerprint(), stage.known, granted, settings.seed
        )
        self.hearing = Hearing(self.target, stage.records, progress)
        self.blind = self._blind()

    def findings(self, attacks: Sequence[Attack]) -> tuple[Finding, ...]:
        """Run the attacks; refused and failed ones are findings too."""
        by_record = self._membership([a for a in attacks if isinstance(a, MembershipAttack)])
        on_secrets = [a for a in attacks if isinstance(a, AttributeAttack)]
        on_worlds = [a for a in attacks if isinstance(a, PropertyAttack)]
        on_updates = [a for a in attacks if isinstance(a, GradientAttack)]
        on_classes = [a for a in attacks if isinstance(a, InversionAttack)]
        return (
            *by_record,
            *(self._secrets(on_secrets) if on_secrets else ()),
            *(self._likenesses(on_classes) if on_classes else ()),
            *(self._properties(on_worlds) if on_worlds else ()),
            *(self._gradients(on_updates) if on_updates else ()),
            *(unmeasured(a, "refused", A_DETECTOR) for a in attacks if isinstance(a, DetectorAttack)),
            *(unmeasured(a, "refused", A_RELEASE) for a in attacks if isinstance(a, ReleaseAttack)),
            *(unmeasured(a, "refused", A_TEXT_UPDATE) for a in attacks if isinstance(a, TextGradientAttack)),
            *(unmeasured(a, "refused", OPEN_WEIGHTS) for a in attacks if isinstance(a, WeightsAttack)),
            *(unmeasured(a, "refused", FINE_TUNINGS) for a in attacks if isinstance(a, DescendantsAttack)),
        )

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

    def _membership(self, attacks: Sequence[MembershipAttack]) -> tuple[Finding, ...]:
        refusals = {a: self._refusal(a, a.questions) for a in attacks}
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
        libraries = ("reticent", "numpy", "scipy", "pandas", "scikit-learn", "torch", "xgboost", "lightgbm")
        versions = {"python": platform.python_version()}
        for library in libraries:
            try:
                versions[library] = metadata.version(library)
            except metadata.PackageNotFoundError:
                continue
        return Provenance(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            command=shlex.join(["reticent", *sys.argv[1:]]) if Path(sys.argv[0]).name == "reticent" else "",
            versions=versions,
            fingerprints={
                "model": self.identity,
                "records": self.stage.records.fingerprint(),
                "recipe": self.recipe.fingerprint() if self.recipe else "",
            },
            options=asdict(self.settings),
        )

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
                        cache=self.cache / "signals",
                        workers=self.settings.workers,
                        advance=advance,
                    )
                )
        return Scene(
            self.target,
            self.stage.records,
            self.stage.known,
            self.hearing.answers,
            signals,
            self.settings.seed,
        )

    def _guess(
        self, attack: MembershipAttack, scene: Scene, kept: tuple[dict[str, Any], dict[str, Any]] | None
    ) -> Finding:
        if kept is None:
            before, start = self.target.queries, time.perf_counter()
            try:
                scores = np.asarray(attack.guess(scene), dtype=np.float64)[self.stage.candidates]
            except (StorageError, MemoryError):
                raise
            except ReticentError as error:
                return unmeasured(attack, "failed", str(error))
            except Exception as error:
                return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
            facts = {"seconds": time.perf_counter() - start, "queries": self.target.queries - before}
            self.cells.keep(self._key(attack), {"scores": scores}, facts)
            kept = {"scores": scores}, facts
        arrays, facts = kept
        asked = sum(q.queries(len(self.stage.records)) for q in attack.questions)
        return Finding(
            attack=attack.name,
            threat=attack.threat,
            access=attack.needs,
            outcome="measured",
            evidence=Evidence(arrays["scores"], self.stage.members[self.stage.candidates]),
            baseline=self.blind.roc,
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

    def _blind(self) -> Finding:
        candidates = self.stage.records.take(self.stage.candidates)
        truth = self.stage.members[self.stage.candidates]
        key = fingerprint("blind", blind_scores, candidates.fingerprint(), truth, self.settings.seed)
        kept = self.cells.find(key)
        if kept is None:
            start = time.perf_counter()
            with self.progress.stage("telling the sides apart without the model", 1) as advance:
                scores: FloatArray = blind_scores(candidates, truth, self.settings.seed)
                advance(1)
            kept = {"scores": scores}, {"seconds": time.perf_counter() - start}
            self.cells.keep(key, *kept)
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

    def _try(self, target: Target) -> None:
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
