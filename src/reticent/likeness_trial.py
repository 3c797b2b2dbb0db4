"""Tries attacks that draw the people of each class, and has a judge of its own say whom the drawings show.

Half of the classes are drawn at a time, and the public pictures are of people of the other half alone:
whoever held a picture of the person would not have to draw one. The judge (principal components, then linear
discriminants: Belhumeur, Hespanha & Kriegman 1997, "Fisherfaces") is trained on the members' pictures, apart
from the model; how often it is right about pictures that nobody was trained on stands beside its verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from reticent.access import Access, FloatArray, IntArray, Metered
from reticent.attacks.attack import Attack, InversionAttack
from reticent.data import flat, is_table
from reticent.errors import ReticentError, StorageError
from reticent.finding import Cost, Finding, Likenesses
from reticent.fingerprint import fingerprint
from reticent.hearing import first_line, threw, unmeasured
from reticent.progress import Progress
from reticent.question import Question
from reticent.scene import ClassScene
from reticent.stage import Stage
from reticent.store import Cells

COMPONENTS = 60
"""Principal components that the judge sees."""

FEWEST_PICTURES = 20
"""Public pictures below which nothing is drawn."""

Kept = tuple[dict[str, Any], dict[str, Any]]


class LikenessTrial:
    """Attacks on the classes of one audit."""

    def __init__(
        self,
        *,
        target: Metered,
        stage: Stage,
        cells: Cells,
        scene_key: str,
        seed: int,
        refusal: Callable[[Attack, Sequence[Question]], str],
        progress: Progress,
    ) -> None:
        self.target, self.stage, self.cells = target, stage, cells
        self.scene_key, self.seed, self.refusal, self.progress = scene_key, seed, refusal, progress

    def findings(self, attacks: Sequence[InversionAttack]) -> list[Finding]:
        """Run the attacks; refused and failed ones are findings too."""
        found = []
        with self.progress.stage("drawing the classes", len(attacks)) as advance:
            for attack in attacks:
                why = self._no_pictures() or self.refusal(attack, ())
                found.append(unmeasured(attack, "refused", why) if why else self._draw(attack))
                advance(1)
        return found

    def _no_pictures(self) -> str:
        features: Any = self.stage.records.features
        if is_table(features) or features.ndim < 3:
            return "needs pictures: records of shape (records, height, width) or with channels"
        outside = self.stage.records.labels[~self.stage.members]
        if min((outside == c).sum() for c in range(len(self.stage.records.classes))) == 0:
            return "needs some pictures of every class that the model never saw"
        if len(outside) < 2 * FEWEST_PICTURES:
            return f"needs at least {2 * FEWEST_PICTURES} pictures that the model never saw"
        return ""

    def _draw(self, attack: InversionAttack) -> Finding:
        key = fingerprint("drawn", attack, self.scene_key)
        kept = self.cells.find(key)
        if kept is None:
            before, start = self.target.queries, time.perf_counter()
            try:
                drawn = self._by_halves(attack.draw)
            except (StorageError, MemoryError):
                raise
            except PermissionError as error:
                return unmeasured(attack, "refused", str(error))
            except ReticentError as error:
                return unmeasured(attack, "refused", str(error))
            except Exception as error:
                return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
            facts = {"seconds": time.perf_counter() - start, "queries": self.target.queries - before}
            kept = {"drawn": drawn}, facts
            self.cells.keep(key, *kept)
        arrays, facts = kept
        return Finding(
            attack=attack.name,
            threat=attack.threat,
            access=attack.needs,
            outcome="measured",
            evidence=self._judged(arrays["drawn"]),
            cost=Cost(queries=int(facts["queries"]), seconds=float(facts["seconds"])),
            about=first_line(attack),
            source=attack.source,
            caveat=attack.caveat,
        )

    def _by_halves(self, draw: Callable[[ClassScene], FloatArray]) -> FloatArray:
        """(classes, ...) each half of the classes drawn from public pictures of the other."""
        pictures, labels = self._pictures(~self.stage.members)
        classes = len(self.stage.records.classes)
        halves = np.random.default_rng([self.seed, 6]).permutation(classes)
        drawn = np.empty((classes, *pictures.shape[1:]))
        for half in (halves[: classes // 2], halves[classes // 2 :]):
            scene = ClassScene(
                target=self.target,
                public=pictures[~np.isin(labels, half)],
                classes=np.sort(half),
                low=float(pictures.min()),
                high=float(pictures.max()),
                seed=self.seed,
            )
            drawn[scene.classes] = draw(scene)
        return drawn

    def _judged(self, drawn: FloatArray) -> Likenesses:
        from sklearn.decomposition import PCA
        from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
        from sklearn.pipeline import make_pipeline

        pictures, labels = self._pictures(self.stage.members)
        others, theirs = self._pictures(~self.stage.members)
        size = min(COMPONENTS, len(pictures) - 1, flat(pictures).shape[1])
        judge = make_pipeline(
            PCA(size, random_state=self.seed), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        )
        judge.fit(flat(pictures), labels)
        classes = np.arange(len(drawn))
        means = np.stack([pictures[labels == c].mean(axis=0) for c in classes])
        public = self._by_halves(likest_public)

        def identified(these: FloatArray) -> Any:
            return judge.predict(flat(these)) == classes

        return Likenesses(
            drawn=drawn,
            means=means,
            identified=identified(drawn),
            public_identified=identified(public),
            means_identified=identified(means),
            judge_right=float((judge.predict(flat(others)) == theirs).mean()),
        )

    def _pictures(self, side: Any) -> tuple[FloatArray, IntArray]:
        features: Any = self.stage.records.features
        return np.asarray(features[side], dtype=np.float64), self.stage.records.labels[side]


def likest_public(scene: ClassScene) -> FloatArray:
    """The control: of the public pictures, the one to which the model gives each class its highest score.

    With labels alone, the first that is named so, or else the first of all.
    """
    answers = scene.target.predict(scene.public)
    if scene.target.access >= Access.SCORES and answers.log_scores is not None:
        likest = answers.log_scores[:, scene.classes].argmax(axis=0)
    else:
        likest = (answers.labels[:, None] == scene.classes).argmax(axis=0)
    return np.asarray(scene.public[likest])
