"""Language models behind a URL that speaks OpenAI's completions, as vLLM, llama.cpp and many others do.

    POST {"model", "prompt", "max_tokens": 0, "echo": true, "logprobs": 1}
    ->   {"choices": [{"text", "logprobs": {"tokens": […], "token_logprobs": [null, -1.2, …]}}, …]}

What a text's tokens are is the server's business: it tells them when it echoes the text, and they are
numbered here in the order in which they are first seen. Where it gives no log-probabilities, texts alone
can be had of it, and a token is a character. Nothing of what is sent or answered, and no secret, enters an
error, a printed form or a fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from typing import Any

import httpx
import numpy as np

from reticent.access import Access, FloatArray, IntArray
from reticent.errors import ModelError, TargetError
from reticent.fingerprint import fingerprint
from reticent.targets.endpoint import Endpoint

PROBE = "The quick brown fox jumps over the lazy dog."
"""What the model is asked first, to see what it grants, and to tell it from another."""


ECHO: dict[str, Any] = {"max_tokens": 0, "echo": True, "logprobs": 1, "temperature": 0}
"""Asks for a prompt's own tokens and their log-probabilities, and for nothing after it."""


@dataclass(frozen=True, eq=False, repr=False)
class Completions:
    """A language model behind {url}/v1/completions.

    Attributes:
        url: of the server; /v1/completions is added unless it is there.
        model: the name that the server knows it by.
        token_variable: the environment variable that holds a bearer token, read anew for each request.
        longest: tokens that it reads at a time.
        batch: texts in one request.
        timeout_seconds, retries: of a request.
    """

    url: str
    model: str
    _: KW_ONLY
    token_variable: str | None = None
    longest: int = 2_048
    batch: int = 16
    timeout_seconds: float = 120.0
    retries: int = 4
    vocabulary: int = field(default=0, init=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False)
    _pieces: list[str] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        if not self.model:
            raise ModelError("no model was named; give the name by which the server knows it")
        _ = self._endpoint

    def __repr__(self) -> str:
        return f"Completions({self._endpoint.name!r}, {self.model!r})"

    @property
    def access(self) -> Access:
        """Scores where the server gives log-probabilities of the prompt, else texts alone."""
        return self._granted[0]

    def encode(self, text: str) -> IntArray:
        """(length,) the server's tokens of a text, by their numbers here; it is asked for them.

        Raises:
            TargetError: the endpoint failed, or its tokens do not make up the text.
        """
        if self.access < Access.SCORES:
            return self._numbered(list(text))
        (choice,) = self._asked([text], ECHO)
        return self._numbered(self._echoed(text, choice)[0])

    def decode(self, tokens: IntArray) -> str:
        """The text of tokens."""
        return "".join(self._pieces[int(t)] for t in tokens)

    def log_probs(self, texts: Sequence[IntArray]) -> tuple[FloatArray, ...]:
        """(length - 1,) for each text: the log-probability of each token after the first, in nats.

        Raises:
            TargetError: the endpoint failed, gave no log-probabilities, or cuts a text otherwise than before.
        """
        prompts = [self.decode(text) for text in texts]
        found = []
        for text, prompt, choice in zip(texts, prompts, self._asked(prompts, ECHO), strict=True):
            tokens, scores = self._echoed(prompt, choice)
            if len(tokens) != len(text):
                raise TargetError(
                    f"{self._endpoint.name} cuts part of a text otherwise than the whole; give texts that "
                    f"it reads at once, up to {self.longest:,} tokens"
                )
            found.append(scores[1:])
        return tuple(found)

    def distributions(self, texts: Sequence[IntArray]) -> Iterator[FloatArray]:
        """Raises TargetError: such a server gives the likeliest tokens alone, never all."""
        raise TargetError("whole distributions are needed, and the endpoint gives the likeliest tokens alone")

    def generate(
        self,
        prompts: Sequence[IntArray],
        *,
        length: int,
        temperature: float = 1.0,
        top_k: int = 0,
        seed: int = 0,
    ) -> tuple[IntArray, ...]:
        """Up to `length` tokens that follow each prompt, without it.

        Raises:
            TargetError: the endpoint failed.
        """
        body: dict[str, Any] = {"max_tokens": length, "temperature": temperature, "seed": seed}
        if top_k:
            body["top_k"] = top_k  # no part of OpenAI's own, but read by vLLM and llama.cpp
        if self.access >= Access.SCORES:
            body["logprobs"] = 1
        choices = self._asked([self.decode(p) for p in prompts], body)
        return tuple(self._numbered(self._written(choice)) for choice in choices)

    def fingerprint(self) -> str:
        """A hash of the URL, the model's name and what it said of the probe."""
        return fingerprint("completions", self._endpoint.name, self.model, self._granted[1])

    @cached_property
    def _endpoint(self) -> Endpoint:
        path = "/v1/completions"
        base, mark, query = self.url.partition("?")
        base = base.rstrip("/")
        if not base.endswith(path):
            base += path.removeprefix("/v1") if base.endswith("/v1") else path
        return Endpoint(
            base + mark + query,
            token_variable=self.token_variable,
            timeout_seconds=self.timeout_seconds,
            retries=self.retries,
        )

    @cached_property
    def _granted(self) -> tuple[Access, str]:
        """What the server grants, and what it said of the probe."""
        try:
            _, scores = self._echoed(PROBE, self._asked([PROBE], ECHO)[0])
        except _NoLogProbs:
            greedy = self._asked([PROBE], {"max_tokens": 8, "temperature": 0})[0]
            return Access.LABELS, self._text(greedy)
        return Access.SCORES, str(np.round(scores[1:], 4).tolist())

    def _numbered(self, pieces: Sequence[str]) -> IntArray:
        """(length,) the numbers of tokens, new ones given to those not seen before."""
        for piece in pieces:
            if piece not in self._numbers:
                self._numbers[piece] = len(self._pieces)
                self._pieces.append(piece)
        return np.array([self._numbers[piece] for piece in pieces], dtype=np.int64)

    def _asked(self, prompts: list[str], body: dict[str, Any]) -> list[Any]:
        with self._endpoint.connected() as client:
            parts = [prompts[i : i + self.batch] for i in range(0, len(prompts), self.batch)]
            return [choice for part in parts for choice in self._batch(client, part, body)]

    def _batch(self, client: httpx.Client, prompts: list[str], body: dict[str, Any]) -> list[Any]:
        question = json.dumps({"model": self.model, "prompt": prompts, **body}).encode()
        content = self._endpoint.post(client, question)
        try:
            choices = json.loads(content)["choices"]
            ordered = sorted(choices, key=lambda c: int(c.get("index", 0)))
            if len(ordered) != len(prompts):
                raise TypeError
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError) as error:
            raise TargetError(
                f"{self._endpoint.name} answered something else than a choice for each of "
                f"{len(prompts)} prompts; give "
                "an endpoint that speaks OpenAI's completions"
            ) from error
        return ordered

    def _echoed(self, prompt: str, choice: Any) -> tuple[list[str], FloatArray]:
        """A prompt's tokens and the log-probability of each, the first one's NaN."""
        told = choice.get("logprobs") if isinstance(choice, dict) else None
        if not told:
            raise _NoLogProbs(f"{self._endpoint.name} gives no log-probabilities of what it is shown")
        try:
            tokens = [str(t) for t in told["tokens"]]
            scores = np.array([np.nan if s is None else float(s) for s in told["token_logprobs"]])
            if len(tokens) != len(scores):
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise TargetError(
                f"{self._endpoint.name} answered log-probabilities of another form than OpenAI's; see to it"
            ) from error
        if len(tokens) > 1 and "".join(tokens[1:]) == prompt:  # a token of the server's own begins a text
            tokens, scores = tokens[1:], scores[1:]
        if "".join(tokens) != prompt:
            raise TargetError(
                f"the tokens of {self._endpoint.name} do not make up the text that it was shown; its "
                "tokenizer can't be undone, so no text can be scored by it"
            )
        if not np.isfinite(scores[1:]).all():
            raise TargetError(f"{self._endpoint.name} answered log-probabilities that are not finite")
        return tokens, scores

    def _written(self, choice: Any) -> list[str]:
        """The tokens of what was written; its characters where the server does not tell them."""
        text, told = self._text(choice), choice.get("logprobs")
        tokens = [str(t) for t in told.get("tokens") or ()] if isinstance(told, dict) else []
        return tokens if "".join(tokens) == text else list(text)

    def _text(self, choice: Any) -> str:
        text = choice.get("text") if isinstance(choice, dict) else None
        if not isinstance(text, str):
            raise TargetError(f"{self._endpoint.name} answered a choice without text; see to the endpoint")
        return text


class _NoLogProbs(TargetError):
    """The server gives texts alone."""
