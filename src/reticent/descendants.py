"""Fine-tunings of one model that was never released: what an attacker sees of them, and what they betray.

Weights come as safetensors, which hold numbers and nothing that could be run, or as arrays. A file is opened
when a tensor is asked for, so that no more than one tensor of every model is in memory at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from reticent.errors import DataError, MissingExtra, said
from reticent.store import storage_errors

FEWEST = 3
"""Fine-tunings below which no base is told: between two, any share of the difference may be either's."""

EPSILON = {"BF16": 2.0**-7, "F16": 2.0**-10, "F32": 2.0**-23, "F64": 2.0**-52}
"""Distance of 1 from the next number, by the format's names of its kinds of numbers."""

KINDS = {"float16": "F16", "float32": "F32", "float64": "F64"}
"""The same kinds by numpy's names."""

INDEX = "model.safetensors.index.json"

Source = str | Path | Mapping[str, Any]
"""A folder, a file of safetensors, or arrays by name."""


@dataclass(frozen=True, eq=False)
class Stack:
    """One tensor of every fine-tuning.

    Attributes:
        name: of the tensor.
        values: (models, ...) float32, or float64 where any file has that; whole numbers as they are.
        epsilon: the coarsest rounding of any file, as a share of a value; 0 where they are no floats.
    """

    name: str
    values: NDArray[Any]
    epsilon: float

    @property
    def same(self) -> bool:
        """Whether all models agree in every bit: then nobody trained it, and it is the base's own."""
        return bool((self.values == self.values[0]).all())


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What became of one tensor.

    Attributes:
        name: of the tensor.
        how: "recovered"; "copied", since all fine-tunings agree; or "left out".
        reason: why it was left out; else empty.
        rank: of the updates.
        steps: that the search took.
        mismatch: share of the updates' norm, W'_i − W, that lies beyond that rank.
        mismatch_mean: the same where W is the mean of the fine-tunings.
        held_out: the same share of the update of a fine-tuning that was held out while W was sought from the
            others; NaN with fewer than four.
        held_out_mean: the same where W is the mean of the others.
    """

    name: str
    how: Literal["recovered", "copied", "left out"]
    reason: str = ""
    rank: int = 0
    steps: int = 0
    mismatch: float = np.nan
    mismatch_mean: float = np.nan
    held_out: float = np.nan
    held_out_mean: float = np.nan


@dataclass(frozen=True, eq=False)
class Ancestor:
    """The base as its fine-tunings tell it.

    Attributes:
        tensors: by name, those that were recovered or copied.
        layers: what became of every tensor.
    """

    tensors: Mapping[str, NDArray[Any]]
    layers: tuple[Layer, ...]

    def save(self, path: str | Path) -> Path:
        """Write the tensors as one file of safetensors.

        Raises:
            MissingExtra: safetensors is not installed.
            StorageError: the disk is full or can't be written.
        """
        try:
            from safetensors.numpy import save_file
        except ImportError as error:
            raise MissingExtra("safetensors", "torch") from error
        path = Path(path)
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            save_file({name: np.ascontiguousarray(array) for name, array in self.tensors.items()}, path)
        return path


class Weights(Protocol):
    """The tensors of one model, read one by one."""

    @property
    def name(self) -> str:
        """For sentences."""

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of the tensors, by name."""

    def read(self, tensor: str) -> tuple[NDArray[Any], float]:
        """The values, and the rounding that they were stored with; 0 where they are no floats."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Descendants:
    """Fine-tunings of one base, tensor by tensor.

    Attributes:
        models: at least three, with tensors of the same names and shapes.
        advance: told of each tensor that has been dealt with.
    """

    models: tuple[Weights, ...]
    advance: Callable[[int], None] = lambda tensors: None

    @classmethod
    def of(cls, sources: Sequence[Source]) -> Descendants:
        """Open them, and see that they go together.

        Args:
            sources: of each fine-tuning a folder as Hugging Face lays it out (one file, or shards with an
                index), a file of safetensors, or arrays by name; LoRAs merged into the weights.

        Raises:
            DataError: fewer than three; a file that does not read; names or shapes that differ.
            MissingExtra: files, and safetensors or torch is not installed.
        """
        if len(sources) < FEWEST:
            raise DataError(
                f"{len(sources)} fine-tunings were given, between which no base can be told: any share of "
                f"what sets two apart may be either's; give at least {FEWEST}"
            )
        models = tuple(opened(source, f"fine-tuning {place + 1}") for place, source in enumerate(sources))
        for model in models[1:]:
            agree(models[0], model)
        return cls(models=models)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Of the tensors."""
        return tuple(self.models[0].shapes)

    def read(self, tensor: str) -> Stack:
        """One tensor of every model.

        Raises:
            DataError: values that are not finite, or a file that broke off.
        """
        values, epsilons = zip(*(_finite(model, tensor) for model in self.models), strict=True)
        return Stack(tensor, np.stack(values), min(epsilons) and max(epsilons))

    def __iter__(self) -> Iterator[Stack]:
        """Every tensor in turn."""
        for name in self.names:
            yield self.read(name)
            self.advance(1)


