"""Tries attacks on an object detector: which images was it trained on?

Members and others are shuffled and put to the detector; attacks see its boxes and never who is which. The
attacker has images of its own of the same kind, and trains detectors on halves of them as the recipe says.
Beside every attack stands the blind control: a classifier of the two sides that sees the images and their
true boxes, never the detector.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reticent.access import Access, BoolArray, FloatArray, IntArray
from reticent.attacks.attack import DetectorAttack
from reticent.attacks.detector import DEFAULT
from reticent.attacks.membership.blind import blind_scores
from reticent.data import Records
from reticent.detections import (
    Detections,
    Detector,
    DetectorScene,
    Recipe,
    Shadow,
    detect,
    read_images,
)
from reticent.errors import DataError, ReticentError, StorageError
from reticent.finding import Cost, Evidence, Finding
from reticent.fingerprint import fingerprint
from reticent.hearing import first_line, threw, unmeasured
from reticent.measure.roc import Roc
from reticent.shadows.plan import Plan
from reticent.store import Cells, default_cache, private_folder
from reticent.targets.content import identity

FEWEST = 20
"""Images on a side below which nothing is tried."""

NO_SHADOWS = "needs detectors of the attacker's own: give recipe, and auxiliary images of the same kind"

NO_SCORES = "the detector tells no scores, and it needs them"

Side = tuple[Sequence[Any], Sequence[Any]]
"""Images, and the boxes that truly stand in each (boxes, 4)."""


@dataclass(frozen=True, eq=False)
class _Images:
    """Images as arrays, and the boxes in each."""

    images: list[FloatArray]
    boxes: list[FloatArray]

    @classmethod
    def of(cls, side: Side, what: str) -> _Images:
        images, boxes = read_images(*side, what)
        if len(images) < FEWEST:
            raise DataError(f"{len(images)} {what} were given; give at least {FEWEST}")
        return cls(images, boxes)

    def take(self, index: IntArray) -> _Images:
        return _Images([self.images[i] for i in index], [self.boxes[i] for i in index])

    @property
    def sizes(self) -> IntArray:
        """(images, 2) heights and widths."""
        return np.array([i.shape[:2] for i in self.images])

    def facts(self) -> FloatArray:
        """(images, 8) what can be said of them without a detector."""
        return np.array(
            [
                [*np.quantile(i, (0.1, 0.5, 0.9)), i.mean(), i.std(), len(b), *_extent(b)]
                for i, b in zip(self.images, self.boxes, strict=True)
            ]
        )


def _extent(boxes: FloatArray) -> tuple[float, float]:
    sides = boxes[:, 2:] - boxes[:, :2]
    return (float(sides[:, 0].mean()), float(sides[:, 1].mean())) if len(boxes) else (0.0, 0.0)


def audit_detector(
    detector: Detector,
    *,
    members: Side,
    nonmembers: Side,
    attacks: Sequence[DetectorAttack] = DEFAULT,
    recipe: Recipe | None = None,
    auxiliary: Side | None = None,
    shadows: int = 4,
    seed: int = 0,
    cache: str | Path | None = None,
    advance: Callable[[int], None] = lambda detectors: None,
) -> tuple[Finding, ...]:
    """Measure what an object detector gives away about the images it was trained on.

    Args:
        detector: a torch module that answers as torchvision's detectors do, or a callable (`detections`).
        members: images that it was trained on, (height, width) or (height, width, channels) each, and the
            boxes in each, (boxes, 4).
        nonmembers: the same, from the same source, that it never saw.
        attacks: what to try.
        recipe: how to train another like it: (images, boxes, seed) -> detector.
        auxiliary: images of the same kind that the attacker has, on neither side.
        shadows: detectors that the attacker trains, each on a half of them; an even number.
        seed: of who is asked in which order, the attacker's halves and what attacks draw.
        cache: where the answers of trained detectors are kept; None for `store.default_cache()`.
        advance: told how many more of the attacker's detectors are done.

    Returns:
        A finding an attack, its baseline the blind control; one that can't be run says why.

    Raises:
        DataError: sides that are no images with boxes, or fewer than 20 of them.
        ModelError: a detector whose answers are no detections.
    """
    inside, outside = _Images.of(members, "members"), _Images.of(nonmembers, "non-members")
    rng = np.random.default_rng([seed, 0])
    order = rng.permutation(len(inside.images) + len(outside.images))
    asked = _Images([*inside.images, *outside.images], [*inside.boxes, *outside.boxes]).take(order)
    truth = order < len(inside.images)
    own = _Images.of(auxiliary, "auxiliary images") if auxiliary is not None and recipe is not None else None
    trained = tuple(_shadows(own, recipe, shadows, seed, cache, advance)) if own and recipe else ()
    scene = DetectorScene(
        sizes=asked.sizes,
        boxes=tuple(asked.boxes),
        answers=detect(detector, asked.images),
        own_sizes=own.sizes if own else np.zeros((0, 2), np.int64),
        own_boxes=tuple(own.boxes) if own else (),
        shadows=trained,
        seed=seed,
    )
    blind = Roc.of(_blind(asked, truth, seed), truth)
    return tuple(_tried(attack, scene, truth, blind) for attack in attacks)


def _tried(attack: DetectorAttack, scene: DetectorScene, truth: BoolArray, blind: Roc) -> Finding:
    if attack.shadows and not scene.shadows:
        return unmeasured(attack, "refused", NO_SHADOWS)
    if attack.needs >= Access.SCORES and not scene.tells_scores:
        return unmeasured(attack, "refused", NO_SCORES)
    start = time.perf_counter()
    try:
        scores = np.asarray(attack.guess(scene), dtype=np.float64)
    except (StorageError, MemoryError):
        raise
    except ReticentError as error:
        return unmeasured(attack, "refused", str(error))
    except Exception as error:
        return unmeasured(attack, "failed", threw(error, "during the attack", who="it"))
    return Finding(
        attack=attack.name,
        threat=attack.threat,
        access=attack.needs,
        outcome="measured",
        evidence=Evidence(scores, truth),
        baseline=blind,
        cost=Cost(
            queries=len(truth),
            trainings=len(scene.shadows) if attack.shadows else 0,
            seconds=time.perf_counter() - start,
        ),
        about=first_line(attack),
        source=attack.source,
        caveat=attack.caveat,
    )


def _shadows(
    own: _Images,
    recipe: Recipe,
    count: int,
    seed: int,
    cache: str | Path | None,
    advance: Callable[[int], None],
) -> list[Shadow]:
    """Train what is not kept, each on a half of the attacker's images, and ask it about all of them."""
    cells = Cells(private_folder(Path(cache) if cache else default_cache()) / "cells")
    made, images = identity(recipe), fingerprint(own.images, own.boxes)
    found = []
    for number, mask in enumerate(Plan(models=count, seed=seed).masks(len(own.images))):
        key = fingerprint("detector", made, images, mask, seed, number)
        kept = cells.find(key)
        if kept is None:
            trained = own.take(np.flatnonzero(mask))
            answers = detect(recipe(trained.images, trained.boxes, seed + number), own.images)
            cells.keep(key, _packed(answers), {})
        else:
            answers = _unpacked(kept[0])
        found.append(Shadow(answers, mask))
        advance(1)
    return found


