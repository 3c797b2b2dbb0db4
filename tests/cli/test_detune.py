"""`reticent detune` in a real process: a base comes back, and mistakes are sentences."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

numpy_files = pytest.importorskip("safetensors.numpy")
pytest.importorskip("torch")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("detune"), np.random.default_rng(0)
    base = {f"w{i}": rng.normal(size=(30, 20)) for i in range(3)}
    numpy_files.save_file({**base, "norm": np.ones(4)}, folder / "true.safetensors")
    for number in range(4):
        tuned = {n: w + rng.normal(size=(30, 1)) @ rng.normal(size=(1, 20)) for n, w in base.items()}
        numpy_files.save_file({**tuned, "norm": np.ones(4)}, folder / f"{number}.safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "0.safetensors").read_bytes()[:-5])
    return folder


@pytest.fixture
def detune(reticent):
    return lambda folder, *words: reticent(folder, "detune", *words)


def test_the_base_comes_back_with_its_figures(folder: Path, detune) -> None:
    files = [f"{number}.safetensors" for number in range(4)]
    files += ["--out", "back.safetensors", "--base", "true.safetensors"]
    run = detune(folder, *files, "--rank", "1", "--report", "page.html")
    assert run.returncode == 0, run.stderr
    assert "the mean of the fine-tunings" in run.stdout
    assert "3 tensors were recovered, 1 copied" in run.stdout
    back, right = (numpy_files.load_file(folder / f"{name}.safetensors") for name in ("back", "true"))
    assert set(back) == set(right)
    for name, values in right.items():
        np.testing.assert_allclose(back[name], values, atol=1e-11)
    assert "spectral-detuning" in (folder / "page.html").read_text()


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (("0", "1"), "give at least 3"),
        (("0", "1", "cut"), "does not read as safetensors"),
    ],
)
def test_mistakes_are_sentences(folder: Path, files: tuple[str, ...], sentence: str, detune) -> None:
    run = detune(folder, *(f"{file}.safetensors" for file in files), "--out", "none.safetensors")
    assert run.returncode == 2
    assert sentence in run.stderr
    assert len(run.stderr.strip().splitlines()) == 1
    assert not (folder / "none.safetensors").exists()
