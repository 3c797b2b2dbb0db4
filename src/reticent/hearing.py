"""A model under questions: each is put once, and what could not be asked is remembered with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

from reticent.access import FloatArray, Metered
from reticent.attacks.attack import Attack
from reticent.data import Records
from reticent.errors import ReticentError, StorageError, TargetError, said
from reticent.exhibit import Exhibit
from reticent.finding import Cost, Finding
from reticent.progress import Progress
from reticent.question import Labels, Question, Scores
from reticent.shadows.signals import Answers

Kept = tuple[dict[str, Any], dict[str, Any]]
"""What an attack made, arrays by name, and what it cost: what a cell keeps."""


class Hearing:
    """The target's answers about the records of an audit.

    Attributes:
        answers: what was answered to each question, (1, records, variants, channels).
        unanswered: the questions that failed, and why.
    """

    def __init__(self, target: Metered, records: Records, progress: Progress) -> None:
        self._target, self._records, self._progress = target, records, progress
        self.answers: dict[Question, Answers] = {}
        self.unanswered: dict[Question, str] = {}

    def ask(self, questions: Sequence[Question]) -> None:
        """Put each question once; the plain ones first, since all else leans on them.

        Raises:
            StorageError: the disk is full.
        """
        once = sorted(dict.fromkeys(questions), key=lambda q: not isinstance(q, Scores | Labels))
        with self._progress.stage("asking the model", len(once)) as advance:
            for question in once:
                try:
                    self.answer(question)
                except (ReticentError, MemoryError) as error:
                    if isinstance(error, StorageError):
                        raise
                    self.unanswered[question] = str(error) or "memory ran out"
                advance(1)

    def answer(self, question: Question) -> Answers:
        """The answers to one question.

        Raises:
            TargetError: the model threw.
        """
        if question not in self.answers:
            try:
                values = question.ask(self._target, self._records)
            except (ReticentError, MemoryError):
                raise
            except Exception as error:
                raise TargetError(threw(error, "while it was asked about the records")) from error
            self.answers[question] = Answers(values[None], self._records.labels)
        return self.answers[question]

    def why_not(self, questions: Sequence[Question]) -> str:
        """Why some question could not be asked; empty where all were."""
        return next((self.unanswered[q] for q in questions if q in self.unanswered), "")


def unmeasured(
    attack: Attack, outcome: Literal["refused", "failed"], reason: str, *, secret: str = ""
) -> Finding:
    """The finding of an attack that was not run, or that failed."""
    return Finding(
        attack=attack.name,
        threat=attack.threat,
        access=attack.needs,
        outcome=outcome,
        reason=reason,
        secret=secret,
        about=first_line(attack),
        source=attack.source,
        caveat=attack.caveat,
    )


def measured(attack: Attack, evidence: Exhibit, cost: Cost, *, secret: str = "") -> Finding:
    """The finding of an attack whose evidence speaks for itself."""
    return Finding(
        attack=attack.name,
        threat=attack.threat,
        access=attack.needs,
        outcome="measured",
        secret=secret,
        evidence=evidence,
        cost=cost,
        about=first_line(attack),
        source=attack.source,
        caveat=attack.caveat,
    )


def guessed(
    attack: Attack, target: Metered, guess: Callable[[], FloatArray], *, secret: str = ""
) -> Kept | Finding:
    """The scores of an attack, with the seconds and queries that they took; or how it failed.

    Raises:
        StorageError: the disk is full.
        MemoryError: memory ran out.
    """
    before, start = target.queries, time.perf_counter()
    try:
        scores = guess()
    except (StorageError, MemoryError):
        raise
    except ReticentError as error:
        return unmeasured(attack, "failed", str(error), secret=secret)
    except Exception as error:
        return unmeasured(attack, "failed", threw(error, "during the attack", who="it"), secret=secret)
    facts = {"seconds": time.perf_counter() - start, "queries": target.queries - before}
    return {"scores": scores}, facts


def first_line(attack: Attack) -> str:
    """What the attack is, in a line."""
    return (type(attack).__doc__ or "").strip().splitlines()[0]


def threw(error: Exception, when: str, *, who: str = "the model") -> str:
    """The sentence about something of the user's that threw."""
    return f"{who} threw {when} ({said(error)}); give the records in the form that the model was trained on"
