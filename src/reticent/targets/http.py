"""A model behind a URL.

Its content can't be hashed, so it is told apart by its answers to a few probe records that the caller
gives (a redeployment that answers them all alike goes unseen: give more where only labels come back). The
first answer to them also says what the URL grants.

Nothing of what is sent or answered, and no secret, enters an error, a printed form or a fingerprint.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import numpy.typing as npt

from reticent.access import Access, Outputs, join
from reticent.errors import DataError, ModelError, TargetError
from reticent.fingerprint import fingerprint
from reticent.targets.answers import read_answers
from reticent.targets.wire import Instances, Wire

if TYPE_CHECKING:
    from reticent.access import Features

_JITTER = random.SystemRandom()
"""Spreads out clients that retry together; no result depends on it."""


@dataclass(frozen=True, eq=False, repr=False)
class HttpTarget:
    """A classifier that answers over HTTP.

    A request that finds no connection, runs out of time, or is answered 429 or 5xx is put again after a
    pause that doubles (or as long as Retry-After asks, within `longest_pause_seconds`); any other 4xx and
    every redirect ends it at once. A failure leaves the target as it was: ask again and it goes on.

    Attributes:
        url: where it answers; its protocol may add a path.
        classes: (classes,) the labels behind the columns.
        probe: a few records, in the form that the model reads, by which it is told apart. They are asked
            once, when they are first needed, on top of any query limit.
        protocol: how records and answers travel.
        token_variable: the environment variable that holds a bearer token, read anew for each request.
        timeout_seconds: for one request, from connecting to the last byte.
        retries: how often a failed request is put again.
        first_pause_seconds, longest_pause_seconds: between them.
        batch: records in one request.
        answer_bytes: the longest answer that is read.
    """

    url: str
    classes: npt.NDArray[np.generic]
    probe: Features
    _: KW_ONLY
    protocol: Wire = field(default_factory=Instances)
    token_variable: str | None = None
    timeout_seconds: float = 30.0
    retries: int = 4
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 60.0
    batch: int = 500
    answer_bytes: int = 64 * 2**20

    remote = True

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", np.asarray(self.classes))
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
        if len(self.probe) == 0:
            raise ModelError("no probe records were given; give a few that the model can read")

    def __repr__(self) -> str:
        return f"HttpTarget({self.name!r})"

    @property
    def name(self) -> str:
        """The URL without its query, which may hold a key."""
        return str(httpx.URL(self.url).copy_with(query=None, fragment=None))

    @property
    def access(self) -> Access:
        """What the first answer granted."""
        return self._probed[0]

    def predict(self, x: Features) -> Outputs:
        """Answer each of the records `x`.

        Raises:
            TargetError: the endpoint failed, or answered something else than it did at first.
            DataError: the records hold what JSON can't.
        """
        parts = self._ask(x)
        if any(access != self.access for access, _ in parts):
            raise TargetError(f"{self.name} answered in another way than before; see to the endpoint")
        return join([outputs for _, outputs in parts])

    def fingerprint(self) -> str:
        """A hash of the URL, the classes and the answers to the probe, rounded to 6 decimals."""
        access, outputs = self._probed
        shown = outputs.labels if outputs.log_scores is None else np.exp(outputs.log_scores).round(6) + 0.0
        return fingerprint("http", self.name, self.protocol, self.classes, self.probe, int(access), shown)

    @cached_property
    def _probed(self) -> tuple[Access, Outputs]:
        parts = self._ask(self.probe)
        return parts[0][0], join([outputs for _, outputs in parts])

    def _ask(self, x: Features) -> list[tuple[Access, Outputs]]:
        with httpx.Client(timeout=self.timeout_seconds, follow_redirects=False) as client:
            return [self._ask_batch(client, x[i : i + self.batch]) for i in range(0, len(x), self.batch)]

    def _ask_batch(self, client: httpx.Client, x: Features) -> tuple[Access, Outputs]:
        try:
            question = json.dumps(self.protocol.question(x), allow_nan=False).encode()
        except ValueError as error:
            raise DataError("the records hold infinite numbers, which JSON can't; leave them out") from error
        content = self._post(client, question)
        try:
            answer = self.protocol.answer(json.loads(content), self.classes)
            return answer.access, read_answers(answer.values, self.classes, answer.access, records=len(x))
        except (ValueError, RecursionError) as error:
            raise TargetError(f"{self.name} answered what is not JSON; see to the endpoint") from error
        except (ModelError, TargetError) as error:
            raise TargetError(f"an answer of {self.name} can't be used: {error}") from error

    def _post(self, client: httpx.Client, question: bytes) -> bytes:
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
        address = self.protocol.address(self.url)
        with client.stream("POST", address, content=question, headers=headers) as response:
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
