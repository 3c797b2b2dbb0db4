"""Trains a model under each of many defences, attacks every one of them honestly, and sets them side by side.

The checklist of Aerni, Zhang & Tramèr, "Evaluations of Machine Learning Privacy Defenses are Misleading",
CCS 2024, arXiv:2404.17399: canaries chosen for each defence; shadow models through the whole of it; the
strongest of attacks on logit and hinge, on disturbed copies, on labels alone, and on the same question
asked again; parts beside the whole; private training tuned to the same usefulness always among them.
Intervals are by bootstrap over models and canaries.

Models that differ in what becomes of their answers alone are the same models: they are trained once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, Metered, Target
from reticent.attacks.adaptive import Again, CopiesLabels, CopiesScores
from reticent.attacks.attack import SignalsAttack
from reticent.attacks.membership import Lira, Rmia
from reticent.canary import Canary, with_canaries
from reticent.data import Records, concat, records
from reticent.defences import dp_sgd
from reticent.defences.defence import (
    Calibration,
    Defence,
    OutputDefence,
    canary_of,
    guarded,
    in_training,
    none,
    on_answers,
)
from reticent.defences.training.dp_sgd import private
from reticent.defences.training.kinds import as_torch, refusal
from reticent.errors import DataError, ModelError, PlanError, ReticentError, StorageError
from reticent.pareto import Frontier, Role, Row
from reticent.progress import Progress, default_progress
from reticent.question import Labels, Question, Scores
from reticent.recipe import Guarantee, Private, Recipe
from reticent.shadows.engine import ask_shadows, seconds_each
from reticent.shadows.plan import Plan
from reticent.shadows.signals import Answers, Signals
from reticent.store import default_cache, private_folder
from reticent.told import Told

HOLDOUT_SHARE = 0.4
"""Of the records, where none are held out: half measure usefulness, half are what defences may look at."""

MOST_CANARIES, CANARY_SHARE = 500, 0.05
"""Canaries: so many, or this share of the records that models are trained on."""

FEWEST = 200
"""Records without which nothing would be measured."""

ATTACKS: tuple[SignalsAttack, ...] = (
    Lira(variance="global"),
    Lira(variance="per-record"),
    Lira(variance="global", statistic="hinge"),
    Rmia(temperature=2.0),
)
"""What reads answers; each is told what the other shadow models say, through the defence."""

NOISES = (2.0, 1.4, 1.0, 0.7, 0.5, 0.35, 0.25, 0.18, 0.12, 0.08)
"""Noise multipliers that private training of the same usefulness is looked for among, strongest first."""

WAYS = ((1, 1), (1, 4), (8, 2), (8, 16))
"""Private training is tried with batches so many times as large as the recipe's, in which noise weighs less,
and learning rates so many times as high, for gradients are shorter once they are clipped."""

TUNED_ON = 2
"""Models that each of them is tried with."""


def frontier(
    recipe: Recipe,
    data: Records | tuple[Any, Any],
    defences: Sequence[Defence],
    *,
    holdout: Records | tuple[Any, Any] | None = None,
    shadows: int = 32,
    canaries: int | None = None,
    parts: bool = True,
    private: bool = True,
    seed: int = 0,
    workers: int | None = None,
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> Frontier:
    """Measure what each defence leaves of a model's leak and of its usefulness.

    Args:
        recipe: how the model is trained without any defence.
        data: records; on halves of them models are trained.
        holdout: others from the same source: half measure usefulness, half are the reference that some
            defences look at. None to set two fifths of `data` aside for it.
        defences: those to measure; the undefended model comes of itself.
        shadows: models a defence, each of them once under attack by means of the others; even.
        canaries: how many; None for 500, or one in twenty of the records trained on.
        parts: measure the parts of compositions too.
        private: measure private training of the same usefulness too (torch modules).
        workers: processes that train; None for one a core.
        cache: where finished work is kept; None for `store.default_cache()`.

    Raises:
        DataError: too few records.
        PlanError: an odd number of shadows, no defences.
    """
    Plan(models=shadows)
    if not defences:
        raise PlanError("no defences were given; give a list of them, such as [l2(1e-3), round_scores(2)]")
    stage = _Stage.laid_out(*_sides(data, holdout), canaries, shadows, seed)
    trial = _Trial(
        recipe=recipe,
        stage=stage,
        cache=private_folder(Path(cache) if cache is not None else default_cache()) / "signals",
        workers=workers,
        progress=progress or default_progress(),
    )
    wanted = _wanted(defences, parts=parts)
    rows = trial.rows(wanted)
    if private:
        rows.append(trial.private_row(rows))
    return Frontier(
        rows=tuple(rows),
        models=shadows,
        records=(len(stage.base), stage.canaries, len(stage.test), len(stage.reference)),
        classes=len(stage.base.classes),
    )


@dataclass(frozen=True, kw_only=True)
class FrontierPlan:
    """Which model trains on which record: ordinary ones and canaries in exactly half of the models, the
    rest in none.

    Attributes:
        models: how many; even.
        ordinary: how many records come first.
        canaries: how many canaries come then.
        copies: equal records, beside each other, that make one canary.
        seed: of the draw and of the models' own seeds.
    """

    models: int
    ordinary: int
    canaries: int
    copies: int
    seed: int = 0

    @property
    def trainings(self) -> int:
        """How many models are trained."""
        return self.models

    def masks(self, records: int) -> BoolArray:
        """(models, records) True where the model trains on the record."""
        masks = np.zeros((self.models, records), dtype=bool)
        units = Plan(models=self.models, seed=self.seed).masks(self.ordinary + self.canaries)
        masks[:, : self.ordinary] = units[:, : self.ordinary]
        last = self.ordinary + self.canaries * self.copies
        masks[:, self.ordinary : last] = np.repeat(units[:, self.ordinary :], self.copies, axis=1)
        return masks

    def seeds(self) -> list[int]:
        """One seed a model."""
        return Plan(models=self.models, seed=self.seed).seeds()


@dataclass(frozen=True)
class Behind:
    """A question put to a model behind defences of its answers.

    Attributes:
        outputs: the defences.
        question: what is asked.
        reference: records to fit the defences to.
        part: which records are asked about.
    """

    needs: ClassVar[Access] = Access.LABELS
    outputs: tuple[OutputDefence, ...]
    question: Question
    reference: Records
    part: slice

    def __hash__(self) -> int:
        return hash((self.outputs, self.question, self.part.start, self.part.stop, self.part.step))

    def ask(self, target: Metered, records: Records) -> FloatArray:
        """Not possible: the defences are fitted to what the model was trained on."""
        raise NotImplementedError("needs to know what the model was trained on")

    def ask_trained(self, target: Target, data: Records, mask: BoolArray, seed: int) -> FloatArray:
        """Fit the defences and return the answers (records, variants, channels)."""
        calibration = Calibration(data.take(mask), self.reference)
        asked = data.take(np.arange(len(data))[self.part])
        return self.question.ask(Metered(guarded(target, self.outputs, calibration, seed)), asked)

    def queries(self, records: int) -> int:
        """As the question."""
        return self.question.queries(records)


@dataclass(frozen=True, eq=False)
class _Stage:
    """The records and what they are for.

    Attributes:
        base: ordinary records, of which each model is trained on half, before canaries are made of some.
        test, reference: those that no model is trained on.
        canaries: how many are made.
        models: shadow models.
    """

    base: Records
    test: Records
    reference: Records
    canaries: int
    models: int
    seed: int

    @classmethod
    def laid_out(
        cls, data: Records, holdout: Records | None, canaries: int | None, models: int, seed: int
    ) -> _Stage:
        given = len(data) + (len(holdout) if holdout is not None else 0)
        if given < FEWEST:
            raise DataError(
                f"{given:,} records were given; give at least {FEWEST}, and thousands to tell defences apart"
            )
        if holdout is None:
            order = np.random.default_rng([seed, 14]).permutation(len(data))
            aside = int(HOLDOUT_SHARE * len(data))
            data, holdout = data.take(order[aside:]), data.take(order[:aside])
        test, reference = halves(holdout, seed)
        share = max(20, int(CANARY_SHARE * len(data)))
        many = canaries if canaries is not None else min(MOST_CANARIES, share)
        if not 1 <= many <= len(data) // 2:
            raise DataError(
                f"{many:,} canaries were asked for and models are trained on {len(data):,} records; give at "
                "most half"
            )
        return cls(data, test, reference, many, models, seed)

    def records(self, canary: Canary) -> tuple[Records, FrontierPlan]:
        """Ordinary records, canaries, and test records, and who trains on what."""
        trained = with_canaries(self.base, self.canaries, canary, self.seed)
        plan = FrontierPlan(
            models=self.models,
            ordinary=len(self.base) - self.canaries,
            canaries=self.canaries,
            copies=canary.copies,
            seed=self.seed,
        )
        return concat([trained, self.test]), plan


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trial:
    recipe: Recipe
    stage: _Stage
    cache: Path
    workers: int | None
    progress: Progress

    def rows(self, wanted: Mapping[Defence, Role]) -> list[Row]:
        """A row a defence; those that share their training are trained once."""
        found: dict[Defence, Row] = {}
        groups: dict[tuple[str, Canary], tuple[Recipe, list[Defence]]] = {}
        for defence, role in wanted.items():
            try:
                hardened = in_training(defence, self.recipe, self.stage.reference)
                key = hardened.fingerprint(), canary_of(defence)
            except (ModelError, PlanError) as error:
                found[defence] = Row(defence=defence, role=role, reason=str(error))
                continue
            groups.setdefault(key, (hardened, []))[1].append(defence)
        for (_, canary), (hardened, together) in groups.items():
            found |= {row.defence: row for row in self._group(hardened, canary, together, wanted)}
        return [found[defence] for defence in wanted]

    def _group(
        self, hardened: Recipe, canary: Canary, together: Sequence[Defence], wanted: Mapping[Defence, Role]
    ) -> Iterator[Row]:
        """The rows of defences that share their training."""
        data, plan = self.stage.records(canary)
        asked = {defence: self._questions(defence, plan) for defence in together}
        every = list(dict.fromkeys(q for questions in asked.values() for q in questions.values()))
        name = str(together[0])
        try:
            with self.progress.stage(f"training {name}", plan.trainings) as advance:
                signals = ask_shadows(
                    hardened, data, plan, every, cache=self.cache, workers=self.workers, advance=advance
                )
        except StorageError:
            raise
        except ReticentError as error:
            if len(together) == 1:
                yield Row(defence=together[0], role=wanted[together[0]], reason=str(error))
                return
            for defence in together:  # one of them can't be asked: find out which
                yield from self._group(hardened, canary, [defence], wanted)
            return
        seconds = seconds_each(hardened, data, plan, cache=self.cache)
        guarantee = self._guarantee(hardened, plan, len(data))
        for place, defence in enumerate(together):
            with self.progress.stage(f"attacking {defence}", 1) as advance:
                yield self._row(
                    defence,
                    wanted[defence],
                    {what: signals[q] for what, q in asked[defence].items()},
                    plan,
                    guarantee,
                    seconds,
                    plan.trainings if place == 0 else 0,
                )
                advance(1)

    def _questions(self, defence: Defence, plan: FrontierPlan) -> dict[str, Question]:
        """What is asked of models behind a defence: of all records, or of one record of each canary."""
        outputs = on_answers(defence)
        last = plan.ordinary + plan.canaries * plan.copies
        canaries, everyone = slice(plan.ordinary, last, plan.copies), slice(0, None)

        def behind(question: Question, part: slice) -> Question:
            return Behind(outputs, question, self.stage.reference, part)

        found = {"labels of copies": behind(CopiesLabels(seed=self.stage.seed), canaries)}
        if any(part.leaves < Access.SCORES for part in outputs) or not self._answers_scores:
            found["labels"] = behind(Labels(), everyone)
        else:
            found["scores"] = behind(Scores(), everyone)
            found["labels"] = behind(Labels(), slice(last, None))
            found["scores of copies"] = behind(CopiesScores(seed=self.stage.seed), canaries)
        if _drawn_afresh(outputs):
            found["asked again"] = behind(Again(), canaries)
        return found

    @cached_property
    def _answers_scores(self) -> bool:
        """Whether the recipe's models answer probabilities; one is trained to find out."""
        return self.recipe.fit(self.stage.reference, 0).access >= Access.SCORES

    def _row(
        self,
        defence: Defence,
        role: Role,
        signals: Mapping[str, Signals],
        plan: FrontierPlan,
        guarantee: Guarantee | None,
        seconds: float,
        trainings: int,
    ) -> Row:
        last = plan.ordinary + plan.canaries * plan.copies
        canaries = slice(plan.ordinary, last, plan.copies)
        labels = signals["labels"]
        tested = labels.values[:, last:] if "scores" not in signals else labels.values
        told: list[Told] = []
        clean: list[Told] = []
        if "scores" in signals:
            scores = signals["scores"]
            told += _told(scores.part(canaries), ATTACKS, "")
            told += _told(signals["scores of copies"], ATTACKS[:1], " on copies")
            ordinary = scores.part(slice(0, plan.ordinary))
            loss = Told("loss", ordinary.log_confidence()[:, :, 0], np.asarray(ordinary.members))
            clean = [*_told(ordinary, (ATTACKS[0], ATTACKS[2]), ""), loss]
        told += _told(signals["labels of copies"], (ATTACKS[0], ATTACKS[3]), " on labels")
        if "asked again" in signals:
            told += _told(signals["asked again"], (ATTACKS[0], ATTACKS[3]), " asked again")
        return Row(
            defence=defence,
            role=role,
            right=np.asarray(tested[:, :, 0, 0] > 0.5),
            canaries=tuple(told),
            clean=tuple(clean),
            guarantee=guarantee,
            seconds=seconds,
            trainings=trainings,
        )

    def private_row(self, rows: Sequence[Row]) -> Row:
        """Private training as useful as the other defences, its noise tuned on the reference."""
        reached = [
            float(r.right.mean()) for r in rows if r.role == "asked" and r.measured and not r.guarantee
        ]
        before = [float(r.right.mean()) for r in rows if r.role == "baseline" and r.measured]
        wanted = float(np.median(reached)) if reached else (before or [1.0])[0]
        try:
            tried = self._private_ways()
            chosen, right = self._tuned(tried, wanted)
        except StorageError:
            raise
        except ReticentError as error:
            return Row(defence=dp_sgd(noise=NOISES[-1]), role="private", reason=str(error))
        row = self.rows({chosen: "private"})[0]
        held = (
            f"noise tuned on the reference to an accuracy of {wanted:.3f}, the median of the other defences"
        )
        missed = "" if right >= wanted else f"; {right:.3f} is the most that was reached"
        return replace(row, note=held + missed, trainings=row.trainings + len(tried) * TUNED_ON)

    def _private_ways(self) -> list[Defence]:
        """Ways of private training, the one of the smallest epsilon first.

        Raises:
            ModelError: no torch module, or one that private training can't take.
        """
        own = as_torch(self.recipe)
        if own is None:
            raise ModelError(refusal(self.recipe, "dp_sgd"))
        size, rate = own.training.batch_size, own.training.learning_rate
        records = len(self.stage.base) // 2
        ways: list[tuple[float, Defence]] = []
        for noise in NOISES:
            for larger, faster in WAYS:
                batch = None if larger == 1 else min(larger * size, records)
                way = dp_sgd(
                    noise=noise, batch_size=batch, learning_rate=faster * rate if faster > 1 else None
                )
                guarantee = private(self.recipe, way, "sampled").guarantee(records)
                assert guarantee is not None
                ways.append((guarantee.epsilon, way))
        return [way for _, way in sorted(ways, key=lambda pair: pair[0])]

    def _tuned(self, tried: Sequence[Defence], wanted: float) -> tuple[Defence, float]:
        """The first way by which models are right as often as is wanted, and how often they are."""
        stage = self.stage
        data = concat([stage.base, stage.reference])
        plan = FrontierPlan(models=TUNED_ON, ordinary=len(stage.base), canaries=0, copies=1, seed=stage.seed)
        question = Behind((), Labels(), stage.reference, slice(len(stage.base), None))
        best: tuple[Defence, float] | None = None
        with self.progress.stage("tuning private training", len(tried) * TUNED_ON) as advance:
            for way in tried:
                hardened = in_training(way, self.recipe)
                signals = ask_shadows(
                    hardened, data, plan, [question], cache=self.cache, workers=self.workers, advance=advance
                )
                right = float(signals[question].values.mean())
                if best is None or right > best[1]:
                    best = way, right
                if right >= wanted:
                    break
        assert best is not None
        return best

    def _guarantee(self, hardened: Recipe, plan: FrontierPlan, records: int) -> Guarantee | None:
        if not isinstance(hardened, Private):
            return None
        return hardened.guarantee(int(plan.masks(records).sum(axis=1).min()))


