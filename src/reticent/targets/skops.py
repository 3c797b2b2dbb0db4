"""Opens .skops files, which may come from anybody.

skops names every type in a file before it builds one. Those it doesn't vouch for are refused here unless
they stand in the list below, by exact name. Two of the listed, scikit-learn's compiled trees, index memory
by numbers in the file without checking them, so these numbers are checked before the model is used: a tree
that points outside its arrays or runs in circles is refused. All this narrows what a doctored file can do;
what XGBoost, LightGBM and libsvm keep is still read by their own compiled code.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from reticent.errors import ModelError

TREE = "sklearn.tree._tree.Tree"
HISTOGRAM_TREE = "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"

KNOWN = frozenset(
    {
        TREE,
        HISTOGRAM_TREE,
        "collections.OrderedDict",
        "functools.partial",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "numpy.dtype",
        "numpy.number",
        "reticent.private_models.linear.PrivateLogisticRegression",
        "reticent.private_models.naive_bayes.PrivateNaiveBayes",
        "reticent.private_models.trees.PrivateForest",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.compose._column_transformer.make_column_selector",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.gaussian_process.kernels.CompoundKernel",
        "sklearn.gaussian_process.kernels.ConstantKernel",
        "sklearn.gaussian_process.kernels.DotProduct",
        "sklearn.gaussian_process.kernels.ExpSineSquared",
        "sklearn.gaussian_process.kernels.Exponentiation",
        "sklearn.gaussian_process.kernels.Matern",
        "sklearn.gaussian_process.kernels.Product",
        "sklearn.gaussian_process.kernels.RBF",
        "sklearn.gaussian_process.kernels.RationalQuadratic",
        "sklearn.gaussian_process.kernels.Sum",
        "sklearn.gaussian_process.kernels.WhiteKernel",
        "sklearn.metrics._scorer._PassthroughScorer",
        "sklearn.model_selection._split.GroupKFold",
        "sklearn.model_selection._split.KFold",
        "sklearn.model_selection._split.RepeatedStratifiedKFold",
        "sklearn.model_selection._split.ShuffleSplit",
        "sklearn.model_selection._split.StratifiedKFold",
        "sklearn.model_selection._split.StratifiedShuffleSplit",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.utils._bunch.Bunch",
        "sklearn.utils.validation.check_array",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRFClassifier",
    }
)


def load_skops(data: bytes, *, name: str) -> Any:
    """Build the object in a .skops file's bytes, if every type in it is known and every tree is sound.

    Args:
        name: what the errors call the file.

    Raises:
        ModelError: the file is damaged, or holds what could do harm.
    """
    import skops.io

    try:
        unknown = sorted(set(skops.io.get_untrusted_types(data=data)) - KNOWN)
    except Exception as error:  # whatever a damaged archive makes the reader trip over
        raise ModelError(_damaged(name)) from error
    if unknown:
        shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")
        raise ModelError(
            f"{name} holds types that are not known to be harmless ({shown}); "
            "fit the model in Python and hand over the object itself"
        )
    try:
        model = skops.io.loads(data, trusted=sorted(KNOWN))
        sound = all(_is_sound(part) for part in _parts(model, set()))
    except Exception as error:
        raise ModelError(_damaged(name)) from error
    if not sound:
        raise ModelError(f"{name} holds a tree whose nodes point outside it; don't use this file")
    return model


def _damaged(name: str) -> str:
    return f"{name} does not read as a .skops file; it is cut short, damaged or of another library version"


def _parts(thing: Any, seen: set[int]) -> Iterator[Any]:
    """Everything within a model that has attributes, the model first."""
    if id(thing) in seen or thing is None or isinstance(thing, str | bytes | int | float | type):
        return
    seen.add(id(thing))
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, list | tuple | set):
        inner = list(thing)
    elif isinstance(thing, np.ndarray):
        inner = thing.ravel().tolist() if thing.dtype == object else []
    elif hasattr(thing, "__dict__"):
        yield thing
        inner = list(vars(thing).values())
    for item in inner:
        yield from _parts(item, seen)


def _is_sound(part: Any) -> bool:
    """Whether the trees that this part of a model walks stay within its columns and their own nodes."""
    held = vars(part)
    members = held.get("estimators_", [])
    if isinstance(members, np.ndarray):  # gradient boosting: one column a class
        if members.shape[1:] != (held["n_trees_per_iteration_"],):
            return False
        members = members.ravel()
    # An ensemble checks the width of records once, then walks its trees directly.
    owners = [part, *(member for member in members if _has_tree(member))]
    columns = min(getattr(owner, "n_features_in_", 0) for owner in owners)
    trees = [owner.tree_ for owner in owners if _has_tree(owner)]
    predictors = [tree for several in held.get("_predictors", []) for tree in several]
    return all(_tree_is_sound(tree, columns) for tree in trees) and all(
        _histogram_tree_is_sound(tree, columns, held["_bin_mapper"]) for tree in predictors
    )


def _has_tree(part: Any) -> bool:
    return "tree_" in getattr(part, "__dict__", {})


def _tree_is_sound(tree: Any, columns: int) -> bool:
    left, right, column = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    here = np.flatnonzero(inner)
    return bool(
        tree.node_count == len(left) > 0
        and np.all(left[inner] > here)  # children come after their parent: no circles
        and np.all(right[inner] > here)
        and np.all(left[inner] < len(left))
        and np.all(right[inner] < len(left))
        and np.all((column[inner] >= 0) & (column[inner] < columns))
    )


def _histogram_tree_is_sound(tree: Any, columns: int, bins: Any) -> bool:
    nodes = tree.nodes
    inner = nodes["is_leaf"] == 0
    here = np.flatnonzero(inner)
    node = nodes[inner]
    categorical = node[node["is_categorical"] != 0]
    known = np.asarray(bins.is_categorical_, dtype=bool)
    sets = tree.raw_left_cat_bitsets
    return bool(
        len(nodes) > 0
        and np.all((node["left"] > here) & (node["left"] < len(nodes)))
        and np.all((node["right"] > here) & (node["right"] < len(nodes)))
        and np.all((node["feature_idx"] >= 0) & (node["feature_idx"] < columns))
        and known.shape == (columns,)
        and np.all(known[categorical["feature_idx"]])
        and sets.ndim == 2
        and sets.shape[1] == 8
        and np.all(categorical["bitset_idx"] < len(sets))
    )
