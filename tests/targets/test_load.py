"""From an object, a file, a URL or a name to a target and a recipe."""

from __future__ import annotations

import pickle
import subprocess
import sys

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from reticent.access import Access
from reticent.data import Records
from reticent.errors import ModelError, PlanError
from reticent.recipe import OneByOne
from reticent.targets.function import FunctionRecipe, FunctionTarget
from reticent.targets.http import HttpTarget
from reticent.targets.load import TOKEN_VARIABLE, load_recipe, load_target, open_target, recipe_for
from reticent.targets.sklearn import SklearnRecipe, SklearnTarget
from reticent.targets.wire import MlflowInvocations

X = np.random.default_rng(0).normal(size=(60, 2))
Y = np.where(X[:, 0] > 0, "yes", "no")
CLASSES = np.array(["no", "yes"])
FITTED = LogisticRegression().fit(X, Y)


class TestOpening:
    def test_each_kind_of_object_becomes_its_target(self):
        assert isinstance(open_target(FITTED), SklearnTarget)
        assert isinstance(
            open_target(make_pipeline(StandardScaler(), RidgeClassifier()).fit(X, Y)), SklearnTarget
        )
        function = open_target(FITTED.predict_proba, CLASSES)
        assert isinstance(function, FunctionTarget)
        assert function.access == Access.SCORES
        assert open_target(FITTED.predict, CLASSES, Access.LABELS).access == Access.LABELS
        assert open_target(function) is function

    def test_a_torch_module_is_one(self):
        torch = pytest.importorskip("torch")
        opened = open_target(torch.nn.Linear(2, 2), CLASSES)
        assert type(opened).__name__ == "TorchTarget"
        assert opened.classes.tolist() == ["no", "yes"]

    def test_the_models_own_classes_count_and_not_the_datas(self):
        assert open_target(FITTED, np.array(["maybe", "no", "yes"])).classes.tolist() == ["no", "yes"]

    def test_torch_is_not_imported_for_others(self):
        program = (
            "import sys, numpy as np\n"
            "from sklearn.linear_model import LogisticRegression\n"
            "from reticent.targets.load import open_target, recipe_for\n"
            "m = LogisticRegression().fit([[0.0], [1.0]], [0, 1])\n"
            "open_target(m).predict(np.zeros((2, 1))); recipe_for(m)\n"
            "open_target(lambda x: x, np.arange(2))\n"
            "assert 'torch' not in sys.modules and 'httpx' not in sys.modules, 'imported'\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    @pytest.mark.parametrize(
        ("model", "says"),
        [
            (3, "a int was given"),
            ("model.skops", "load_target"),
            (LogisticRegression, "the class LogisticRegression"),
            (LogisticRegression(), "not fitted"),
            (RandomForestRegressor(2).fit(X, X[:, 0]), "numbers, not classes"),
            (len, "names no classes"),
        ],
        ids=repr,
    )
    def test_what_is_no_model_is_refused_by_a_sentence(self, model, says):
        with pytest.raises(ModelError, match=says):
            open_target(model)

    def test_access_is_declared_for_callables_alone(self):
        with pytest.raises(ModelError, match="says itself"):
            open_target(FITTED, access=Access.LABELS)


class TestRecipes:
    def test_scikit_learn_likes_need_none(self):
        assert isinstance(recipe_for(FITTED), SklearnRecipe)
        assert isinstance(recipe_for(SklearnTarget(FITTED)), SklearnRecipe)
        assert recipe_for(FITTED.predict_proba) is None
        assert recipe_for(FunctionTarget(FITTED.predict_proba, CLASSES)) is None

    def test_what_was_fitted_beforehand_is_not_cloned(self):
        """The clone would still hold what it learnt from the members."""
        frozen = CalibratedClassifierCV(FrozenEstimator(FITTED)).fit(X, Y)
        assert recipe_for(frozen) is None


@pytest.fixture
def saved(tmp_path):
    def save(suffix: str, data: bytes):
        path = tmp_path / f"model{suffix}"
        path.write_bytes(data)
        return path

    return save