def halves(holdout: Records, seed: int) -> tuple[Records, Records]:
    """Records to measure usefulness on, and records that defences may look at.

    Raises:
        DataError: too few for two halves.
    """
    if len(holdout) < 40:
        raise DataError(
            f"{len(holdout):,} records are held out; give at least 40, and a thousand for narrow intervals"
        )
    order = np.random.default_rng([seed, 13]).permutation(len(holdout))
    return holdout.take(order[: len(order) // 2]), holdout.take(order[len(order) // 2 :])


def _sides(data: Any, holdout: Any) -> tuple[Records, Records | None]:
    sides = [side for side in (data, holdout) if side is not None]
    for side in sides:
        if not isinstance(side, Records) and not (isinstance(side, tuple | list) and len(side) == 2):
            raise DataError("the data are not a pair; give (features, labels)")
    labels = [np.asarray(side[1]) for side in sides if not isinstance(side, Records)]
    known = [side.classes for side in sides if isinstance(side, Records)]
    classes = known[0] if known else np.unique(np.concatenate(labels))
    read = [
        side if isinstance(side, Records) else records(side[0], side[1], classes, what=what)
        for side, what in zip(sides, ("data", "hold-out"), strict=False)
    ]
    return read[0], read[1] if len(read) == 2 else None


def _wanted(defences: Sequence[Defence], *, parts: bool) -> dict[Defence, Role]:
    """Each defence once, and why: nothing first, what was asked for, then parts of it."""
    wanted: dict[Defence, Role] = {none(): "baseline"}
    known = {""}
    for defence in defences:
        if _written(defence) not in known and defence.parts:
            known.add(_written(defence))
            wanted[defence] = "asked"
    if parts:
        for defence in [d for d in wanted if len(d.parts) > 1]:
            for part in defence.parts:
                if _written(part) not in known:
                    known.add(_written(part))
                    wanted[part] = "part"
    return wanted


def _written(defence: Defence) -> str:
    return str(defence) if defence.parts else ""


def _drawn_afresh(outputs: Sequence[OutputDefence]) -> bool:
    """Whether the same record may get another answer when it is asked about again."""
    afresh = False
    for part in outputs:
        afresh = afresh or not part.same_again
        if part.word == "memoise":
            afresh = False
    return afresh


def _told(signals: Signals, attacks: Sequence[SignalsAttack], how: str) -> list[Told]:
    """What attacks say of the same records in every model, each model judged by means of the others."""
    known = np.zeros(signals.records, dtype=bool)
    whole = Signals(np.asarray(signals.values), signals.labels, np.asarray(signals.members))
    each = [whole.leave_one_out(model) for model in range(whole.models)]

    def scores(read: Callable[[Answers, Signals, BoolArray], FloatArray]) -> FloatArray:
        return np.stack([read(target, others, known) for target, others in each])

    return [Told(f"{_called(a)}{how}", scores(a.score), whole.members) for a in attacks]


def _called(attack: SignalsAttack) -> str:
    """The attack, and the option that tells it from its like."""
    if not isinstance(attack, Lira):
        return attack.name
    if attack.statistic == "hinge":
        return "lira (hinge)"
    return "lira" if attack.variance == "global" else "lira (own variance)"
