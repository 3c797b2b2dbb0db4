"""Tries attacks that draw the people of each class, and has a judge of its own say whom the drawings show.

Half of the classes are drawn at a time, and the public pictures are of people of the other half alone:
whoever held a picture of the person would not have to draw one. The judge (principal components, then linear
discriminants: Belhumeur, Hespanha & Kriegman 1997, "Fisherfaces") is trained on the members' pictures, apart
from the model; how often it is right about pictures that nobody was trained on stands beside its verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reticent.access import Access, BoolArray, FloatArray, IntArray, Metered
from reticent.attacks.attack import Attack, InversionAttack
from reticent.data import flat, is_table
from reticent.errors import ReticentError, StorageError
from reticent.exhibit import Beside, Strip
from reticent.finding import Cost, Finding
from reticent.fingerprint import fingerprint
from reticent.hearing import measured, threw, unmeasured
from reticent.measure.estimate import Figure, clopper_pearson
from reticent.measure.guesses import gain
from reticent.progress import Progress
from reticent.question import Question
from reticent.scene import ClassScene
from reticent.stage import Stage
from reticent.store import Cells

COMPONENTS = 60
"""Principal components that the judge sees."""

FEWEST_PICTURES = 20
"""Public pictures below which nothing is drawn."""

SHOWN = 12
"""Classes on a sheet of pictures."""


@dataclass(frozen=True, eq=False)
class Likenesses:
    """Pictures drawn of each class, judged by a classifier of the classes that was trained apart.

    Attributes:
        drawn: (classes, ...) what the attack drew.
        means: (classes, ...) the mean of each class's own training pictures.
        identified: (classes,) whether the judge takes the drawing for its class.
        public_identified: (classes,) whether it takes the public picture for it that the model finds likest.
        means_identified: (classes,) whether it takes the class's mean for it.
        judge_right: share of pictures that nobody was trained on about whom the judge is right.
    """

    drawn: FloatArray
    means: FloatArray
    identified: BoolArray
    public_identified: BoolArray
    means_identified: BoolArray
    judge_right: float

    def figure(self, name: str, *, level: float = 0.95) -> Figure:
        """A figure by its name.

        Args:
            name: "identified", the share of classes whose drawing is taken for them; "identified public" and
                "identified mean", that of the controls; "identified gain", the first less the second.

        Raises:
            ValueError: no figure has that name.
        """
        shares = {
            "identified": self.identified,
            "identified public": self.public_identified,
            "identified mean": self.means_identified,
        }
        if name in shares:
            return clopper_pearson(int(shares[name].sum()), len(shares[name]), level)
        if name == "identified gain":
            return gain(self.identified, self.public_identified, level)
        raise ValueError(f"no figure is called {name!r}")

    def beside(self, *, level: float = 0.95) -> tuple[Beside, ...]:
        """How often the drawing is taken for its class, beside a public picture and the class's own mean."""
        what = "classes that a judge recognises in the drawing"
        ours = self.figure("identified", level=level)
        return (
            Beside(what, ours, "the likest public picture", self.figure("identified public", level=level)),
            Beside(what, ours, "the mean of the class's own", self.figure("identified mean", level=level)),
        )

    def note(self) -> str:
        """How far the judge can be believed."""
        return (
            f"The judge was trained apart from the model, and is right about {100 * self.judge_right:.0f} % "
            "of pictures that nobody was trained on."
        )

    def strips(self) -> tuple[Strip, ...]:
        """What was drawn, those that the judge recognises first, above the means of the classes' own."""
        order = np.argsort(~self.identified, kind="stable")[:SHOWN]
        low, high = float(self.means.min()), float(self.means.max())
        return (
            Strip("drawn from the model", self.drawn[order], low, high),
            Strip("mean of the class's own", self.means[order], low, high),
        )

    def arrays(self) -> Mapping[str, NDArray[Any]]:
        """What was drawn, and whether it was recognised."""
        return {"drawn": self.drawn, "identified": self.identified}


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
        cost = Cost(queries=int(facts["queries"]), seconds=float(facts["seconds"]))
        return measured(attack, self._judged(arrays["drawn"]), cost)

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
