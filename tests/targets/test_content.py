"""A model's content: the same wherever it is read, another as soon as anything learnt is."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC
from xgboost import XGBClassifier

from reticent.targets.content import content, identity

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = (X[:, 0] + X[:, 1] > 0).astype(int)

MODELS = [
    LogisticRegression(),
    make_pipeline(FunctionTransformer(np.tanh), StandardScaler(), LogisticRegression()),
    RandomForestClassifier(5, random_state=0),
    HistGradientBoostingClassifier(max_iter=5, random_state=0),
    MLPClassifier((5,), max_iter=400, tol=0.01, random_state=0),
    KNeighborsClassifier(),
    SVC(),
    XGBClassifier(n_estimators=3, n_jobs=1, random_state=0),
    LGBMClassifier(n_estimators=3, n_jobs=1, random_state=0, verbose=-1),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_a_fitted_model_keeps_its_content_until_it_learns_something_else(model):
    model.fit(X, Y)
    before = content(model)
    model.predict(X)  # some count what they are asked
    assert content(model) == before
    assert content(pickle.loads(pickle.dumps(model))) == before
    flipped = Y.copy()
    flipped[:10] ^= 1
    assert content(model.fit(X, flipped)) != before
    assert content(model.fit(X, Y)) == before


def test_one_weight_is_enough():
    model = LogisticRegression().fit(X, Y)
    before = content(model)
    model.coef_[0, 0] = np.nextafter(model.coef_[0, 0], 1)
    assert content(model) != before


def test_content_is_the_same_in_another_process():
    program = (
        "import numpy as np\n"
        "from sklearn.ensemble import RandomForestClassifier\n"
        "from reticent.targets.content import content\n"
        "x = np.random.default_rng(0).normal(size=(120, 4)); y = (x[:, 0] > 0).astype(int)\n"
        "m = RandomForestClassifier(3, random_state=0).fit(x, y)\n"
        "print(content((m, {'b', 'a', 'c'}, {'k': 1, 'a': None})))\n"
    )

    def run(hash_seed: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        ).stdout

    assert run("1") == run("2")


def test_padding_between_fields_is_no_content():
    dtype = np.dtype([("a", "u1"), ("b", "f8")], align=True)
    one, other = np.zeros(3, dtype), np.zeros(3, dtype)
    other.view(np.uint8)[1] = 7  # a byte that no field owns
    assert one.tobytes() != other.tobytes()
    assert content(one) == content(other)
    other["a"][0] = 1
    assert content(one) != content(other)


def _threshold(limit):
    return lambda x: x > limit


def _other_threshold(limit):
    return lambda x: x >= limit


def test_a_function_is_its_code_and_what_it_closes_over():
    assert content(_threshold(1)) == content(_threshold(1))
    assert content(_threshold(1)) != content(_threshold(2))
    assert content(_threshold(1)) != content(_other_threshold(1))


WEIGHTS = np.zeros(3)


def test_a_function_is_the_globals_that_it_names():
    def scores(x):
        return [x @ WEIGHTS for _ in range(1)]

    before = content(scores)
    WEIGHTS[1] = 1
    try:
        assert content(scores) != before
    finally:
        WEIGHTS[1] = 0
    assert content(scores) == before


def test_the_users_own_modules_are_their_text(tmp_path, monkeypatch):
    """A training function that calls a helper is another one when the helper is edited."""
    monkeypatch.syspath_prepend(str(tmp_path))
    train = (
        "import content_helper\nfrom content_helper import Net\ndef train(): return content_helper.depth\n"
    )
    train += "def net(): return Net()\n"

    def read(helper):
        for name in ("content_helper", "content_train"):
            sys.modules.pop(name, None)
        for folder in tmp_path.glob("__pycache__/*"):
            folder.unlink()
        (tmp_path / "content_helper.py").write_text(helper)
        (tmp_path / "content_train.py").write_text(train)
        importlib.invalidate_caches()
        module = importlib.import_module("content_train")
        return content(module.train), content(module.net)

    helper = "depth = 1\nclass Base:\n    width = 2\nclass Net(Base): ...\n"
    before = read(helper)
    assert read(helper) == before
    for edited in (helper.replace("depth = 1", "depth = 3"), helper.replace("width = 2", "width = 3")):
        after = read(edited)
        assert after[0] != before[0]
        assert after[1] != before[1]


def test_a_package_does_not_change_as_its_parts_are_imported():
    import reticent
    from reticent.targets import content as part

    package = sys.modules["reticent.targets"]
    before = content(package)
    package.later = sys.modules["reticent.targets.content"]  # as importing it anew would do
    try:
        assert content(package) == before
    finally:
        del package.later
    assert content(reticent) != content(part)


def test_a_method_is_what_its_object_learnt():
    model = LogisticRegression().fit(X, Y)
    before = content(model.predict_proba)
    assert content(LogisticRegression().fit(X, Y).predict_proba) == before
    assert content(LogisticRegression().fit(X, 1 - Y).predict_proba) != before


def test_order_counts_in_lists_and_not_in_sets():
    assert content([1, 2]) != content([2, 1])
    assert content([1, 2]) != content((1, 2))
    assert content({"a": 1, "b": 2}) == content({"b": 2, "a": 1})
    assert content({"a": 1}) != content({"a": 2})


def test_an_object_that_holds_itself_is_read():
    loop: list[object] = [1]
    loop.append(loop)
    assert content(loop) == content(loop)


def test_torch_weights_are_read():
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(3, 2)
    before = content(layer)
    assert content(pickle.loads(pickle.dumps(layer))) == before
    with torch.no_grad():
        layer.weight[0, 0] += 1
    assert content(layer) != before


def test_what_cannot_be_read_is_never_taken_for_something_known():
    lock = threading.Lock()
    with pytest.raises(TypeError, match="lock"):
        content(lambda: lock)
    assert identity(lock) != identity(lock)
    assert identity([1]) == content([1])
