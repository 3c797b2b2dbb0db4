"""How records and answers travel over HTTP: one frozen dataclass a convention.

A wire says where to post (`address`), what (`question`: JSON), and reads what comes back (`answer`). JSON
has no NaN, so missing values travel as null.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from reticent.access import Access
from reticent.data import is_table
from reticent.errors import TargetError

if TYPE_CHECKING:
    from reticent.access import Features

Json = dict[str, object]
Classes = npt.NDArray[np.generic]

_KINDS = {
    "probabilities": Access.SCORES,
    "scores": Access.SCORES,
    "logits": Access.LOGITS,
    "labels": Access.LABELS,
}


@dataclass(frozen=True, eq=False)
class Answer:
    """What an endpoint answered.

    Attributes:
        values: one row a record; see `answers.read_answers`.
        access: what they are.
    """

    values: object
    access: Access


class Wire(Protocol):
    """A convention of asking over HTTP."""

    def address(self, url: str) -> str:
        """Where to post, given the URL that the user named."""

    def question(self, x: Features) -> Json:
        """The body that asks about the records `x`."""

    def answer(self, body: Any, classes: Classes) -> Answer:
        """Read the decoded body that came back.

        Raises:
            TargetError: it is not what the convention says.
        """


@dataclass(frozen=True)
class Instances:
    """Plain JSON scoring.

    POST {"instances": [[1.0, 2.0], …]}, or [{"age": 39, …}, …] for a table, and back comes one of
        {"probabilities": [[0.2, 0.8], …]}    (also called "scores")
        {"logits": [[-1.1, 0.3], …]}
        {"labels": ["no", …]}
        {"predictions": …}                    any of these; labels where every entry is a class
    Rows may be objects from class to probability. Of two classes, the second one's may come alone.
    """

    def address(self, url: str) -> str:
        """The URL as it is."""
        return url

    def question(self, x: Features) -> Json:
        """{"instances": …}"""
        if not is_table(x):
            return {"instances": _nested(x)}
        columns = [str(name) for name in x.columns]
        return {"instances": [dict(zip(columns, row, strict=True)) for row in _rows(x)]}

    def answer(self, body: Any, classes: Classes) -> Answer:
        """Whichever of the known keys is there, scores before labels."""
        if isinstance(body, list):
            body = {"predictions": body}
        if isinstance(body, dict):
            for key, access in _KINDS.items():
                if isinstance(body.get(key), list):
                    return Answer(_by_class(body[key], classes), access)
            if isinstance(body.get("predictions"), list):
                return _predictions(body["predictions"], classes)
        raise TargetError('holds none of "probabilities", "logits", "labels" and "predictions"')


@dataclass(frozen=True)
class MlflowInvocations:
    """MLflow's scoring server: POST /invocations with `dataframe_split`, or `inputs` for an array."""

    def address(self, url: str) -> str:
        """…/invocations"""
        return _under(url, "/invocations")

    def question(self, x: Features) -> Json:
        """{"dataframe_split": {"columns": …, "data": …}} or {"inputs": …}"""
        if not is_table(x):
            return {"inputs": _nested(x)}
        return {"dataframe_split": {"columns": [str(name) for name in x.columns], "data": _rows(x)}}

    def answer(self, body: Any, classes: Classes) -> Answer:
        """{"predictions": …}"""
        return Instances().answer(body, classes)


