"""Trees walked: every leaf's box, told exactly, by scores and by labels."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.tree import DecisionTreeClassifier

from reticent.access import Access
from reticent.attacks.extraction import PathFinding
from reticent.attacks.extraction.path_finding import BoxCopy
from reticent.errors import QueryLimit
from reticent.targets.function import FunctionTarget


def world(seed: int = 0, leaf: int = 5) -> tuple[DecisionTreeClassifier, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, size=(900, 4))
    y = (x[:, 0] > 0.2) ^ (x[:, 1] * x[:, 2] > 0.1) ^ (rng.random(900) < 0.1)
    tree = DecisionTreeClassifier(min_samples_leaf=leaf, max_depth=6, random_state=0)
    return tree.fit(x[:450], y[:450].astype(int)), x[450:]


def last(attack: PathFinding, scene) -> BoxCopy:
    return list(attack.copies(scene))[-1]


def boxes(tree: DecisionTreeClassifier, low: np.ndarray, high: np.ndarray) -> list[np.ndarray]:
    """(columns, 2) of every leaf, within what the thief can ask about."""
    found, inner = [], tree.tree_

    def walk(node: int, box: np.ndarray) -> None:
        if inner.children_left[node] < 0:
            found.append(box)
            return
        column, threshold = inner.feature[node], inner.threshold[node]
        for child, side in ((inner.children_left[node], 1), (inner.children_right[node], 0)):
            smaller = box.copy()
            smaller[column, side] = (
                min(smaller[column, 1], threshold) if side else max(smaller[column, 0], threshold)
            )
            walk(child, smaller)

    walk(0, np.stack([low, high], axis=1))
    return [box for box in found if (box[:, 0] < box[:, 1]).all()]


@pytest.mark.parametrize("seed", range(3))
def test_every_leaf_is_found_with_its_box(scene, seed):
    tree, own = world(seed, leaf=15)
    # Scores that no two leaves share: what the paper asks for
    names = {node: place for place, node in enumerate(np.unique(tree.apply(own)))}

    def answer(x):
        p = 0.1 + 0.8 * np.array([names.get(n, 0.5) for n in tree.apply(x)]) / (1 + len(names))
        return np.column_stack([p, 1 - p])

    asked = scene(FunctionTarget(answer, np.arange(2)), own)
    copy = last(PathFinding(epsilon=1e-4), asked)
    truth = boxes(tree, own.min(axis=0), own.max(axis=0))
    missing = [b for b in truth if np.abs(copy.low - b[:, 0]).max(axis=1).min() > 1e-3]
    thin = [b for b in missing if (b[:, 1] - b[:, 0]).min() > 0.02]
    assert not thin
    fresh = np.random.default_rng(9).uniform(own.min(axis=0), own.max(axis=0), (20_000, 4))
    same = np.abs(np.exp(copy.predict(fresh).log_scores) - answer(fresh)).max(axis=1) < 1e-6
    assert same.mean() > 0.998  # the rest lies within epsilon of a side
    assert asked.target.queries < 120 * len(truth)


@pytest.mark.parametrize("access", [Access.SCORES, Access.LABELS])
def test_leaves_of_equal_answers_cost_no_exactness(scene, access):
    tree, own = world(leaf=1)
    copy = last(PathFinding(), scene(tree, own, access=access))
    fresh = np.random.default_rng(9).uniform(-0.99, 0.99, (20_000, 4))
    assert (copy.predict(fresh).labels == tree.predict(fresh)).mean() > 0.99
    assert (copy.access == Access.LABELS) == (access == Access.LABELS)


@pytest.mark.parametrize("words", [OneHotEncoder(handle_unknown="ignore"), OrdinalEncoder()])
def test_a_pipeline_of_words_and_whole_numbers_is_told_exactly(scene, people, words):
    table, labels = people(800, 0)
    columns = make_column_transformer((words, ["job", "town"]), remainder="passthrough")
    tree = DecisionTreeClassifier(min_samples_leaf=12, random_state=0)
    model = make_pipeline(columns, tree).fit(table, labels)
    own, fresh = people(400, 1)[0], people(2000, 2)[0]
    copy = last(PathFinding(epsilon=1e-5), scene(model, own))
    away = np.abs(np.exp(copy.predict(fresh).log_scores) - model.predict_proba(fresh)).max(axis=1)
    assert (away < 1e-6).mean() > 0.999
    assert len(copy.low) <= 2 * tree.get_n_leaves()


def test_copies_get_better_and_the_budget_is_kept(scene):
    tree, own = world()
    asked = scene(tree, own, limit=1500)
    made = []
    with pytest.raises(QueryLimit):
        for copy in PathFinding().copies(asked):
            made.append(copy)
    assert asked.target.queries <= 1500
    fresh = np.random.default_rng(9).uniform(-1, 1, (5000, 4))
    agreement = [(c.predict(fresh).labels == tree.predict(fresh)).mean() for c in made]
    assert agreement[-1] >= agreement[0]
    assert agreement[-1] > 0.7


def test_a_model_that_never_splits_is_one_box(scene):
    constant = FunctionTarget(lambda x: np.full((len(x), 2), 0.5), np.arange(2))
    asked = scene(constant, np.random.default_rng(0).normal(size=(60, 3)))
    copy = last(PathFinding(), asked)
    assert len(copy.low) == 1
    assert asked.target.queries == 60 + 6 + 20


def test_what_lies_outside_is_answered_as_the_nearest_box(scene):
    tree, own = world()
    copy = last(PathFinding(), scene(tree, own))
    beyond = np.array([[5.0, 0.3, 0.3, 0.3], [0.3, -9.0, 0.3, np.nan]])
    inside = np.clip(np.nan_to_num(beyond, nan=0.0), own.min(axis=0), own.max(axis=0))
    told = copy.predict(beyond).labels
    assert told[0] == tree.predict(inside[:1])[0]
    assert told[1] in (0, 1)


def test_a_word_that_nobody_had_asked_about_is_answered_all_the_same(scene, people):
    table, labels = people(400, 0)
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job", "town"]), remainder="passthrough"
    )
    model = make_pipeline(columns, DecisionTreeClassifier(max_depth=3, random_state=0)).fit(table, labels)
    copy = last(PathFinding(), scene(model, table))
    assert set(copy.predict(table.assign(job="pilot")).labels.tolist()) <= {0, 1}


def test_a_forest_spends_any_budget(scene):
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(300, 4))
    forest = RandomForestClassifier(20, random_state=0).fit(x, (x.sum(axis=1) > 2).astype(int))
    with pytest.raises(QueryLimit):
        list(PathFinding().copies(scene(forest, x, limit=3000)))


def test_the_same_seed_gives_the_same_copy(scene):
    tree, own = world()
    one, other = (last(PathFinding(), scene(tree, own)) for _ in range(2))
    assert one.fingerprint() == other.fingerprint()
