"""What travels over HTTP, by each convention."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access
from reticent.errors import TargetError
from reticent.targets.answers import read_answers
from reticent.targets.wire import Instances, MlflowInvocations, OpenInference, wire_for

TEXT = np.array(["no", "yes"])
CODES = np.array([0, 1])
TABLE = pd.DataFrame(
    {
        "age": [39.5, np.nan],
        "job": ["cook", None],
        "sex": pd.Categorical(["f", None]),
        "children": [2, 0],
        "born": pd.to_datetime(["1980-02-01", None]),
        "member": [True, False],
    }
)
ROWS = [
    [39.5, "cook", "f", 2, "1980-02-01 00:00:00", True],
    [None, None, None, 0, None, False],
]


def travelled(body):
    """The body as the other side sees it."""
    return json.loads(json.dumps(body, allow_nan=False))


def test_tables_travel_with_null_for_what_is_missing():
    columns = list(TABLE.columns)
    assert travelled(Instances().question(TABLE)) == {
        "instances": [dict(zip(columns, row, strict=True)) for row in ROWS]
    }
    assert travelled(MlflowInvocations().question(TABLE)) == {
        "dataframe_split": {"columns": columns, "data": ROWS}
    }


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int64, np.uint8])
def test_arrays_travel_exactly_in_any_shape(dtype):
    x = (np.random.default_rng(0).normal(size=(3, 2, 2)) * 100).astype(dtype)
    for question, key in ((Instances(), "instances"), (MlflowInvocations(), "inputs")):
        np.testing.assert_array_equal(np.array(travelled(question.question(x))[key], dtype), x)
    (tensor,) = travelled(OpenInference(model="m").question(x))["inputs"]
    assert tensor["shape"] == [3, 2, 2]
    np.testing.assert_array_equal(np.array(tensor["data"], dtype).reshape(tensor["shape"]), x)


def test_missing_numbers_in_arrays_are_null():
    assert travelled(Instances().question(np.array([[1.5, np.nan]]))) == {"instances": [[1.5, None]]}


def test_open_inference_sends_a_tensor_a_column():
    body = travelled(OpenInference(model="m", output="predict_proba").question(TABLE))
    tensors = {t["name"]: (t["datatype"], t["shape"], t["data"]) for t in body["inputs"]}
    assert tensors["age"] == ("FP64", [2, 1], [39.5, None])
    assert tensors["job"] == ("BYTES", [2, 1], ["cook", ""])
    assert tensors["children"] == ("INT64", [2, 1], [2, 0])
    assert tensors["member"] == ("BOOL", [2, 1], [True, False])
    assert body["outputs"] == [{"name": "predict_proba"}]
    (tensor,) = OpenInference(model="m").question(np.zeros((2, 3), np.float32))["inputs"]
    assert (tensor["name"], tensor["datatype"]) == ("input", "FP32")


def test_addresses():
    assert Instances().address("http://h/score") == "http://h/score"
    assert MlflowInvocations().address("http://h/?key=1") == "http://h/invocations?key=1"
    assert MlflowInvocations().address("http://h/") == "http://h/invocations"
    assert MlflowInvocations().address("http://h/a/invocations") == "http://h/a/invocations"
    assert OpenInference(model="m").address("http://h/") == "http://h/v2/models/m/infer"
    assert (
        OpenInference(model="m", version="2").address("http://h") == "http://h/v2/models/m/versions/2/infer"
    )


@pytest.mark.parametrize(
    ("url", "wire"),
    [
        ("http://h/score", Instances()),
        ("http://h/invocations?x=1", MlflowInvocations()),
        ("http://h/v2/models/income/infer", OpenInference(model="income")),
        ("http://h/v2/models/income/versions/3/infer", OpenInference(model="income", version="3")),
    ],
)
def test_a_path_gives_its_convention_away(url, wire):
    assert wire_for(url) == wire
    assert wire_for(url).address(url) == url


SCORES = [[0.75, 0.25], [0.5, 0.5]]


@pytest.mark.parametrize(
    ("body", "classes", "access"),
    [
        ({"probabilities": SCORES}, TEXT, Access.SCORES),
        ({"scores": SCORES, "labels": ["no", "no"]}, TEXT, Access.SCORES),
        ({"predictions": SCORES}, TEXT, Access.SCORES),
        (SCORES, TEXT, Access.SCORES),
        ({"predictions": [0.25, 0.5]}, TEXT, Access.SCORES),
        ({"predictions": [[0.25], [0.5]]}, CODES, Access.SCORES),
        ({"predictions": [{"yes": 0.25, "no": 0.75}, {"no": 0.5, "yes": 0.5}]}, TEXT, Access.SCORES),
        ({"predictions": [{"0": 0.75, "1": 0.25}, {"0": 0.5, "1": 0.5}]}, CODES, Access.SCORES),
        ({"logits": np.log(SCORES).tolist()}, TEXT, Access.LOGITS),
        ({"labels": ["no", "no"]}, TEXT, Access.LABELS),
        ({"predictions": ["no", "no"]}, TEXT, Access.LABELS),
        ({"predictions": [0, 0]}, CODES, Access.LABELS),
        ({"predictions": [[0.0], [0.0]]}, CODES, Access.LABELS),
    ],
)
def test_answers_are_read_whatever_their_key(body, classes, access):
    answer = Instances().answer(body, classes)
    assert answer.access == access
    outputs = read_answers(answer.values, classes, answer.access, records=2)
    assert outputs.labels.tolist() == [0, 0]
    if access > Access.LABELS:
        np.testing.assert_allclose(np.exp(outputs.log_scores), SCORES)


def tensor(name, datatype, shape, data):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data}


@pytest.mark.parametrize(
    ("outputs", "classes", "access"),
    [
        ([tensor("predict", "FP64", [2, 2], [0.75, 0.25, 0.5, 0.5])], CODES, Access.SCORES),
        ([tensor("predict", "FP64", [2, 2], SCORES)], CODES, Access.SCORES),
        (
            [tensor("label", "INT64", [2], [0, 0]), tensor("probabilities", "FP32", [2, 2], SCORES)],
            CODES,
            Access.SCORES,
        ),
        ([tensor("predict", "INT64", [2, 1], [0, 0])], CODES, Access.LABELS),
        ([tensor("label", "BYTES", [2], ["no", "no"])], TEXT, Access.LABELS),
        ([tensor("logits", "FP32", [2, 2], np.log(SCORES).tolist())], TEXT, Access.LOGITS),
    ],
)
def test_open_inference_reads_its_tensors(outputs, classes, access):
    answer = OpenInference(model="m").answer({"outputs": outputs}, classes)
    assert answer.access == access
    assert read_answers(answer.values, classes, access, records=2).labels.tolist() == [0, 0]


def test_the_output_that_was_named_is_read():
    outputs = [tensor("probabilities", "FP32", [1], [0.1]), tensor("calibrated", "FP32", [1], [0.2])]
    answer = OpenInference(model="m", output="calibrated").answer({"outputs": outputs}, CODES)
    assert answer.values == [0.2]


@pytest.mark.parametrize("body", [None, 3, "x", {}, {"predictions": "x"}, {"outputs": []}, {"error": "no"}])
@pytest.mark.parametrize("wire", [Instances(), MlflowInvocations(), OpenInference(model="m")])
def test_what_is_no_answer_is_refused(wire, body):
    with pytest.raises(TargetError, match="holds no"):
        wire.answer(body, CODES)


def test_rows_that_lack_a_class_are_refused():
    with pytest.raises(TargetError, match="lack a class"):
        Instances().answer({"predictions": [{"no": 1.0}]}, TEXT)


@pytest.mark.parametrize(
    "outputs",
    [
        [{"name": "a"}],
        [tensor("a", "FP32", [3], [1.0])],
        [tensor("a", "FP32", ["x"], [1.0])],
        [tensor("a", "FP32", 1, [1.0])],
        [tensor("a", "FP32", [1], {"b": 1})],
        [7],
    ],
)
def test_broken_tensors_are_refused(outputs):
    with pytest.raises(TargetError, match=r"no output tensor|lack a class"):
        OpenInference(model="m").answer({"outputs": outputs}, CODES)