@dataclass(frozen=True, kw_only=True)
class OpenInference:
    """Open Inference Protocol V2 (KServe, Triton, MLServer): POST /v2/models/{model}/infer.

    An array travels as one tensor, a table as one tensor (records, 1) a column, under its name.

    Attributes:
        model: its name on the server.
        version: its version, or empty for the server's choice.
        input: the name of the tensor, for arrays.
        output: the tensor to read; empty for the first that is called a score, else the first.
    """

    model: str
    version: str = ""
    input: str = "input"
    output: str = ""

    def address(self, url: str) -> str:
        """…/v2/models/{model}[/versions/{version}]/infer"""
        version = f"/versions/{self.version}" if self.version else ""
        return _under(url, f"/v2/models/{self.model}{version}/infer")

    def question(self, x: Features) -> Json:
        """{"inputs": [{"name", "shape", "datatype", "data"}, …]}"""
        body: Json = {}
        if is_table(x):
            body["inputs"] = [_tensor(str(name), column.to_numpy()[:, None]) for name, column in x.items()]
            body["parameters"] = {"content_type": "pd"}  # MLServer then hands its model a table
        else:
            body["inputs"] = [_tensor(self.input, x)]
        if self.output:
            body["outputs"] = [{"name": self.output}]
        return body

    def answer(self, body: Any, classes: Classes) -> Answer:
        """{"outputs": [{"name", "shape", "datatype", "data"}, …]}"""
        try:
            tensors = {str(t["name"]): t for t in body["outputs"]}
            tensor = tensors.get(self.output) or self._first_score(tensors) or next(iter(tensors.values()))
            values = np.array(tensor["data"]).reshape([int(n) for n in tensor["shape"]])
            name, text = str(tensor["name"]), tensor["datatype"] == "BYTES"
        except (TypeError, KeyError, ValueError, StopIteration, OverflowError) as error:
            raise TargetError("holds no output tensor") from error
        if text:
            return Answer(values, Access.LABELS)
        if "logit" in name.lower():
            return Answer(values, Access.LOGITS)
        return _predictions(values.tolist(), classes)

    @staticmethod
    def _first_score(tensors: dict[str, Any]) -> Any:
        return next((t for name, t in tensors.items() if re.search("prob|score|logit", name.lower())), None)


def wire_for(url: str) -> Wire:
    """The convention that a URL's path gives away; plain JSON for any other."""
    path = url.partition("?")[0].rstrip("/")
    if path.endswith("/invocations"):
        return MlflowInvocations()
    named = re.search(r"/v2/models/([^/]+)(?:/versions/([^/]+))?(?:/infer)?$", path)
    if named:
        return OpenInference(model=named[1], version=named[2] or "")
    return Instances()


def _under(url: str, path: str) -> str:
    """The URL with a path added, unless it ends in that already; what follows a "?" stays."""
    base, mark, query = url.partition("?")
    base = base.rstrip("/")
    return (base if base.endswith(path) else base + path) + mark + query


def _predictions(rows: list[Any], classes: Classes) -> Answer:
    """Rows that may be scores or labels: labels where there is one entry a row and each is a class."""
    rows = _by_class(rows, classes)
    if all(isinstance(row, list) and len(row) == 1 for row in rows):
        rows = [row[0] for row in rows]
    if any(isinstance(row, list) for row in rows):
        return Answer(rows, Access.SCORES)
    known = {str(c) for c in classes.tolist()} | {str(float(c)) for c in classes.tolist() if _is_number(c)}
    return Answer(rows, Access.LABELS if all(str(row) in known for row in rows) else Access.SCORES)


def _by_class(rows: list[Any], classes: Classes) -> list[Any]:
    """Rows that are objects from class to probability, as lists in the order of the classes."""
    if not rows or not isinstance(rows[0], dict):
        return rows
    try:
        return [[row[str(label)] for label in classes.tolist()] for row in rows]
    except (KeyError, TypeError) as error:
        raise TargetError("holds rows that lack a class") from error


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _rows(table: Any) -> list[list[object]]:
    """A table's rows as JSON values."""
    columns = [_nested(column.to_numpy()) for _, column in table.items()]
    return [list(row) for row in zip(*columns, strict=True)]


def _nested(values: Any) -> list[Any]:
    """An array as nested lists of JSON values, null where missing."""
    array = np.asarray(values)
    if array.dtype.kind in "biuU":
        return list(array.tolist())
    import pandas as pd

    missing = pd.isna(array)
    if array.dtype.kind == "f" and not missing.any():
        return list(array.tolist())
    plain = [
        None if gone else _plain(value)
        for value, gone in zip(array.ravel().tolist(), missing.ravel(), strict=True)
    ]
    return list(np.array([*plain, None], dtype=object)[:-1].reshape(array.shape).tolist())


def _plain(value: Any) -> object:
    if isinstance(value, np.generic):
        return value.item()
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _tensor(name: str, x: Any) -> Json:
    values = np.asarray(x)
    kinds = {"b": "BOOL", "i": "INT64", "u": "INT64", "f": "FP32" if values.dtype == np.float32 else "FP64"}
    datatype = kinds.get(values.dtype.kind, "BYTES")
    data = _nested(values.reshape(-1))
    if datatype == "BYTES":
        data = ["" if value is None else str(value) for value in data]
    return {"name": name, "shape": list(values.shape), "datatype": datatype, "data": data}
