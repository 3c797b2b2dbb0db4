"""A model behind a URL: a real server that answers well, badly, late, or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import numpy as np
import pandas as pd
import pytest
import uvicorn

from reticent.access import Access, Metered
from reticent.errors import DataError, ModelError, QueryLimit, TargetError
from reticent.store import Cells
from reticent.targets import endpoint as module
from reticent.targets.http import HttpTarget
from reticent.targets.wire import Instances, MlflowInvocations, OpenInference

CLASSES = np.array(["no", "yes"])
X = np.random.default_rng(0).normal(size=(25, 3))
PROBE = X[:4]
SECRET = "s3cret-payload"


def chances(x) -> np.ndarray:
    p = 1 / (1 + np.exp(-np.asarray(x, float).sum(axis=1)))
    return np.stack([1 - p, p], axis=1)


class Server:
    """An ASGI application whose next answers a test lays out; it notes what it is asked."""

    def __init__(self) -> None:
        self.script: list[str] = []
        self.asked: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.shift = 0.0

    async def __call__(self, scope, receive, send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        self.headers.append({k.decode(): v.decode() for k, v in scope["headers"]})
        self.asked.append(json.loads(body))
        do = self.script.pop(0) if self.script else "well"
        status, headers, answer = 200, {}, self._well(scope["path"], self.asked[-1])
        if do == "hang":
            await asyncio.sleep(30)
        elif do == "trickle":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(200):
                await send({"type": "http.response.body", "body": b" ", "more_body": True})
                await asyncio.sleep(0.05)
            return
        elif do == "drop":
            await send(
                {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"999")]}
            )
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            raise ConnectionResetError
        elif do == "huge":
            answer = b" " * 200_000
        elif do == "gzip":
            answer, headers = gzip.compress(b" " * 10_000_000), {"content-encoding": "gzip"}
        elif do.startswith("json:"):
            answer = do[5:].encode()
        elif do.isdecimal():
            status, answer = int(do), SECRET.encode()
        elif do.startswith("wait:"):
            status, headers = 429, {"retry-after": do[5:]}
        elif do == "redirect":
            status, headers = 307, {"location": "http://127.0.0.1:1/elsewhere"}
        raw = [(k.encode(), v.encode()) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": answer})

    def _well(self, path: str, body: dict) -> bytes:
        if path == "/invocations":
            rows = body["inputs"] if "inputs" in body else body["dataframe_split"]["data"]
            return json.dumps({"predictions": chances(rows).tolist()}).encode()
        if path.startswith("/v2/"):
            columns = [np.array(t["data"]).reshape(t["shape"]) for t in body["inputs"]]
            scores = chances(np.concatenate(columns, axis=1))
            tensor = {"name": "probabilities", "datatype": "FP64", "shape": list(scores.shape)}
            return json.dumps({"outputs": [{**tensor, "data": scores.ravel().tolist()}]}).encode()
        rows = [list(r.values()) if isinstance(r, dict) else r for r in body["instances"]]
        if path == "/labels":
            return json.dumps({"labels": CLASSES[chances(rows).argmax(axis=1)].tolist()}).encode()
        return json.dumps({"probabilities": chances(np.array(rows) + self.shift).tolist()}).encode()


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Server, str]]:
    app = Server()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=0, lifespan="off", log_level="critical", ws="none", http="h11"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield app, f"http://127.0.0.1:{port}"
    server.should_exit = server.force_exit = True
    thread.join(timeout=5)


@pytest.fixture
def app(running) -> Server:
    running[0].__init__()
    return running[0]


@pytest.fixture
def url(running) -> str:
    return running[1] + "/score"


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """No test waits: the pauses asked for are noted instead."""
    noted: list[float] = []
    monkeypatch.setattr(module.time, "sleep", noted.append)
    return noted


def target(url: str, **options) -> HttpTarget:
    return HttpTarget(url, CLASSES, PROBE, **{"retries": 2, "timeout_seconds": 5.0, **options})


def test_scores_come_back_in_batches(app, url):
    asked = target(url, batch=10)
    assert asked.access == Access.SCORES
    np.testing.assert_allclose(np.exp(asked.predict(X).log_scores), chances(X))
    assert [len(body["instances"]) for body in app.asked] == [4, 10, 10, 5]


def test_labels_grant_labels(app, running):
    asked = target(running[1] + "/labels")
    assert asked.access == Access.LABELS
    outputs = asked.predict(X)
    assert outputs.log_scores is None
    np.testing.assert_array_equal(outputs.labels, chances(X).argmax(axis=1))


@pytest.mark.parametrize("protocol", [Instances(), MlflowInvocations(), OpenInference(model="income")])
@pytest.mark.parametrize("form", [np.asarray, lambda x: pd.DataFrame(x, columns=["a", "b", "c"])])
def test_every_protocol_carries_tables_and_arrays(app, running, protocol, form):
    asked = HttpTarget(running[1], CLASSES, form(PROBE), protocol=protocol)
    np.testing.assert_allclose(np.exp(asked.predict(form(X)).log_scores), chances(X))


@pytest.mark.parametrize("trouble", ["500", "503", "429", "drop"])
def test_passing_trouble_is_waited_out(app, url, pauses, trouble):
    app.script = [trouble, trouble]
    np.testing.assert_allclose(np.exp(target(url).predict(X).log_scores), chances(X))
    assert len(pauses) == 2
    assert 0.25 <= pauses[0] <= 0.5 <= pauses[1] <= 1.0  # it doubles, with jitter


def test_the_pause_is_as_long_as_the_server_asks_within_bounds(app, url, pauses):
    app.script = ["wait:7", "wait:3600"]
    target(url, longest_pause_seconds=20).predict(X)
    assert pauses == [7, 20]


@pytest.mark.parametrize("asked", ["soon", "-3", "", "Wed, 21 Oct 2015 07:28:00 GMT", "9" * 400])
def test_any_retry_after_is_survived(app, url, pauses, asked):
    app.script = [f"wait:{asked}"]
    target(url).predict(X)
    assert 0 < pauses[0] <= 60


@pytest.mark.parametrize("trouble", ["500", "429", "drop"])
def test_lasting_trouble_ends_in_a_sentence_and_the_target_can_be_asked_again(app, url, pauses, trouble):
    asked = target(url)
    assert asked.access == Access.SCORES
    app.script = [trouble] * 3
    with pytest.raises(TargetError, match="3 times over") as caught:
        asked.predict(X)
    _plain(caught.value)
    np.testing.assert_allclose(np.exp(asked.predict(X).log_scores), chances(X))


@pytest.mark.parametrize("trouble", ["hang", "trickle"])
def test_a_hanging_endpoint_is_given_up(app, url, pauses, trouble):
    app.script = [trouble] * 2
    start = time.monotonic()
    with pytest.raises(TargetError, match=r"did not answer within 0\.3 s, 2 times over"):
        target(url, timeout_seconds=0.3, retries=1).predict(X)
    assert time.monotonic() - start < 5


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("400", "form"),
        ("401", "token"),
        ("403", "token"),
        ("404", "address"),
        ("408", "see to"),
        ("422", "form"),
    ],
)
def test_a_refusal_is_never_put_again(app, url, pauses, status, says):
    app.script = [status]
    with pytest.raises(TargetError, match=f"answered {status}.*{says}") as caught:
        target(url).predict(X)
    _plain(caught.value)
    assert len(app.asked) == 1
    assert not pauses


def test_redirects_are_not_followed(app, url):
    app.script = ["redirect"]
    with pytest.raises(TargetError, match="redirect") as caught:
        target(url).predict(X)
    assert "elsewhere" not in str(caught.value)


def _json(value) -> str:
    return "json:" + json.dumps(value)


@pytest.mark.parametrize(
    "rubbish",
    [
        f"json:<html>{SECRET}</html>",
        "json:",
        "json:\x00\xff",
        "json:" + "[" * 100_000,
        "json:" + "9" * 5000,
        _json({SECRET: 1}),
        _json({"probabilities": [[0.5, 0.5]]}),  # too few rows
        _json({"probabilities": [[0.2, 0.3, 0.5]] * 25}),  # too many classes
        _json({"probabilities": [[float("nan")] * 2] * 25}),
        _json({"probabilities": [[None, 1]] * 25}),
        _json({"probabilities": [[0.5, 0.5]] * 24 + [[0.5]]}),
        _json({"probabilities": [[3.0, -2.0]] * 25}),
        _json({"probabilities": [[SECRET, "x"]] * 25}),
        _json({"labels": [SECRET] * 25}),
        _json({"predictions": [{"no": 1}] * 25}),
        _json({"logits": [[1e999, 0]] * 25}),
    ],
)
def test_rubbish_is_one_sentence_without_what_was_answered(app, url, pauses, rubbish):
    asked = target(url)
    assert asked.access == Access.SCORES
    app.script = [rubbish]
    with pytest.raises(TargetError) as caught:
        asked.predict(X)
    _plain(caught.value)
    assert not pauses  # what is not the network's fault is not tried again


def test_answers_of_another_kind_than_before_are_refused(app, url):
    asked = target(url)
    assert asked.access == Access.SCORES
    app.script = [_json({"labels": ["no"] * 25})]
    with pytest.raises(TargetError, match="another way than before"):
        asked.predict(X)


def test_answers_are_bounded(app, url):
    app.script = ["huge"]
    with pytest.raises(TargetError, match="more than 100,000 bytes"):
        target(url, answer_bytes=100_000).predict(X)
    app.script = ["gzip"]  # ten kilobytes that would unpack to ten megabytes
    with pytest.raises(TargetError, match="compressed"):
        target(url, answer_bytes=100_000).predict(X)


def test_nobody_there(pauses):
    with contextlib.closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(TargetError, match="can't be reached or broke off \\(ConnectError\\), 3 times"):
        target(f"http://127.0.0.1:{port}/").predict(X)


def test_a_token_is_sent_and_shown_nowhere(app, url, monkeypatch, pauses):
    monkeypatch.setenv("MY_TOKEN", SECRET)
    asked = target(f"{url}?key={SECRET}", token_variable="MY_TOKEN")
    asked.predict(X)
    assert all(h["authorization"] == f"Bearer {SECRET}" for h in app.headers)
    assert SECRET not in repr(asked) + asked.name
    app.script = ["503"] * 3
    with pytest.raises(TargetError) as caught:
        asked.predict(X)
    _plain(caught.value)
    print_of_one = asked.fingerprint()
    monkeypatch.setenv("MY_TOKEN", "another")
    same = target(url, token_variable="MY_TOKEN")
    assert same.fingerprint() == print_of_one


@pytest.mark.parametrize("token", ["", "  ", "two\nlines", "not ascii é"])
def test_a_token_that_is_none_is_told_without_showing_it(app, url, monkeypatch, token):
    monkeypatch.setenv("MY_TOKEN", token)
    with pytest.raises(ModelError, match="MY_TOKEN holds no token") as caught:
        target(url, token_variable="MY_TOKEN").predict(X)
    assert "lines" not in str(caught.value)
    assert not app.asked


def test_the_fingerprint_is_the_answers_to_the_probe(app, url, running):
    one = target(url).fingerprint()
    assert target(url).fingerprint() == one
    app.shift = 1e-9  # noise of another machine
    assert target(url).fingerprint() == one
    app.shift = 1e-3  # another model behind the same URL
    assert target(url).fingerprint() != one
    app.shift = 0.0
    assert HttpTarget(url, CLASSES, X[:5]).fingerprint() != one
    assert target(running[1] + "/labels").fingerprint() != one


def test_the_probe_is_asked_once(app, url):
    asked = target(url)
    assert (asked.access, asked.fingerprint(), asked.access) == (
        Access.SCORES,
        asked.fingerprint(),
        Access.SCORES,
    )
    assert len(app.asked) == 1


def test_what_was_answered_before_a_failure_is_kept(app, url, tmp_path, pauses):
    """Through the meter: a second run asks only what the first did not get."""
    meter = Metered(target(url), batch=10, memory=Cells(tmp_path))
    app.script = ["well", "500", "500", "500"]
    with pytest.raises(TargetError):
        meter.predict(X)
    assert meter.queries == 10
    again = Metered(target(url), batch=10, memory=Cells(tmp_path))
    np.testing.assert_allclose(np.exp(again.predict(X).log_scores), chances(X))
    assert again.queries == 15


def test_a_query_limit_stops_before_it_is_passed(app, url):
    meter = Metered(target(url), batch=10, limit=20)
    with pytest.raises(QueryLimit):
        meter.predict(X)
    assert sum(len(body["instances"]) for body in app.asked[1:]) == 20


def test_infinite_numbers_do_not_travel(app, url):
    with pytest.raises(DataError, match="infinite"):
        target(url).predict(np.full((2, 3), np.inf))


@pytest.mark.parametrize("bad", ["ftp://h/x", "h/x", "http://", "http://[::1", ""])
def test_what_is_no_url_is_refused(bad):
    with pytest.raises(ModelError, match="URL"):
        target(bad)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(ModelError, match="token_variable") as caught:
        target(f"http://user:{SECRET}@h/x")
    _plain(caught.value)


def test_a_probe_is_needed(url):
    with pytest.raises(ModelError, match="probe"):
        HttpTarget(url, CLASSES, X[:0])


def _plain(error: Exception) -> None:
    """One sentence, and nothing of what was sent or answered in it."""
    assert "\n" not in str(error)
    assert SECRET not in str(error)


def test_httpx_is_closed_after_each_call(app, url, monkeypatch):
    opened = []
    real = httpx.Client

    def client(**options):
        opened.append(real(**options))
        return opened[-1]

    monkeypatch.setattr(module.httpx, "Client", client)
    target(url).predict(X)
    assert opened
    assert all(c.is_closed for c in opened)
