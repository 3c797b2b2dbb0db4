"""ONNX files as targets: what skl2onnx exports, hand-made graphs, damaged files."""

from __future__ import annotations

import builtins

import numpy as np
import onnx
import onnx.helper as make
import pandas as pd
import pytest
from onnx import TensorProto, numpy_helper
from skl2onnx import to_onnx
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

from reticent.access import Access
from reticent.errors import DataError, MissingExtra, ModelError
from reticent.targets.onnx import OnnxTarget

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 3)).astype(np.float32)
Y = np.where(X[:, 0] > 0, "yes", "no")
THREE = np.digitize(X[:, 1], [-0.5, 0.5])


def exported(model, x, **options) -> bytes:
    return to_onnx(model, x, **options).SerializeToString()


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
@pytest.mark.parametrize("labels", [Y, THREE], ids=["text", "codes"])
def test_what_skl2onnx_writes_answers_like_the_model(zipmap, labels):
    model = LogisticRegression().fit(X, labels)
    target = OnnxTarget(exported(model, X[:1], options={"zipmap": zipmap}))
    assert target.access == Access.SCORES
    assert target.classes.tolist() == model.classes_.tolist()  # read off the file
    np.testing.assert_allclose(np.exp(target.predict(X).log_scores), model.predict_proba(X), atol=1e-5)


def test_a_forest_answers_like_the_model():
    model = RandomForestClassifier(5, random_state=0).fit(X, Y)
    target = OnnxTarget(exported(model, X[:1]))
    np.testing.assert_allclose(
        np.exp(target.predict(X).log_scores), np.maximum(model.predict_proba(X), 1e-7), atol=1e-5
    )


def table() -> pd.DataFrame:
    frame = pd.DataFrame(X, columns=["age", "in come", "c"])
    frame.loc[::5, "age"] = np.nan
    frame["job"] = np.where(X[:, 1] > 0, "nurse", "cook")
    frame["children"] = RNG.integers(0, 3, len(X))
    return frame


def test_a_pipeline_takes_a_column_an_input():
    frame = table()
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "in come", "c"]),
        (OneHotEncoder(handle_unknown="ignore"), ["job"]),
        ("passthrough", ["children"]),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, Y)
    target = OnnxTarget(exported(model, frame[:1]))
    answers = target.predict(frame.assign(unused=1)[["job", "unused", "c", "children", "in come", "age"]])
    np.testing.assert_allclose(np.exp(answers.log_scores), model.predict_proba(frame), atol=1e-5)
    with pytest.raises(DataError, match="'c', 'job'"):
        target.predict(frame.drop(columns=["c", "job"]))
    with pytest.raises(DataError, match="give a table"):
        target.predict(X)
    with pytest.raises(DataError, match="something else"):
        target.predict(frame.assign(children=np.nan))
    with pytest.raises(DataError, match="something else"):
        target.predict(frame.assign(age="old"))


def test_a_distance_beside_a_label_grants_the_label_alone():
    model = LinearSVC().fit(X, Y)
    outputs = OnnxTarget(exported(model, X[:1])).predict(X)
    assert outputs.log_scores is None
    np.testing.assert_array_equal(np.array(["no", "yes"])[outputs.labels], model.predict(X))


WEIGHTS = RNG.normal(size=(3, 4)).astype(np.float32)


