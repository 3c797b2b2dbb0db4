"""A language model behind a real server that speaks OpenAI's completions, well and badly."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import numpy as np
import pytest

import reticent as rt
from reticent.access import Access
from reticent.attacks.texts import MinKPlusPlus, TextLoss
from reticent.errors import ModelError, TargetError
from reticent.targets import endpoint
from reticent.targets.completions import Completions

SECRET = "s3cret-text"


def pieces(text: str) -> list[str]:
    """The server's tokens: words with the space before them."""
    words = text.split(" ")
    return [words[0], *(f" {w}" for w in words[1:])]


def score(before: list[str], token: str) -> float:
    """Long words are unlikely, words that came before are likely."""
    return -0.1 if token in before else -0.5 * len(token)


class Server(BaseHTTPRequestHandler):
    """Answers as told."""

    known: ClassVar[set[str]] = set()
    do = "well"
    begin = ""
    busy = 0
    asked: ClassVar[list[dict[str, Any]]] = []
    headers_seen: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Server.asked.append({"path": self.path, **body})
        Server.headers_seen.append(self.headers.get("Authorization"))
        if Server.busy:
            Server.busy -= 1
            self._send(429, b"{}", {"Retry-After": "0"})
            return
        if Server.do == "rubbish":
            self._send(200, b"<html>" + SECRET.encode())
            return
        choices = [self._choice(n, prompt, body) for n, prompt in enumerate(body["prompt"])]
        if Server.do == "few":
            choices = choices[1:]
        self._send(200, json.dumps({"choices": choices[::-1]}).encode())

    def _choice(self, number: int, prompt: str, body: dict[str, Any]) -> dict[str, Any]:
        written = " and on"[: 4 * body["max_tokens"]]
        tokens = pieces(prompt) if body.get("echo") else ([" and", " on"] if written else [])
        scores: list[float | None] = [
            -0.01 if prompt in Server.known else score(tokens[:i], t) for i, t in enumerate(tokens)
        ]
        if body.get("echo"):
            tokens, scores = (
                ([Server.begin, *tokens], [None, *scores]) if Server.begin else (tokens, [None, *scores[1:]])
            )
        told: Any = {"tokens": tokens, "token_logprobs": scores}
        if Server.do == "texts alone":
            told = None
        elif Server.do == "odd":
            told = {"tokens": tokens}
        elif Server.do == "lossy":
            told = {"tokens": [t.lower() for t in tokens], "token_logprobs": scores}
        elif Server.do == "nan":
            told = {"tokens": tokens, "token_logprobs": [None, *[float("nan")] * (len(tokens) - 1)]}
        text = (prompt if body.get("echo") else "") + (written if not body.get("echo") else "")
        return {"index": number, "text": text, "logprobs": told if body.get("logprobs") is not None else None}

    def _send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def fresh(monkeypatch) -> None:
    for name, value in (
        ("known", set()),
        ("do", "well"),
        ("begin", ""),
        ("busy", 0),
        ("asked", []),
        ("headers_seen", []),
    ):
        monkeypatch.setattr(Server, name, value)
    monkeypatch.setattr(endpoint.time, "sleep", lambda seconds: None)


TEXT = "the cat saw the dog"


@pytest.mark.parametrize("begin", ["", "<s>"])
def test_tokens_and_their_log_probs_are_the_servers(url, monkeypatch, begin):
    monkeypatch.setattr(Server, "begin", begin)
    model = Completions(url, "small")
    tokens = model.encode(TEXT)
    assert len(tokens) == 5
    assert model.decode(tokens) == TEXT
    (told,) = model.log_probs([tokens])
    np.testing.assert_allclose(told, [-2.0, -2.0, -2.0, -2.0])
    again = model.encode("dog the dog")
    assert model.decode(again) == "dog the dog"
    assert model.access == Access.SCORES
    assert Server.asked[0]["path"] == "/v1/completions"
    assert Server.asked[0]["model"] == "small"


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/completions"])
def test_the_path_is_added_unless_it_is_there(url, path):
    assert Completions(url + path, "m").access == Access.SCORES
    assert Server.asked[0]["path"] == "/v1/completions"


