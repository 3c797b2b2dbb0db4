"""ONNX files: classifiers exported from scikit-learn, XGBoost, torch and the rest.

What the file answers is read off its graph. A label beside a score (what skl2onnx writes, with or without
ZipMap) grants scores; so does one tensor that ends in a softmax or a sigmoid; any other single tensor is
taken for logits. An ONNX file shows no gradients, so it never grants weights.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from reticent.access import Access, Outputs, join
from reticent.data import is_table
from reticent.errors import DataError, MissingExtra, ModelError
from reticent.fingerprint import fingerprint
from reticent.targets.answers import read_answers

if TYPE_CHECKING:
    from reticent.access import Features

_TYPES: dict[str, type[Any]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(int8)": np.int8,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}
_PASSING = ("Identity", "Cast", "Reshape", "Squeeze", "Flatten")
_SQUASHING = ("Softmax", "Sigmoid", "Normalizer", "ZipMap")


class OnnxTarget:
    """A classifier in an ONNX file, run by onnxruntime on one thread.

    A file with one input is handed the records as one array; one with an input a column is handed each
    column of the table under its name. Missing numbers go in as NaN, missing text as "".

    Args:
        model: the file, or its bytes.
        classes: (classes,) the labels behind the columns, for files that do not name them.
        access: what it answers; None to read it off the graph.

    Raises:
        ModelError: it doesn't read, keeps weights outside itself, or names no classes and none were given.
        MissingExtra: onnxruntime is not installed.
    """

    def __init__(
        self,
        model: Path | str | bytes,
        *,
        classes: npt.NDArray[np.generic] | None = None,
        access: Access | None = None,
    ) -> None:
        self._bytes = model if isinstance(model, bytes) else _read(Path(model))
        graph = _graph(self._bytes)
        self._session = _session(self._bytes)
        own = _class_labels(graph)
        if own is None and classes is None:
            raise ModelError("the ONNX file names no classes; give them in the order of its columns")
        self.classes: npt.NDArray[np.generic] = np.asarray(classes) if own is None else own
        self._labels, answers = _outputs(self._session)
        # One output a class, as ZipMap "columns" has it; any other beside the first is not the answer.
        self._answers = answers if self._labels and len(answers) == len(self.classes) else answers[:1]
        if access not in (None, Access.LABELS) and not self._answers:
            raise ModelError(f"the ONNX file answers labels alone, and {access} were declared")
        self.access = access or self._granted(graph)

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`.

        Raises:
            DataError: the records lack a column that the file asks for.
            ModelError: it answers in another shape than its graph says.
        """
        fixed = self._inputs[0].shape[0]
        if not isinstance(fixed, int) or fixed == len(x):
            return self._ask(x, len(x))
        return join([self._ask(x[i : i + fixed], fixed) for i in range(0, len(x), fixed)])

    def fingerprint(self) -> str:
        """A hash of the file's bytes."""
        return fingerprint("onnx", self._bytes, self.classes, int(self.access))

    @cached_property
    def _inputs(self) -> list[Any]:
        return list(self._session.get_inputs())

    def _granted(self, graph: Any) -> Access:
        if not self._answers:
            return Access.LABELS
        if self._labels is not None or _ends_in_probabilities(graph, self._answers[0]):
            return Access.SCORES
        return Access.LOGITS

    def _ask(self, x: Features, batch: int) -> Outputs:
        """Answer up to `batch` records; a file of a fixed size is handed copies of the last to fill up."""
        records = len(x)
        feed = {
            name: np.concatenate([column, np.repeat(column[-1:], batch - records, axis=0)])
            if records < batch
            else column
            for name, column in self._feed(x).items()
        }
        names = [*([self._labels] if self._labels else []), *self._answers]
        answers = self._session.run(names, feed)
        labels = np.asarray(answers.pop(0))[:records] if self._labels else None
        if self.access == Access.LABELS and labels is not None:
            return read_answers(labels, self.classes, Access.LABELS, records=records)
        values = self._table(answers)[:records]
        try:
            outputs = read_answers(values, self.classes, self.access, records=records)
        except ModelError:
            if labels is None:
                raise
            # What stands beside the label is no probability (a linear SVM's distance): the label remains.
            return read_answers(labels, self.classes, Access.LABELS, records=records)
        if self.access == Access.LOGITS and outputs.logits is not None and _look_like_scores(outputs.logits):
            raise ModelError(
                "the ONNX file was taken for one that answers logits and answers probabilities; open it with "
                "OnnxTarget(…, access=Access.SCORES)"
            )
        return outputs

    def _table(self, answers: list[Any]) -> Any:
        """One table of one tensor, of a tensor a class, or of ZipMap's mappings from label to score."""
        if len(answers) > 1:
            return np.stack([np.ravel(answer) for answer in answers], axis=1)
        if isinstance(answers[0], list):
            return np.array([[row[label] for label in self.classes.tolist()] for row in answers[0]])
        return answers[0]

    def _feed(self, x: Features) -> dict[str, npt.NDArray[Any]]:
        if len(self._inputs) == 1:
            (only,) = self._inputs
            return {only.name: _as_type(x.to_numpy() if is_table(x) else np.asarray(x), only.type)}
        if not is_table(x):
            raise DataError(
                f"the ONNX file takes {len(self._inputs)} named columns and an array was given; give a table"
            )
        columns = {re.sub(r"\W", "_", str(name)): name for name in x.columns}  # as exporters rename them
        columns |= {str(name): name for name in x.columns}
        missing = [i.name for i in self._inputs if i.name not in columns]
        if missing:
            shown = ", ".join(map(repr, missing[:5]))
            raise DataError(f"the records lack the column(s) {shown} that the ONNX file takes; add them")
        feed = {}
        for i in self._inputs:
            values = _as_type(x[columns[i.name]].to_numpy(), i.type)
            feed[i.name] = values if len(i.shape) == 1 else values[:, None]
        return feed


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"the model file {str(path)!r} can't be read; give one that exists") from error


