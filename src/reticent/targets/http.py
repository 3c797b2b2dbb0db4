"""A model behind a URL.

Its content can't be hashed, so it is told apart by its answers to a few probe records that the caller
gives (a redeployment that answers them all alike goes unseen: give more where only labels come back). The
first answer to them also says what the URL grants.

Nothing of what is sent or answered, and no secret, enters an error, a printed form or a fingerprint.
"""

from __future__ import annotations

import json
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import httpx
import numpy as np
import numpy.typing as npt

from reticent.access import Access, Outputs, join
from reticent.errors import DataError, ModelError, TargetError
from reticent.fingerprint import fingerprint
from reticent.targets.answers import read_answers
from reticent.targets.endpoint import Endpoint
from reticent.targets.wire import Instances, Wire

if TYPE_CHECKING:
    from reticent.access import Features


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
        _ = Endpoint(self.url), self._endpoint
        if len(self.probe) == 0:
            raise ModelError("no probe records were given; give a few that the model can read")

    def __repr__(self) -> str:
        return f"HttpTarget({self.name!r})"

    @property
    def name(self) -> str:
        """The URL without its query, which may hold a key."""
        return Endpoint(self.url).name

    @cached_property
    def _endpoint(self) -> Endpoint:
        return Endpoint(
            self.protocol.address(self.url),
            token_variable=self.token_variable,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
            first_pause_seconds=self.first_pause_seconds,
            longest_pause_seconds=self.longest_pause_seconds,
            answer_bytes=self.answer_bytes,
        )

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
        with self._endpoint.connected() as client:
            return [self._ask_batch(client, x[i : i + self.batch]) for i in range(0, len(x), self.batch)]

    def _ask_batch(self, client: httpx.Client, x: Features) -> tuple[Access, Outputs]:
        try:
            question = json.dumps(self.protocol.question(x), allow_nan=False).encode()
        except ValueError as error:
            raise DataError("the records hold infinite numbers, which JSON can't; leave them out") from error
        content = self._endpoint.post(client, question)
        try:
            answer = self.protocol.answer(json.loads(content), self.classes)
            return answer.access, read_answers(answer.values, self.classes, answer.access, records=len(x))
        except (ValueError, RecursionError) as error:
            raise TargetError(f"{self.name} answered what is not JSON; see to the endpoint") from error
        except (ModelError, TargetError) as error:
            raise TargetError(f"an answer of {self.name} can't be used: {error}") from error
