"""From what a user has (an object, a file, a URL, a name) to a target and a recipe.

Files of models are hostile until trusted: ONNX, safetensors and skops are the ways in; pickles, in
whatever wrapping, run code when they are opened and are refused unless that is asked for.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.access import Access, Target
from reticent.errors import MissingExtra, ModelError, PlanError, ReticentError
from reticent.recipe import Recipe

if TYPE_CHECKING:
    from reticent.access import Features

Classes = npt.NDArray[np.generic]

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth")

TOKEN_VARIABLE = "RETICENT_TOKEN"
"""If this environment variable is set, it is sent as bearer token to URLs that are loaded by name."""


def open_target(model: Any, classes: Classes | None = None, access: Access | None = None) -> Target:
    """Make a target of a Python object.

    Args:
        model: a fitted scikit-learn-like classifier, a torch module, a callable, or a target already.
        classes: (classes,) the labels there are, for models that do not name their own.
        access: what a callable answers; None for scores. Other models say it themselves.

    Raises:
        ModelError: it is none of these, not fitted, or no classifier.
    """
    if isinstance(model, type):
        raise ModelError(f"the class {model.__name__} was given; give a fitted model, an object of it")
    torch_module = _comes_from(model, "torch")
    if not (_is_target(model) or torch_module or is_sklearn_like(model)):
        return _function(model, classes, access)
    if access is not None:
        raise ModelError(
            f"access {access} was given for a {type(model).__name__}, which says itself what it answers; "
            "cap what an attack sees by the audit's access instead"
        )
    if _is_target(model):
        target: Target = model
        return target
    if torch_module:
        from reticent.targets.torch import TorchTarget

        return TorchTarget(model, _needed(model, classes))
    from reticent.targets.sklearn import SklearnTarget

    return SklearnTarget(model, classes=classes if getattr(model, "classes_", None) is None else None)


def recipe_for(model: Any) -> Recipe | None:
    """How to train another model like this one, where it says so itself (scikit-learn-likes), else None."""
    if not (is_sklearn_like(model) or _is_target(model)):
        return None
    from sklearn.frozen import FrozenEstimator

    from reticent.targets.sklearn import SklearnRecipe, SklearnTarget

    estimator = model.model if isinstance(model, SklearnTarget) else model
    if not (hasattr(estimator, "get_params") and hasattr(estimator, "fit")):
        return None
    parts = [estimator, *estimator.get_params(deep=True).values()]
    if any(isinstance(part, FrozenEstimator) for part in parts):
        return None  # a part fitted beforehand would carry the members into every shadow model
    return SklearnRecipe(estimator)


def load_target(
    path: str | Path,
    *,
    recipe: Recipe | None = None,
    classes: Classes | None = None,
    probe: Features | None = None,
    trust_pickle: bool = False,
) -> Target:
    """Open a model file or a URL.

    Args:
        path: .skops, .onnx, .safetensors (with a recipe that has `load(path, classes=...)`), a URL, or a
            pickle (.pkl, .pickle, .joblib, .pt, .pth).
        recipe: how such a model is trained, for weights without their architecture.
        classes: (classes,) the labels there are, for models that do not name their own.
        probe: a few records by which a model behind a URL is told apart.
        trust_pickle: run whatever code a pickle holds.

    Raises:
        ModelError: no such file, one that is damaged, or one that is not trusted.
    """
    if str(path).startswith(("http://", "https://")):
        return _remote(str(path), classes, probe)
    file = Path(path)
    if not file.is_file():
        raise ModelError(f"there is no model file {str(path)!r}; give one that exists, or a URL")
    kind = file.suffix.lower()
    if kind == ".skops":
        from reticent.targets.skops import load_skops

        return open_target(load_skops(_bytes(file), name=repr(str(file))), classes)
    if kind == ".onnx":
        from reticent.targets.onnx import OnnxTarget

        return OnnxTarget(file, classes=classes)
    if kind == ".safetensors":
        return _with_recipe(file, recipe, classes)
    if kind in PICKLES:
        return open_target(_unpickled(file, trust_pickle), classes)
    raise ModelError(
        f"{str(path)!r} is no kind of model file that is known; give .skops (scikit-learn, XGBoost, "
        "LightGBM), .onnx, .safetensors with a recipe, or a URL"
    )


def load_recipe(name: str) -> Recipe:
    """Import a recipe by "module:name", the current folder included.

    The object may be a `Recipe`, an unfitted estimator, or a function (X, y, seed) that returns a fitted
    model.

    Raises:
        PlanError: the name doesn't read, the module doesn't import, or the object is none of these.
    """
    from reticent.targets.function import FunctionRecipe

    thing = _imported(name)
    if (recipe := _as_recipe(thing)) is not None:
        return recipe
    if callable(thing) and _takes_three(thing):
        return FunctionRecipe(thing)
    raise PlanError(
        f"the recipe {name!r} is a {type(thing).__name__}; expected a Recipe, an estimator, or a function "
        "(X, y, seed) that returns a fitted model"
    )


def load_training(name: str) -> Recipe | Callable[..., Any]:
    """Import a recipe, an estimator or a training function by "module:name", the current folder included.

    Raises:
        PlanError: as `load_recipe`, but for the function's arguments, which are not looked at.
    """
    thing = _imported(name)
    recipe = _as_recipe(thing)
    if recipe is None and not callable(thing):
        raise PlanError(
            f"the training {name!r} is a {type(thing).__name__}; expected a function train(x, y, seed), a "
            "recipe or an estimator"
        )
    return recipe or thing


def _as_recipe(thing: Any) -> Recipe | None:
    from reticent.targets.sklearn import SklearnRecipe

    if all(hasattr(thing, method) for method in ("fit", "fit_many", "fingerprint")):
        recipe: Recipe = thing
        return recipe
    if hasattr(thing, "get_params") and hasattr(thing, "fit"):
        return SklearnRecipe(thing)
    return None


def _imported(name: str) -> Any:
    module, _, attribute = name.partition(":")
    if not module or not attribute:
        raise PlanError(f"the recipe {name!r} was given; expected module:name, such as mymodule:recipe")
    _look_here()
    try:
        thing: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise PlanError(
            f"the recipe's module {module!r} needs {error.name!r}, which is not found; run where it lies, or "
            "install it"
        ) from error
    except Exception as error:
        reason = " ".join(str(error).split())[:160]
        raise PlanError(
            f"the recipe's module {module!r} threw {type(error).__name__} when it was imported ({reason}); "
            "mend it"
        ) from error
    for part in attribute.split("."):
        if not hasattr(thing, part):
            raise PlanError(f"the recipe's module {module!r} has no {attribute!r}; give a name that it has")
        thing = getattr(thing, part)
    if isinstance(thing, type):
        raise PlanError(f"the recipe {name!r} is a class; give an object of it, such as recipe = {part}(…)")
    return thing


def is_sklearn_like(model: Any) -> bool:
    """Whether an object has scikit-learn's face."""
    return (
        not isinstance(model, type)
        and not _is_target(model)
        and callable(getattr(model, "predict", None))
        and (hasattr(model, "get_params") or hasattr(model, "classes_"))
    )


