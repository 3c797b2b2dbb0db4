"""Fine-tunings as an attacker sees them: in memory, in files and in shards; every bad input a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reticent.descendants import INDEX, Ancestor, Descendants
from reticent.errors import DataError, StorageError

torch = pytest.importorskip("torch")
save_file = pytest.importorskip("safetensors.torch").save_file


def model(seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {"a": rng.normal(size=(4, 3)).astype(np.float32), "b": rng.normal(size=5).astype(np.float32)}


def filed(path: Path, arrays: dict[str, Any], dtype: Any = None) -> Path:
    save_file({n: torch.as_tensor(v).to(dtype or torch.as_tensor(v).dtype) for n, v in arrays.items()}, path)
    return path


def sharded(folder: Path, arrays: dict[str, Any]) -> Path:
    folder.mkdir()
    places = {name: f"shard-{place}.safetensors" for place, name in enumerate(arrays)}
    for name, file in places.items():
        filed(folder / file, {name: arrays[name]})
    (folder / INDEX).write_text(json.dumps({"weight_map": places}))
    return folder


def test_files_folders_and_shards_read_as_the_arrays_do(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    filed(tmp_path / "folder" / "model.safetensors", model(1))
    sources = [filed(tmp_path / "one.safetensors", model(0)), tmp_path / "folder"]
    found = Descendants.of([*sources, sharded(tmp_path / "shards", model(2))])
    plain = Descendants.of([model(0), model(1), model(2)])
    assert found.names == plain.names == ("a", "b")
    for one, other in zip(found, plain, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
        assert one.epsilon == other.epsilon == 2.0**-23


@pytest.mark.parametrize(
    ("dtype", "epsilon"), [("bfloat16", 2.0**-7), ("float16", 2.0**-10), ("float64", 2.0**-52)]
)
def test_the_coarsest_rounding_counts(tmp_path: Path, dtype: str, epsilon: float) -> None:
    file = filed(tmp_path / "x.safetensors", model(0), getattr(torch, dtype))
    (stack, _) = Descendants.of([file, model(1), model(2)])
    assert stack.epsilon == max(epsilon, 2.0**-23)
    assert stack.values.dtype == (np.float64 if dtype == "float64" else np.float32)
    exactly = torch.as_tensor(model(0)["a"]).to(getattr(torch, dtype)).double().numpy()
    np.testing.assert_array_equal(stack.values[0], exactly)


def test_half_precision_in_memory_and_whole_numbers() -> None:
    half = [{"a": one["a"].astype(np.float16), "n": np.arange(3)} for one in (model(0), model(1), model(2))]
    stack, numbers = Descendants.of(half)
    assert (stack.epsilon, stack.values.dtype) == (2.0**-10, np.float32)
    assert (numbers.epsilon, numbers.values.dtype, numbers.same) == (0, np.int64, True)
    assert not stack.same


def test_it_is_told_of_each_tensor() -> None:
    told: list[int] = []
    seen = Descendants(models=Descendants.of([model(0), model(1), model(2)]).models, advance=told.append)
    assert len(list(seen)) == len(told) == 2


def bad(tmp_path: Path) -> dict[str, tuple[Any, str]]:
    """A third fine-tuning each, and what is said of it."""
    whole = filed(tmp_path / "whole.safetensors", model(2)).read_bytes()
    (tmp_path / "cut.safetensors").write_bytes(whole[:-9])
    (tmp_path / "noise.safetensors").write_bytes(b"\xff" * 100)
    (tmp_path / "empty.safetensors").write_bytes(b"")
    (tmp_path / "nothing").mkdir()
    for name, index in {
        "list": "[1]",
        "torn": "{",
        "lost": '{"weight_map": {"a": "gone.safetensors"}}',
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / INDEX).write_text(index)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / INDEX).write_text('{"weight_map": {"a": "../whole.safetensors"}}')
    (tmp_path / "twice").mkdir()
    filed(tmp_path / "twice" / "x.safetensors", model(2))
    filed(tmp_path / "twice" / "y.safetensors", model(2))
    quantised = filed(tmp_path / "q.safetensors", model(2), torch.float8_e4m3fn)
    return {
        "cut off": (tmp_path / "cut.safetensors", "does not read as safetensors"),
        "noise": (tmp_path / "noise.safetensors", "does not read as safetensors"),
        "empty": (tmp_path / "empty.safetensors", "does not read as safetensors"),
        "absent": (tmp_path / "absent", "holds no .safetensors file"),
        "an empty folder": (tmp_path / "nothing", "holds no .safetensors file"),
        "no index": (tmp_path / "list", "does not read as an index"),
        "a torn index": (tmp_path / "torn", "does not read as an index"),
        "a lost shard": (tmp_path / "lost", "not beside it"),
        "an index that leads out": (tmp_path / "out", "not beside it"),
        "tensors twice": (tmp_path / "twice", "twice"),
        "quantised": (quantised, "kind F8_E4M3"),
        "no tensors": ({}, "holds no tensors"),
        "adapters": ({"a.lora_A.weight": np.ones((2, 2))}, "merge them into the weights first"),
        "a name too few": ({"a": model(2)["a"]}, "lacks 1 of the tensors .* 'b'"),
        "a name too many": ({**model(2), "c": np.ones(2)}, "lacks 1 of the tensors .* 'c'"),
        "another shape": ({**model(2), "a": np.ones((3, 4))}, r"'a' is \(4, 3\)"),
        "not finite": (
            {**model(2), "b": np.full(5, np.nan, np.float32)},
            "'b' of 'fine-tuning 3' .* not finite",
        ),
    }


def test_mistakes_are_sentences(tmp_path: Path) -> None:
    for what, (source, sentence) in bad(tmp_path).items():
        with pytest.raises(DataError, match=sentence):
            list(Descendants.of([model(0), model(1), source]))
            pytest.fail(what)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_two_are_refused(count: int) -> None:
    with pytest.raises(DataError, match="between which no base can be told"):
        Descendants.of([model(seed) for seed in range(count)])


def test_what_is_saved_reads_again(tmp_path: Path) -> None:
    file = Ancestor(model(0), ()).save(tmp_path / "new" / "base.safetensors")
    (stack, _) = Descendants.of([file, file, file])
    assert stack.same
    np.testing.assert_array_equal(stack.values[0], model(0)["a"])
    (tmp_path / "taken").write_text("")
    with pytest.raises(StorageError):
        Ancestor(model(0), ()).save(tmp_path / "taken" / "base.safetensors")