def graph(*last: str, batch: int | None = None, weights=WEIGHTS) -> onnx.ModelProto:
    """x @ weights, then the operators named."""
    nodes = [make.make_node("MatMul", ["x", "w"], ["y0"])]
    nodes += [make.make_node(op, [f"y{i}"], [f"y{i + 1}"]) for i, op in enumerate(last)]
    return make.make_model(
        make.make_graph(
            nodes,
            "net",
            [make.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 3])],
            [make.make_tensor_value_info(f"y{len(last)}", TensorProto.FLOAT, [batch, weights.shape[1]])],
            [numpy_helper.from_array(weights, "w")],
        ),
        opset_imports=[make.make_opsetid("", 17)],
        ir_version=8,
    )


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("last", "access"),
    [
        ((), Access.LOGITS),
        (("Identity",), Access.LOGITS),
        (("LogSoftmax",), Access.LOGITS),
        (("Softmax",), Access.SCORES),
        (("Softmax", "Identity"), Access.SCORES),
    ],
)
def test_a_plain_tensor_is_read_off_the_graph(last, access):
    target = OnnxTarget(graph(*last).SerializeToString(), classes=np.arange(4))
    assert target.access == access
    outputs = target.predict(X)
    np.testing.assert_allclose(np.exp(outputs.log_scores), softmax(X @ WEIGHTS), atol=1e-6)
    assert (outputs.logits is not None) == (access == Access.LOGITS)


def test_one_sigmoid_is_the_second_class():
    data = graph("Sigmoid", weights=WEIGHTS[:, :1]).SerializeToString()
    target = OnnxTarget(data, classes=np.array(["no", "yes"]))
    assert target.access == Access.SCORES
    chance = 1 / (1 + np.exp(-(X @ WEIGHTS[:, 0])))
    np.testing.assert_allclose(np.exp(target.predict(X).log_scores)[:, 1], chance, atol=1e-6)


def test_probabilities_taken_for_logits_are_noticed():
    model = graph("Softmax", "Abs").SerializeToString()  # the graph does not end in the softmax
    with pytest.raises(ModelError, match=r"access=Access\.SCORES"):
        OnnxTarget(model, classes=np.arange(4)).predict(X)
    told = OnnxTarget(model, classes=np.arange(4), access=Access.SCORES).predict(X)
    np.testing.assert_allclose(np.exp(told.log_scores), softmax(X @ WEIGHTS), atol=1e-6)


@pytest.mark.parametrize("batch", [1, 32, 80, 100])
def test_a_file_of_a_fixed_batch_answers_any_number(batch):
    fixed = OnnxTarget(graph(batch=batch).SerializeToString(), classes=np.arange(4))
    free = OnnxTarget(graph().SerializeToString(), classes=np.arange(4))
    np.testing.assert_allclose(fixed.predict(X).logits, free.predict(X).logits, atol=1e-6)


def test_the_file_is_its_fingerprint(tmp_path):
    data = graph().SerializeToString()
    (tmp_path / "a.onnx").write_bytes(data)
    of_file, of_bytes = (OnnxTarget(m, classes=np.arange(4)) for m in (tmp_path / "a.onnx", data))
    assert of_file.fingerprint() == of_bytes.fingerprint()
    other = OnnxTarget(graph(weights=WEIGHTS * 1.001).SerializeToString(), classes=np.arange(4))
    assert other.fingerprint() != of_file.fingerprint()


def test_classes_are_needed_where_the_file_names_none():
    with pytest.raises(ModelError, match="names no classes"):
        OnnxTarget(graph().SerializeToString())
    with pytest.raises(ModelError, match="5 classes"):
        OnnxTarget(graph().SerializeToString(), classes=np.arange(5)).predict(X)


def test_weights_in_another_file_are_refused():
    model = graph()
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret.bin")
    with pytest.raises(ModelError, match="another file"):
        OnnxTarget(model.SerializeToString(), classes=np.arange(4))


WHOLE = graph().SerializeToString()


@pytest.mark.parametrize("data", [b"", b"\xff" * 50, WHOLE[: len(WHOLE) // 2], WHOLE[:-3]])
def test_damaged_files_are_one_sentence(data, capfd):
    with pytest.raises(ModelError) as caught:
        OnnxTarget(data, classes=np.arange(4))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("library", ["onnx", "onnxruntime"])
def test_a_missing_extra_is_told_by_name(monkeypatch, library):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == library:
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=rf"{library} is needed.*\[onnx\]"):
        OnnxTarget(WHOLE, classes=np.arange(4))