def _is_target(model: Any) -> bool:
    return callable(getattr(model, "fingerprint", None)) and callable(getattr(model, "predict", None))


def _function(model: Any, classes: Classes | None, access: Access | None) -> Target:
    if not callable(model):
        raise ModelError(
            f"a {type(model).__name__} was given; expected a fitted scikit-learn-like classifier, a torch "
            "module or a callable (open files and URLs with load_target)"
        )
    from reticent.targets.function import FunctionTarget

    return FunctionTarget(model, _needed(model, classes), access or Access.SCORES)


def _comes_from(model: Any, library: str) -> bool:
    return any(c.__module__.partition(".")[0] == library for c in type(model).__mro__)


def _needed(model: Any, classes: Classes | None) -> Classes:
    if classes is None:
        raise ModelError(
            f"a {type(model).__name__} names no classes; give the labels in the order of its columns"
        )
    return np.asarray(classes)


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ModelError(f"the model file {str(file)!r} can't be read; give one that can") from error


def _remote(url: str, classes: Classes | None, probe: Features | None) -> Target:
    from reticent.targets.http import HttpTarget
    from reticent.targets.wire import wire_for

    if classes is None or probe is None:
        raise ModelError(
            "a URL was given without classes and probe records; give the labels that it answers with and a "
            "few records that it can read"
        )
    token = TOKEN_VARIABLE if os.environ.get(TOKEN_VARIABLE) else None
    return HttpTarget(url, classes, probe, protocol=wire_for(url), token_variable=token)


def _with_recipe(file: Path, recipe: Recipe | None, classes: Classes | None) -> Target:
    load = getattr(recipe, "load", None)
    if load is None:
        raise ModelError(
            f"{str(file)!r} holds weights alone; give a recipe with load(path, classes=...), so that the "
            "network they belong to is known"
        )
    try:
        target: Target = load(file, classes=classes)
    except ReticentError:
        raise
    except Exception as error:  # safetensors, torch and the recipe have each their own
        reason = " ".join(str(error).split())[:160]
        raise ModelError(
            f"the recipe can't load {str(file)!r} ({type(error).__name__}: {reason}); give whole weights of "
            "that network"
        ) from error
    return target


def _unpickled(file: Path, trusted: bool) -> Any:
    if not trusted:
        raise ModelError(
            f"{str(file)!r} is a pickle, which runs whatever code it holds when it is opened; save the model "
            "as .skops, .onnx or .safetensors, or, if you made the file yourself, pass --trust-pickle"
        )
    _look_here()
    try:
        if file.suffix.lower() in (".pt", ".pth"):
            try:
                import torch
            except ModuleNotFoundError as error:
                raise MissingExtra("torch", "torch") from error
            return torch.load(file, map_location="cpu", weights_only=False)
        import joblib

        return joblib.load(file)
    except ReticentError:
        raise
    except Exception as error:  # a pickle may trip over anything
        raise ModelError(
            f"{str(file)!r} can't be opened ({type(error).__name__}); it is cut short, or the libraries and "
            "modules that it was saved with are not here"
        ) from error


def _look_here() -> None:
    """Let modules of the current folder be imported, by worker processes as well: so it stays."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)


def _takes_three(function: Any) -> bool:
    try:
        inspect.signature(function).bind(None, None, 0)
    except (TypeError, ValueError):
        return False
    return True
