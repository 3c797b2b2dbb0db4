"""What somebody asks of models who knows of the defence that stands before their answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, Metered, Target
from reticent.attacks.adaptive import Again, CopiesLabels, CopiesScores
from reticent.data import Records
from reticent.defences.defence import Calibration, OutputDefence, guarded
from reticent.frontier_trial.layout import FrontierPlan
from reticent.question import Labels, Question, Scores


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


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What is asked of models behind one defence; None where it would show nothing, or is not answered.

    Attributes:
        labels: whether they are right; about test records alone where scores tell of the rest.
        labels_of_copies, scores_of_copies: about disturbed copies of the canaries.
        scores: about every record.
        again: about the canaries several times, where another answer may come.
    """

    labels: Question
    labels_of_copies: Question
    scores: Question | None = None
    scores_of_copies: Question | None = None
    again: Question | None = None

    @classmethod
    def behind(
        cls,
        outputs: tuple[OutputDefence, ...],
        reference: Records,
        plan: FrontierPlan,
        *,
        scores: bool,
        seed: int,
    ) -> Questions:
        """What is asked behind these defences of the answers.

        Args:
            reference: records to fit the defences to.
            scores: whether the models answer scores without them.
            seed: of the disturbed copies.
        """

        def put(question: Question, part: slice) -> Question:
            return Behind(outputs, question, reference, part)

        canaries, everyone = plan.one_of_each, slice(0, None)
        scores = scores and all(part.leaves >= Access.SCORES for part in outputs)
        return cls(
            labels=put(Labels(), slice(plan.last, None) if scores else everyone),
            labels_of_copies=put(CopiesLabels(seed=seed), canaries),
            scores=put(Scores(), everyone) if scores else None,
            scores_of_copies=put(CopiesScores(seed=seed), canaries) if scores else None,
            again=put(Again(), canaries) if _drawn_afresh(outputs) else None,
        )

    @property
    def every(self) -> tuple[Question, ...]:
        """Those that are asked."""
        asked = (self.labels_of_copies, self.scores, self.labels, self.scores_of_copies, self.again)
        return tuple(q for q in asked if q is not None)


def _drawn_afresh(outputs: Sequence[OutputDefence]) -> bool:
    """Whether the same record may get another answer when it is asked about again."""
    afresh = False
    for part in outputs:
        afresh = afresh or not part.same_again
        if part.word == "memoise":
            afresh = False
    return afresh
