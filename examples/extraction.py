"""A model behind a paid endpoint is copied, and the copy asked who its members are.

A lender sells answers of a decision tree that was trained on people of Adult (Becker & Kohavi 1996): over
HTTP, with a key, so much a query, and not more than so many a second. Somebody who has a customer's key and
records of other people copies the tree, first by walking its paths (Tramèr et al. 2016), which gives it
exactly, then with less money by training on its answers (Orekondy et al. 2019). Each copy is then asked about
people at leisure: was this one among those the lender trained on? Beside it stands what as many queries tell
that are put to the lender itself.

    RETICENT_DATA=... python examples/extraction.py      leaves extraction.html
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Console
from sklearn.compose import make_column_transformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

import reticent as rt
from reticent.attacks.extraction import Knockoff, PathFinding
from reticent.attacks.membership import Loss
from reticent.report.terminal import findings_group
from reticent.targets.load import load_target

COLUMNS = ["age", "workclass", "education_num", "marital_status", "sex", "capital_gain", "hours_per_week"]

TRAINED, OWN = 1_000, 1_000
"""People whom the lender has, and whom the thief has."""

PRICE = 0.001
"""Of a query, in euros."""

KEY = "RETICENT_TOKEN"
"""The environment variable that holds the customer's key."""


class Lender(BaseHTTPRequestHandler):
    """Answers those who pay; makes those wait who come too fast."""

    model: Pipeline
    key: str
    sold = 0
    last = 0.0
    lock = threading.Lock()

    def do_POST(self) -> None:
        """{"instances": [{column: value, …}, …]} -> {"probabilities": [[…], …]}"""
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
        if self.headers.get("Authorization") != f"Bearer {self.key}":
            self._answer(401, {"error": "no such key"})
            return
        with self.lock:
            early = Lender.last + 0.01 - time.monotonic()
            if early > 0:
                self._answer(429, {"error": "slower"}, {"Retry-After": "0"})
                return
            Lender.last = time.monotonic()
            Lender.sold += len(rows)
            scores = self.model.predict_proba(pd.DataFrame(rows)[COLUMNS])
        self._answer(200, {"probabilities": scores.tolist()})

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: no log of who asked what."""


def main() -> None:
    """Serve, copy, ask the copy."""
    start, console = time.perf_counter(), Console()
    adult = rt.datasets.adult()
    table = pd.DataFrame(adult.features)[COLUMNS]
    order = np.random.default_rng(0).permutation(len(table))
    ends = np.cumsum([TRAINED, TRAINED, OWN])
    members, others, own = (
        (table.iloc[rows].reset_index(drop=True), adult.labels[rows])
        for rows in np.split(order[: ends[-1]], ends[:-1])
    )
    words = [c for c in COLUMNS if not pd.api.types.is_numeric_dtype(table[c])]
    Lender.model = make_pipeline(
        make_column_transformer((OneHotEncoder(handle_unknown="ignore"), words), remainder="passthrough"),
        DecisionTreeClassifier(max_depth=12, random_state=0),
    ).fit(*members)
    Lender.key = os.environ[KEY] = secrets.token_hex()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Lender)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/v1/score"
        target = load_target(url, classes=np.unique(adult.labels), probe=others[0][:20])
        found = []
        for attack, budget in ((PathFinding(), None), (Knockoff(), 2_000)):
            sold = Lender.sold
            copied, told = rt.chain(
                target, attack, Loss(), members=members, nonmembers=others, own=own, budget=budget
            )
            found += [copied, told]
            console.print(findings_group([copied, told]))
            asked = copied.cost.queries
            console.print(
                f"The thief paid {PRICE * asked:.2f} EUR for {asked:,} queries; the lender answered "
                f"{Lender.sold - sold:,} in all, for the referee asks it as well.\n"
            )
    finally:
        server.shutdown()
    page = rt.write_findings(found, "extraction.html", name="a lender's tree")
    leaves = Lender.model[-1].get_n_leaves()
    console.print(f"The lender's tree has {leaves} leaves. {page} holds the rest.", highlight=False)
    console.print(f"{time.perf_counter() - start:.0f} s.")


if __name__ == "__main__":
    main()
