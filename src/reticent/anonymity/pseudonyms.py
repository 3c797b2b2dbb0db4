"""Pseudonyms: a keyed hash in place of an identifier (HMAC-SHA256, RFC 2104 and FIPS 198-1).

The same value gets the same pseudonym under one key, so tables still join. Pseudonymised data are personal
data still (GDPR art. 4(5)): whoever has the key can hash everybody's identifier and look. Keep the key
elsewhere.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reticent.errors import PlanError

if TYPE_CHECKING:
    import pandas as pd

SHORTEST = 32
"""Bytes of a key: as many as the hash has."""

DIGITS = 32
"""Hexadecimal digits of a pseudonym, 128 bits: two of 10^15 values collide once in 10^9 times at most."""


@dataclass(frozen=True)
class Key:
    """A secret that is never printed."""

    secret: bytes = field(repr=False)

    def pseudonym(self, value: object) -> str:
        """32 hexadecimal digits; whole numbers are equal whatever type holds them."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        return hmac.digest(self.secret, str(value).encode(), "sha256").hex()[:DIGITS]

    def column(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """A pseudonym for each value; a missing one stays missing."""
        import pandas as pd

        numbers, uniques = pd.factorize(values)
        made = [*map(self.pseudonym, pd.Series(uniques).tolist()), None]
        return pd.Series([made[i] for i in numbers.tolist()], index=values.index, dtype=object)


def read_key(file: str | Path | None, variable: str = "") -> Key:
    """Read a key from a file or, without one, from an environment variable; space around it is no part of it.

    Raises:
        PlanError: neither is there, or the key is shorter than 32 bytes.
    """
    make = "make one with  head -c 32 /dev/urandom | base64 > key"
    if file is not None:
        try:
            secret, where = Path(file).read_bytes().strip(), f"the file {str(file)!r}"
        except OSError as error:
            raise PlanError(f"there is no key file {str(file)!r} that reads; {make}") from error
    elif variable in os.environ:
        secret, where = os.environ[variable].strip().encode(), f"the environment variable {variable}"
    else:
        named = f" and the environment variable {variable} is not set" if variable else ""
        raise PlanError(f"pseudonyms need a key, no file was named{named}; {make}")
    if len(secret) < SHORTEST:
        raise PlanError(
            f"the key in {where} has {len(secret)} bytes, and fewer than {SHORTEST} can be guessed; {make}"
        )
    return Key(secret)
