"""Tries attacks that tell which texts a language model was trained on.

Beside each stands a classifier of the two sides that never sees the model: members and others that were
collected differently, at another time say, differ in their words already. On WikiMIA such a classifier
reaches an AUC of .99 where the best attack had .84 (Das, Zhang & Tramèr 2024, "Blind baselines",
arXiv:2406.16201).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from reticent.access import Access, BoolArray, FloatArray
from reticent.attacks.attack import TextMembershipAttack
from reticent.attacks.texts import DEFAULT
from reticent.errors import DataError, ReticentError
from reticent.finding import Cost, Evidence, Finding, Threat
from reticent.hearing import first_line, threw, unmeasured
from reticent.language import LanguageModel, MeteredLanguage
from reticent.measure.estimate import Withheld
from reticent.text_scene import TextScene

FEWEST = 20
"""Texts needed on either side."""

SPOILT_ABOVE = 0.52
"""Lower bound of the control's AUC above which the split, not the model, is what is measured."""

FOLDS = 5


def audit_text(
    model: LanguageModel,
    *,
    members: Sequence[str],
    nonmembers: Sequence[str],
    attacks: Sequence[TextMembershipAttack] | None = None,
    reference: LanguageModel | None = None,
    access: Access | None = None,
    population_share: float = 0.3,
    limit: int | None = None,
    seed: int = 0,
    advance: Callable[[int], None] = lambda attacks: None,
) -> tuple[Finding, ...]:
    """Measure what a language model gives away about which texts it was trained on.

    Args:
        model: as `targets.text.TextModule` or anything alike.
        members: texts that it was trained on.
        nonmembers: texts from the same source that it never saw. Texts on both sides are left out.
        attacks: what to try; None for all of `attacks.texts`.
        reference: another model of such texts that saw none of these, for the attack that compares with one.
        access: the rung granted; None for all that the model grants.
        population_share: of the non-members, known to the attacker as such and not asked about.
        limit: texts that each attack may ask about.
        seed: of everything random.
        advance: told how many more attacks are done.

    Returns:
        A finding an attack, refused and failed ones too, and last the control that never sees the model.

    Raises:
        DataError: too few texts, or empty ones.
    """
    inside, outside = _sides(members, nonmembers)
    rng = np.random.default_rng([seed, 9])
    order = rng.permutation(len(outside))
    aside = min(int(population_share * len(outside)), len(outside) - FEWEST)
    asked = inside + [outside[i] for i in order[aside:]]
    truth = np.arange(len(asked)) < len(inside)
    mixed = rng.permutation(len(asked))
    texts = [asked[i] for i in mixed] + [outside[i] for i in order[:aside]]
    truth = truth[mixed]
    known = np.arange(len(texts)) >= len(asked)
    blind = _blind(texts[: len(truth)], truth, seed)
    caveat = _spoilt(blind)
    found = []
    for attack in DEFAULT if attacks is None else attacks:
        target = MeteredLanguage(model, access, limit=limit)
        scene = TextScene(target, texts, known, reference, seed)
        found.append(_tried(attack, scene, truth, blind, caveat))
        advance(1)
    return (*found, blind)


def _tried(
    attack: TextMembershipAttack, scene: TextScene, truth: BoolArray, blind: Finding, caveat: str
) -> Finding:
    if attack.needs > scene.target.access:
        why = f"needs {attack.needs}, and {scene.target.access} are granted"
        return unmeasured(attack, "refused", why)
    start = time.perf_counter()
    try:
        scores = np.asarray(attack.guess(scene), dtype=np.float64)[: len(truth)]
    except MemoryError:
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
        baseline=blind.roc,
        cost=Cost(queries=scene.target.queries, seconds=time.perf_counter() - start),
        about=first_line(attack),
        source=attack.source,
        caveat=" ".join(part for part in (attack.caveat, caveat) if part),
    )


def _sides(members: Sequence[str], nonmembers: Sequence[str]) -> tuple[list[str], list[str]]:
    for name, side in (("members", members), ("non-members", nonmembers)):
        if isinstance(side, str) or not all(isinstance(t, str) and t.strip() for t in side):
            raise DataError(f"the {name} hold something that is no text, or an empty one; give texts")
    both = set(members) & set(nonmembers)
    inside, outside = ([t for t in dict.fromkeys(side) if t not in both] for side in (members, nonmembers))
    if min(len(inside), len(outside)) < FEWEST:
        raise DataError(
            f"{len(inside)} members and {len(outside)} non-members are left, copies apart; give at least "
            f"{FEWEST} texts on either side"
        )
    return inside, outside


def _blind(texts: Sequence[str], truth: BoolArray, seed: int) -> Finding:
    """A classifier by words, and pairs of words, told each text's side by those of the other folds."""
    start = time.perf_counter()
    scores = _by_words(texts, truth, seed)
    return Finding(
        attack="blind",
        threat=Threat.MEMBERSHIP,
        access=Access.LABELS,
        outcome="measured",
        evidence=Evidence(scores, truth),
        cost=Cost(seconds=time.perf_counter() - start),
        about="A classifier of words that never sees the model: what the two sides differ in by themselves.",
        source="control",
    )


def _by_words(texts: Sequence[str], truth: BoolArray, seed: int) -> FloatArray:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\S+", sublinear_tf=True)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    model = make_pipeline(words, LogisticRegression(C=10.0, max_iter=500))
    told = cross_val_predict(model, list(texts), truth.astype(int), cv=folds, method="decision_function")
    return np.asarray(told, dtype=np.float64)


def _spoilt(blind: Finding) -> str:
    auc = blind.figure("auc")
    if isinstance(auc, Withheld) or auc.low <= SPOILT_ABOVE:
        return ""
    return (
        f"The two sides can be told apart without the model (AUC {auc}): the figures say how the texts "
        "were collected, not what the model gives away."
    )