@dataclass(frozen=True, eq=False)
class Arrays:
    """A model in memory."""

    name: str
    arrays: Mapping[str, NDArray[Any]]

    @property
    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """Of the tensors, by name."""
        return {name: array.shape for name, array in self.arrays.items()}

    def read(self, tensor: str) -> tuple[NDArray[Any], float]:
        """The values, float16 as float32, and their rounding."""
        array = self.arrays[tensor]
        kind = KINDS.get(array.dtype.name, "")
        return array.astype(np.float32) if kind == "F16" else array, EPSILON.get(kind, 0.0)


@dataclass(frozen=True, eq=False)
class Files:
    """A model in files of safetensors.

    Attributes:
        name: as it was given.
        shapes: of the tensors, by name.
        places: the file that holds each.
    """

    name: str
    shapes: Mapping[str, tuple[int, ...]]
    places: Mapping[str, Path]

    @classmethod
    def at(cls, path: Path) -> Files:
        """Read which tensors there are, and none of their values.

        Raises:
            DataError: no such files, or files that do not read.
        """
        shapes, places = dict[str, tuple[int, ...]](), dict[str, Path]()
        for file in _files(path):
            with _safely(file) as opened_file:
                for tensor in opened_file.keys():  # noqa: SIM118, since the file is no mapping
                    if tensor in places:
                        raise DataError(f"{str(path)!r} holds {tensor!r} twice; give one model a folder")
                    shapes[tensor] = tuple(opened_file.get_slice(tensor).get_shape())
                    places[tensor] = file
        return cls(str(path), shapes, places)

    def read(self, tensor: str) -> tuple[NDArray[Any], float]:
        """The values as float32, or float64 where stored so, and the rounding they were stored with."""
        import torch

        with _safely(self.places[tensor]) as file:
            stored = file.get_tensor(tensor)
            kind = file.get_slice(tensor).get_dtype()
        if stored.is_floating_point() and stored.dtype != torch.float64:
            stored = stored.to(torch.float32)
        if stored.is_floating_point() and kind not in EPSILON:
            raise DataError(
                f"{tensor!r} of {self.name!r} holds numbers of kind {kind}; give weights that are not "
                f"quantised: {', '.join(EPSILON)}"
            )
        return stored.numpy(), EPSILON.get(kind, 0.0)


def opened(source: Source, name: str) -> Weights:
    """A model by its path, or by its arrays, which go by `name`.

    Raises:
        DataError: no tensors, LoRAs that are not merged, or files that do not read.
    """
    model: Weights
    if isinstance(source, Mapping):
        model = Arrays(name, {str(key): np.asarray(value) for key, value in source.items()})
    else:
        model = Files.at(Path(source))
    if not model.shapes:
        raise DataError(f"{model.name!r} holds no tensors; give a model's weights")
    if any("lora_" in tensor for tensor in model.shapes):
        raise DataError(f"{model.name!r} holds LoRAs by themselves; merge them into the weights first")
    return model


def agree(one: Weights, other: Weights) -> None:
    """Raise DataError unless both hold tensors of the same names and shapes."""
    for here, there in ((one, other), (other, one)):
        missing = [name for name in here.shapes if name not in there.shapes]
        if missing:
            raise DataError(
                f"{there.name!r} lacks {len(missing)} of the tensors of {here.name!r}, {missing[0]!r} first; "
                "give fine-tunings of one model, saved alike"
            )
    for name, shape in one.shapes.items():
        if other.shapes[name] != shape:
            raise DataError(
                f"{name!r} is {shape} in {one.name!r} and {other.shapes[name]} in {other.name!r}; give "
                "fine-tunings of one model"
            )


def _finite(model: Weights, tensor: str) -> tuple[NDArray[Any], float]:
    values, epsilon = model.read(tensor)
    if not np.isfinite(values).all():
        raise DataError(f"{tensor!r} of {model.name!r} holds values that are not finite; save it again")
    return values, epsilon


def _files(path: Path) -> list[Path]:
    """The files of a model: itself, the shards that its index names, or all of the folder."""
    if path.is_file():
        return [path]
    index = path / INDEX
    if not index.is_file():
        found = sorted(path.glob("*.safetensors"))
        if not found:
            raise DataError(f"{str(path)!r} holds no .safetensors file; give a file, or a folder with some")
        return found
    try:
        named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataError(
            f"{str(index)!r} does not read as an index of shards; save the model again"
        ) from error
    shards = sorted(str(name) for name in named)
    for name in shards:  # an index is somebody else's: it may not lead out of its folder
        if Path(name).name != name or not (path / name).is_file():
            raise DataError(f"{str(index)!r} names {name!r}, which is not beside it; give every shard")
    return [path / name for name in shards]


@contextmanager
def _safely(path: Path) -> Iterator[Any]:
    """A file of safetensors, open, whose errors are sentences."""
    try:
        import torch  # noqa: F401, since numpy knows no bfloat16
        from safetensors import SafetensorError, safe_open
    except ImportError as error:
        raise MissingExtra("safetensors", "torch") from error
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(
            f"{str(path)!r} does not read as safetensors ({said(error)}); fetch or save the file again"
        ) from error
