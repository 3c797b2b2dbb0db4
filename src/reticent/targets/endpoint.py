"""Posting to an address: again where it is busy, never after a mistake, and nothing of it in an error.

Nothing of what is sent or answered, and no secret, enters an error or a printed form.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from reticent.errors import ModelError, TargetError

_JITTER = random.SystemRandom()
"""Spreads out clients that retry together; no result depends on it."""


@dataclass(frozen=True, eq=False, repr=False)
class Endpoint:
    """An address that is posted to.

    A request that finds no connection, runs out of time, or is answered 429 or 5xx is put again after a
    pause that doubles (or as long as Retry-After asks, within `longest_pause_seconds`); any other 4xx and
    every redirect ends it at once.

    Attributes:
        url: the address, http or https, without a password.
        token_variable: the environment variable that holds a bearer token, read anew for each request.
        timeout_seconds: for one request, from connecting to the last byte.
        retries: how often a failed request is put again.
        first_pause_seconds, longest_pause_seconds: between them.
        answer_bytes: the longest answer that is read.

    Raises:
        ModelError: the URL is none, or holds a password.
    """

    url: str
    _: KW_ONLY
    token_variable: str | None = None
    timeout_seconds: float = 30.0
    retries: int = 4
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60.0
    answer_bytes: int = 64 * 2**20

    def __post_init__(self) -> None:
        try:
            url = httpx.URL(self.url)
        except httpx.InvalidURL as error:
            raise ModelError("the URL does not read as one; give http://… or https://…") from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ModelError(f"a URL of scheme {url.scheme!r} was given; give http://… or https://…")
        if url.userinfo:
            raise ModelError(
                "the URL holds a password, and URLs are printed and logged; name an environment variable "
                "that holds a bearer token instead (token_variable)"
            )

    @property
    def name(self) -> str:
        """The URL without its query, which may hold a key."""
        return str(httpx.URL(self.url).copy_with(query=None, fragment=None))

    @contextmanager
    def connected(self) -> Iterator[httpx.Client]:
        """A client to post by, for as long as several questions take."""
        with httpx.Client(timeout=self.timeout_seconds, follow_redirects=False) as client:
            yield client

    def post(self, client: httpx.Client, question: bytes) -> bytes:
        """Post a JSON body and return the body of the answer.

        Raises:
            TargetError: the endpoint failed, or answered too much.
        """
        for attempt in range(self.retries + 1):
            asked_pause = 0.0
            try:
                status, asked_pause, content = self._send(client, question)
            except httpx.TimeoutException:
                trouble = f"did not answer within {self.timeout_seconds:g} s"
            except httpx.TransportError as error:
                trouble = f"can't be reached or broke off ({type(error).__name__})"
            else:
                if 200 <= status < 300:
                    return content
                trouble = f"answered {status}"
                if status != 429 and status < 500:
                    raise TargetError(f"{self.name} {trouble}{_hint(status)}")
            if attempt < self.retries:
                pause = self.first_pause_seconds * 2**attempt * _JITTER.uniform(0.5, 1)
                time.sleep(min(max(pause, asked_pause), self.longest_pause_seconds))
        raise TargetError(
            f"{self.name} {trouble}, {self.retries + 1} times over; see to the endpoint and run again: "
            "what it answered so far is kept"
        )

    def _send(self, client: httpx.Client, question: bytes) -> tuple[int, float, bytes]:
        """Post once: the status, the pause that the server asks for, and the body of a good answer."""
        headers = {"content-type": "application/json", "accept-encoding": "identity", **self._token()}
        end = time.monotonic() + self.timeout_seconds
        with client.stream("POST", self.url, content=question, headers=headers) as response:
            pause = _retry_after(response.headers.get("retry-after", ""))
            if not response.is_success:
                return response.status_code, pause, b""
            if response.headers.get("content-encoding", "identity") != "identity":
                raise TargetError(f"{self.name} answered compressed, unasked; turn compression off")
            content = bytearray()
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > self.answer_bytes:
                    raise TargetError(
                        f"{self.name} answered more than {self.answer_bytes:,} bytes; ask fewer records at a "
                        "time (batch) or allow more (answer_bytes)"
                    )
                if time.monotonic() > end:
                    raise httpx.ReadTimeout("the whole answer took too long")
            return response.status_code, pause, bytes(content)

    def _token(self) -> dict[str, str]:
        if self.token_variable is None:
            return {}
        token = os.environ.get(self.token_variable, "").strip()
        if not token or not token.isascii() or not token.isprintable():
            raise ModelError(f"the environment variable {self.token_variable} holds no token; set it to one")
        return {"authorization": f"Bearer {token}"}


def _hint(status: int) -> str:
    if status in (401, 403):
        return "; give a token that it accepts (token_variable)"
    if 300 <= status < 400:
        return ", a redirect, and these are not followed; give the address that it points to"
    if status in (404, 405):
        return "; give the address that answers POST, and the protocol that it speaks"
    if status in (400, 413, 415, 422):
        return "; give the records in the form that it reads, or fewer at a time (batch)"
    return "; see to the endpoint"


def _retry_after(value: str) -> float:
    """Seconds that a Retry-After header asks for: a number of them, or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        until: Any = parsedate_to_datetime(value)
        return max(0.0, float((until - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return 0.0
