"""A run folder: all of it there, readable by its owner alone, evidence that gives the figures again."""

from __future__ import annotations

import json
import os
import stat

import numpy as np
import pytest

from reticent.errors import StorageError
from reticent.measure.roc import Roc
from reticent.report.folder import write_folder


def test_everything_is_there_and_private(worlds, tmp_path):
    folder = write_folder(worlds.memorising(), tmp_path / "runs" / "income")
    assert {p.name for p in folder.iterdir()} == {
        "report.html", "findings.json", "summary.md", "junit.xml", "evidence",
    }  # fmt: skip
    for part in (folder, folder / "evidence"):
        assert stat.S_IMODE(part.stat().st_mode) == 0o700
    assert json.loads((folder / "findings.json").read_text())["audits"]


def test_evidence_gives_the_figures_again(worlds, tmp_path):
    audit = worlds.memorising()
    folder = write_folder(audit, tmp_path / "run")
    with np.load(folder / "evidence" / "01-lira.npz", allow_pickle=False) as kept:
        assert Roc.of(kept["scores"], kept["members"]).auc() == audit["lira"].figure("auc")
        assert (kept["rows"] == audit.rows).all()


def test_no_name_leads_out_of_the_folder(worlds, tmp_path):
    names = ["../../escape", "/etc/passwd", "a\x00b", "…", "x" * 400]
    audit = worlds.audit(*(worlds.finding(n, 1.0) for n in names), model="../..")
    folder = write_folder(audit, tmp_path / "run")
    assert [p.name for p in tmp_path.iterdir()] == ["run"]
    files = list((folder / "evidence").iterdir())
    assert len(files) == len(names) + 1
    assert all(p.name.isascii() and len(p.name) < 100 and p.suffix == ".npz" for p in files)


def test_written_again_over_itself(worlds, tmp_path):
    for _ in range(2):
        write_folder(worlds.silent(), tmp_path / "run")
    assert not list((tmp_path / "run").rglob(".*"))


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_folder_that_can_not_be_written_is_said(worlds, tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="can't be written"):
        write_folder(worlds.silent(), tmp_path / "run")