def _packed(answers: Sequence[Detections]) -> dict[str, Any]:
    told = all(a.scores is not None for a in answers)
    arrays = {
        "counts": np.array([len(a.boxes) for a in answers]),
        "boxes": np.concatenate([a.boxes for a in answers]),
        "labels": np.concatenate([a.labels for a in answers]),
    }
    if told:
        arrays["scores"] = np.concatenate([a.scores for a in answers if a.scores is not None])
    return arrays


def _unpacked(arrays: dict[str, Any]) -> tuple[Detections, ...]:
    ends = np.cumsum(arrays["counts"])[:-1]
    boxes, labels = (np.split(arrays[name], ends) for name in ("boxes", "labels"))
    scores: list[Any] = np.split(arrays["scores"], ends) if "scores" in arrays else [None] * len(boxes)
    return tuple(Detections(b, s, i) for b, s, i in zip(boxes, scores, labels, strict=True))


def _blind(asked: _Images, truth: BoolArray, seed: int) -> FloatArray:
    """(images,) how much each looks like a member to a classifier that never sees the detector."""
    import pandas as pd

    facts = pd.DataFrame(asked.facts()).rename(columns=str)
    records = Records(facts, np.zeros(len(truth), np.int64), np.array(["image", "none"]))
    return blind_scores(records, truth, seed)