class TestFiles:
    def test_skops(self, saved):
        target = load_target(saved(".skops", skops.io.dumps(FITTED)), classes=CLASSES)
        np.testing.assert_array_equal(
            target.predict(X).log_scores, SklearnTarget(FITTED).predict(X).log_scores
        )
        assert target.fingerprint() == SklearnTarget(FITTED).fingerprint()  # the same model, from a file
        assert isinstance(recipe_for(target), SklearnRecipe)

    def test_skops_that_holds_no_classifier(self, saved):
        with pytest.raises(ModelError, match="numbers, not classes"):
            load_target(saved(".skops", skops.io.dumps(RandomForestRegressor(2).fit(X, X[:, 0]))))

    def test_onnx(self, saved):
        to_onnx = pytest.importorskip("skl2onnx").to_onnx
        data = to_onnx(FITTED, X[:1].astype(np.float32)).SerializeToString()
        target = load_target(saved(".onnx", data))
        np.testing.assert_allclose(np.exp(target.predict(X).log_scores), FITTED.predict_proba(X), atol=1e-5)
        assert recipe_for(target) is None

    @pytest.mark.parametrize("suffix", [".pkl", ".pickle", ".joblib", ".pt", ".pth", ".PKL"])
    def test_pickles_are_never_opened_unasked(self, saved, suffix, tmp_path):
        class Bomb:
            def __reduce__(self):
                return (open, (str(tmp_path / "exploded"), "w"))

        path = saved(suffix, pickle.dumps(Bomb()))
        with pytest.raises(ModelError, match="trust-pickle"):
            load_target(path, classes=CLASSES)
        assert not (tmp_path / "exploded").exists()

    def test_a_trusted_pickle_opens(self, saved, tmp_path):
        for path in (saved(".pkl", pickle.dumps(FITTED)), tmp_path / "model.joblib"):
            if path.suffix == ".joblib":
                joblib.dump(FITTED, path)
            target = load_target(path, trust_pickle=True)
            assert target.fingerprint() == SklearnTarget(FITTED).fingerprint()

    def test_trust_in_pickles_is_no_trust_in_unknown_skops_types(self, saved):
        class Stranger(LogisticRegression):
            pass

        Stranger.__qualname__ = "Stranger"
        with pytest.raises(ModelError, match="Stranger"):
            load_target(saved(".skops", skops.io.dumps(Stranger().fit(X, Y))), trust_pickle=True)

    def test_a_trusted_torch_file_opens(self, tmp_path):
        torch = pytest.importorskip("torch")
        torch.save(torch.nn.Linear(2, 2), tmp_path / "model.pt")
        target = load_target(tmp_path / "model.pt", classes=CLASSES, trust_pickle=True)
        assert target.predict(X.astype(np.float32)).log_scores.shape == (60, 2)

    @pytest.mark.parametrize("suffix", [".skops", ".onnx", ".pkl", ".joblib", ".pt", ".safetensors"])
    @pytest.mark.parametrize("cut", [0, 0.5])
    def test_files_cut_short_are_one_sentence(self, saved, suffix, cut):
        whole = {".skops": skops.io.dumps(FITTED)}.get(suffix, pickle.dumps(FITTED))
        recipe = Weights()
        path = saved(suffix, whole[: int(len(whole) * cut)])
        with pytest.raises(ModelError) as caught:
            load_target(path, recipe=recipe, classes=CLASSES, trust_pickle=True)
        assert "\n" not in str(caught.value)

    def test_safetensors_need_a_recipe_that_loads(self, saved):
        numpy_file = pytest.importorskip("safetensors.numpy")
        path = saved(".safetensors", numpy_file.save({"w": np.eye(2)}))
        target = load_target(path, recipe=Weights())
        np.testing.assert_array_equal(target.predict(X).logits, X)
        for recipe in (None, SklearnRecipe(FITTED)):
            with pytest.raises(ModelError, match="weights alone"):
                load_target(path, recipe=recipe)

    @pytest.mark.parametrize("name", ["missing.skops", "folder.onnx"])
    def test_no_such_file(self, tmp_path, name):
        (tmp_path / "folder.onnx").mkdir()
        with pytest.raises(ModelError, match="no model file"):
            load_target(tmp_path / name)

    def test_another_kind_of_file(self, saved):
        with pytest.raises(ModelError, match=r"\.skops.*\.onnx.*\.safetensors"):
            load_target(saved(".h5", b"x"))


