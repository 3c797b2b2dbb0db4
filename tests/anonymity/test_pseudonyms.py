"""Pseudonyms: HMAC-SHA256 and nothing else, and keys that are none."""

from __future__ import annotations

import pandas as pd
import pytest

from reticent.anonymity.pseudonyms import Key, read_key
from reticent.errors import PlanError


def test_the_vector_of_rfc_4231():
    """Test case 2 of RFC 4231."""
    assert Key(b"Jefe").pseudonym("what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c7"


def test_equal_values_have_equal_pseudonyms_and_missing_ones_none():
    made = Key(b"x" * 32).column(pd.Series(["a", "b", None, "a"]))
    assert made[0] == made[3] != made[1] and made[2] is None
    assert Key(b"x" * 32).pseudonym(7.0) == Key(b"x" * 32).pseudonym(7)
    assert Key(b"y" * 32).pseudonym("a") != made[0]


def test_a_key_is_never_printed():
    assert "secret" not in repr(Key(b"secret" * 9))


def test_keys_that_are_none_are_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("RETICENT_KEY", raising=False)
    (tmp_path / "short").write_text("0123456789abcdef\n")
    with pytest.raises(PlanError, match="has 16 bytes") as caught:
        read_key(tmp_path / "short")
    assert "0123456789" not in str(caught.value)
    with pytest.raises(PlanError, match="no key file"):
        read_key(tmp_path / "none")
    with pytest.raises(PlanError, match="RETICENT_KEY is not set"):
        read_key(None, "RETICENT_KEY")
    monkeypatch.setenv("RETICENT_KEY", " " + "k" * 32 + "\n")
    assert read_key(None, "RETICENT_KEY") == Key(b"k" * 32)