def _graph(data: bytes) -> Any:
    try:
        import onnx
    except ModuleNotFoundError as error:
        raise MissingExtra("onnx", "onnx") from error
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf has several classes for a damaged message
        raise ModelError("the model does not read as ONNX; it is cut short or damaged") from error
    for tensor in _tensors(model.graph):
        if tensor.data_location == onnx.TensorProto.EXTERNAL:
            raise ModelError("the ONNX file keeps its weights in another file; save it as one file")
    return model.graph


def _tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for inner in (attribute.g, *attribute.graphs):
                if inner.node or inner.initializer:
                    yield from _tensors(inner)


def _session(data: bytes) -> Any:
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtra("onnxruntime", "onnx") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised; standard error is not its place
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a class of its own for each kind of damage
        reason = " ".join(str(error).split())[:160]
        raise ModelError(f"onnxruntime can't run this ONNX file ({reason}); export it again") from error


def _outputs(session: Any) -> tuple[str | None, list[str]]:
    """The name of the output that holds labels, if there is one, and of those that hold scores."""
    labels, scores = None, []
    for output in session.get_outputs():
        if output.type.startswith(("tensor(float", "tensor(double", "seq(map(")):
            scores.append(output.name)
        elif labels is None:
            labels = output.name
    if labels is None and not scores:
        raise ModelError("the ONNX file has no output that holds labels or scores; export a classifier")
    return labels, scores


def _class_labels(graph: Any) -> npt.NDArray[np.generic] | None:
    """The classes that the graph names: in its ZipMap, else in its other nodes if they agree."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name.startswith("classlabels_"):
                labels = tuple(attribute.ints) or tuple(label.decode() for label in attribute.strings)
                found.setdefault("ZipMap" if node.op_type == "ZipMap" else "", set()).add(labels)
    named = found.get("ZipMap") or found.get("", set())
    return np.array(next(iter(named))) if len(named) == 1 else None


def _ends_in_probabilities(graph: Any, output: str) -> bool:
    """Whether the node behind an output squashes, looking through those that only reshape."""
    made = {name: node for node in graph.node for name in node.output}
    name = output
    while name in made and made[name].op_type in _PASSING:
        name = made[name].input[0]
    return name in made and made[name].op_type in _SQUASHING


def _look_like_scores(rows: npt.NDArray[np.floating[Any]]) -> bool:
    return len(rows) > 1 and bool(np.all(rows >= 0) and np.allclose(rows.sum(axis=1), 1, atol=1e-4))


def _as_type(values: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    wanted = _TYPES.get(kind)
    if wanted is None:
        raise ModelError(f"the ONNX file takes inputs of type {kind}; expected tensors of numbers or text")
    if wanted is np.object_:
        import pandas as pd

        missing = pd.isna(values)
        text = ["" if gone else str(value) for value, gone in zip(values.flat, missing.flat, strict=True)]
        return np.array(text, dtype=object).reshape(values.shape)
    try:
        with np.errstate(invalid="ignore"):
            read = np.asarray(values, dtype=wanted)
            exact = np.issubdtype(wanted, np.inexact) or bool(np.all(read == values))
    except (ValueError, TypeError, OverflowError):
        exact = False
    if not exact:
        raise DataError(
            f"the ONNX file takes {kind} where the records hold something else (text, missing or broken "
            "numbers); give the columns that it was exported for"
        )
    return read