class Weights(OneByOne):
    """A recipe for a linear model whose weights lie in a safetensors file."""

    def load(self, path, classes=None):
        from safetensors.numpy import load_file

        weights = load_file(path)["w"]
        return FunctionTarget(lambda x: x @ weights, CLASSES, Access.LOGITS)

    def fingerprint(self):
        return "weights"


class TestUrls:
    def test_a_url_speaks_what_its_path_says(self, monkeypatch):
        monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
        target = load_target("http://127.0.0.1:1/invocations", classes=CLASSES, probe=X[:2])
        assert isinstance(target, HttpTarget)
        assert target.protocol == MlflowInvocations()
        assert target.token_variable is None
        monkeypatch.setenv(TOKEN_VARIABLE, "t")
        assert load_target("http://h/", classes=CLASSES, probe=X[:2]).token_variable == TOKEN_VARIABLE

    def test_a_url_needs_classes_and_a_probe(self):
        for given in ({"classes": CLASSES}, {"probe": X}):
            with pytest.raises(ModelError, match="probe records"):
                load_target("https://h/score", **given)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes a module into the current folder; its name is new for each test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p != str(tmp_path)])
    name = f"recipes_of_{tmp_path.name}".replace("-", "_")
    yield lambda text: (tmp_path / f"{name}.py").write_text(text) and name
    sys.modules.pop(name, None)


class TestNames:
    def test_an_estimator_a_function_and_a_recipe(self, module):
        name = module(
            "from sklearn.linear_model import LogisticRegression\n"
            "from reticent.targets.sklearn import SklearnRecipe\n"
            "estimator = LogisticRegression(C=0.5)\n"
            "def train(X, y, seed):\n    return LogisticRegression().fit(X, y)\n"
            "recipe = SklearnRecipe(estimator)\n"
            "class All:\n    inner = recipe\n"
        )
        data = Records(X, (Y == "yes").astype(np.int64), CLASSES)
        kinds = {"estimator": SklearnRecipe, "train": FunctionRecipe, "recipe": SklearnRecipe}
        for attribute, kind in {**kinds, "All.inner": SklearnRecipe}.items():
            recipe = load_recipe(f"{name}:{attribute}")
            assert isinstance(recipe, kind)
            assert recipe.fit(data, 0).predict(X).log_scores.shape == (60, 2)
        assert load_recipe(f"{name}:recipe") is sys.modules[name].recipe

    @pytest.mark.parametrize(
        ("text", "attribute", "says"),
        [
            ("x = 1", "recipe", "has no 'recipe'"),
            ("recipe = 1", "recipe", "is a int"),
            ("def recipe(x): ...", "recipe", "is a function; expected"),
            ("class recipe:\n    def fit(self): ...", "recipe", "is a class"),
            ("1 / 0", "recipe", "threw ZeroDivisionError"),
            ("recipe = (", "recipe", "threw SyntaxError"),
            ("import no_such_library", "recipe", "needs 'no_such_library'"),
        ],
    )
    def test_what_is_no_recipe_is_refused_by_a_sentence(self, module, text, attribute, says):
        with pytest.raises(PlanError, match=says) as caught:
            load_recipe(f"{module(text)}:{attribute}")
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("name", ["mymodule", ":recipe", "mymodule:", ""])
    def test_a_name_that_does_not_read(self, name):
        with pytest.raises(PlanError, match="module:name"):
            load_recipe(name)

    def test_no_such_module(self):
        with pytest.raises(PlanError, match="'no_such_module_here'"):
            load_recipe("no_such_module_here:recipe")


def test_a_forest_by_name_is_a_recipe_that_workers_can_use(module):
    """What travels to another process must come back to the same recipe."""
    name = module("from sklearn.ensemble import RandomForestClassifier as F\nrecipe = F(3, max_depth=2)\n")
    recipe = load_recipe(f"{name}:recipe")
    assert isinstance(recipe.estimator, RandomForestClassifier)
    assert pickle.loads(pickle.dumps(recipe)).fingerprint() == recipe.fingerprint()