def test_many_texts_go_in_batches_and_keep_their_order(url):
    model = Completions(url, "m", batch=3)
    texts = [model.encode("a " * n + "b") for n in range(1, 8)]
    before = len(Server.asked)
    told = model.log_probs(texts)
    assert [len(t) for t in told] == list(range(1, 8))
    assert len(Server.asked) - before == 3


def test_what_it_writes_is_read(url):
    model = Completions(url, "m")
    (made,) = model.generate([model.encode("go on")], length=2, temperature=0.5, top_k=7, seed=3)
    assert model.decode(made) == " and on"
    assert len(made) == 2
    assert {k: Server.asked[-1][k] for k in ("max_tokens", "temperature", "top_k", "seed")} == {
        "max_tokens": 2,
        "temperature": 0.5,
        "top_k": 7,
        "seed": 3,
    }


def test_a_server_without_log_probs_gives_texts_alone(url, monkeypatch):
    monkeypatch.setattr(Server, "do", "texts alone")
    model = Completions(url, "m")
    assert model.access == Access.LABELS
    assert model.decode(model.encode("héllo")) == "héllo"
    assert model.decode(model.generate([model.encode("x")], length=2)[0]) == " and on"
    with pytest.raises(TargetError, match="gives no log-probabilities"):
        model.log_probs([model.encode("x y")])


def test_members_are_told_through_it(url, monkeypatch):
    rng = np.random.default_rng(0)
    words = ["oak", "ash", "elm", "fir", "yew", "box", "bay", "fig"]
    texts = [" ".join(rng.choice(words, size=9)) for _ in range(60)]
    monkeypatch.setattr(Server, "known", set(texts[:30]))
    found = rt.audit_text(
        Completions(url, "m"), members=texts[:30], nonmembers=texts[30:], attacks=[TextLoss(), MinKPlusPlus()]
    )
    assert found[0].figure("auc").value == 1
    assert found[1].reason == "needs logits, and scores are granted"


def test_whole_distributions_are_refused(url):
    with pytest.raises(TargetError, match="the likeliest tokens alone"):
        Completions(url, "m").distributions([np.zeros(2, np.int64)])


def test_a_busy_server_is_asked_again(url, monkeypatch):
    monkeypatch.setattr(Server, "busy", 2)
    assert Completions(url, "m").access == Access.SCORES
    assert len(Server.asked) == 3


@pytest.mark.parametrize(
    ("do", "said"),
    [
        ("rubbish", "something else than a choice for each"),
        ("few", "something else than a choice for each"),
        ("odd", "another form than OpenAI's"),
        ("lossy", "can't be undone"),
        ("nan", "not finite"),
    ],
)
def test_bad_answers_are_sentences_without_what_was_answered(url, monkeypatch, do, said):
    monkeypatch.setattr(Server, "do", do)
    with pytest.raises(TargetError, match=said) as caught:
        _ = Completions(url, "m").access
    assert SECRET not in str(caught.value)
    assert "fox" not in str(caught.value)


def test_a_text_cut_otherwise_than_before_is_refused(url):
    model = Completions(url, "m")
    tokens = model.encode("one two")
    with pytest.raises(TargetError, match="cuts part of a text otherwise"):
        model.log_probs([np.concatenate([tokens, model._numbered(["x"]), model._numbered(["y"])])])


def test_a_token_is_sent_and_shown_nowhere(url, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    model = Completions(url, "m", token_variable="MY_TOKEN")
    assert model.access == Access.SCORES
    assert Server.headers_seen == [f"Bearer {SECRET}"]
    assert SECRET not in repr(model) + model.fingerprint()


def test_another_model_has_another_fingerprint(url, monkeypatch):
    one = Completions(url, "m").fingerprint()
    assert one == Completions(url, "m").fingerprint()
    assert one != Completions(url, "n").fingerprint()
    monkeypatch.setattr(Server, "known", {"The quick brown fox jumps over the lazy dog."})
    assert one != Completions(url, "m").fingerprint()


@pytest.mark.parametrize(
    ("url_given", "model", "said"),
    [("ftp://x", "m", "scheme"), ("http://a:b@x", "m", "password"), ("http://x", "", "no model was named")],
)
def test_bad_addresses_are_refused(url_given, model, said):
    with pytest.raises(ModelError, match=said):
        Completions(url_given, model)
