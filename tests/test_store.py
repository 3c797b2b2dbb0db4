"""Files that are whole or absent, in folders for their owner alone."""

from __future__ import annotations

import errno
import os
import stat

import numpy as np
import pytest

from reticent.errors import StorageError
from reticent.store import Cells, default_cache, private_folder, write_text, write_whole


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_folders_are_for_their_owner_alone(tmp_path):
    made = private_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    made.chmod(0o755)
    private_folder(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert stat.S_IMODE(Cells(tmp_path / "cells").folder.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="give a folder that can"):
        private_folder(tmp_path / "file" / "below")


def test_text_is_written_whole(tmp_path):
    write_text(tmp_path / "a.txt", "grüße")
    assert (tmp_path / "a.txt").read_bytes() == "grüße".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("where", ["write", "fsync", "replace"])
def test_a_crash_leaves_the_old_file(tmp_path, monkeypatch, where):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def crash(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if where == "fsync":
            patch.setattr(os, "fsync", crash)
        if where == "replace":
            patch.setattr(type(path), "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            write_whole(path, crash if where == "write" else lambda file: file.write(b"new"))
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_process_that_dies_between_write_and_rename_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    child = os.fork()
    if child == 0:
        try:
            write_whole(path, lambda file: (file.write(b"half"), file.flush(), os._exit(9)))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"


def test_a_full_disk_is_one_sentence_and_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(StorageError, match=r"no space is left .* what was finished is kept"):
        write_whole(path, full)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match="no space is left"):
            write_text(path, "new")
        with pytest.raises(StorageError, match="no space is left"):
            Cells(tmp_path / "cells").keep("k", {"a": np.zeros(3)}, {})
    assert path.read_text() == "old"
    assert Cells(tmp_path / "cells").find("k") is None
    assert not list((tmp_path / "cells").iterdir())


def test_cells_give_back_what_they_were_given(tmp_path):
    cells = Cells(tmp_path / "cells")
    assert cells.find("k") is None
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.array([True, False]), "c": np.array(["x", "yy"])}
    cells.keep("k", arrays, {"seconds": 1.5, "name": "é"})
    found, facts = Cells(tmp_path / "cells").find("k")
    assert facts == {"seconds": 1.5, "name": "é"}
    assert set(found) == set(arrays)
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert (found[name] == array).all()


def test_damage_is_never_read_as_content(tmp_path):
    cells = Cells(tmp_path / "cells")
    cells.keep("k", {"a": np.arange(3)}, {"n": 1})
    path = cells.folder / "k.npz"
    whole = path.read_bytes()
    damaged = [whole[:i] for i in range(0, len(whole), 3)]
    for i in range(len(whole)):
        damaged.append(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
    absent = 0
    for content in damaged:
        path.write_bytes(content)
        found = cells.find("k")
        absent += found is None
        if found is not None:  # the damage hit what nobody reads
            assert found[0]["a"].tolist() == [0, 1, 2]
            assert found[1] == {"n": 1}
    assert absent > len(damaged) / 2


def test_nothing_is_unpickled(tmp_path):
    cells = Cells(tmp_path / "cells")
    objects = np.array([{"a": 1}], dtype=object)
    np.savez(cells.folder / "k.npz", a=objects, facts=np.frombuffer(b"{}", np.uint8))
    assert cells.find("k") is None


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("RETICENT_CACHE", str(tmp_path / "here"))
    assert default_cache() == tmp_path / "here"
    monkeypatch.delenv("RETICENT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "reticent"
