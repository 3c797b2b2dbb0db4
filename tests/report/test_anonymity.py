"""The page about an anonymous table: risk and loss in it, and no value of anybody."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

import reticent as rt
from reticent.report.anonymity import risk_plot


def test_the_page_tells_risk_and_loss_and_shows_nobody(tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "age": rng.integers(20, 90, 300),
            "town": rng.choice(["Oxton", "Upham", "Yarm"], 300),
            "illness": rng.choice(["scurvy", "rickets", "quinsy"], 300),
            "shoe": rng.choice(["brogue", "clog"], 300),
        }
    )
    made = rt.anonymise(table, quasi=("age", "town"), sensitive=("illness",), k=7, l=2)
    text = made.report(tmp_path / "page.html").read_text()
    assert "k = 7, l = 2 different values" in text
    assert "<svg" in text and "<script" not in text and "src=" not in text
    for value in ("Oxton", "Upham", "scurvy", "rickets", "quinsy", "clog"):
        assert value not in text
    for said in ("Background knowledge", "Composition", "Skewness", "tell people apart: shoe", "prosecutor"):
        assert said in text
    worst = np.argsort(made.risk.sizes, kind="stable")[0]
    assert made.risk.sizes[worst] == made.proof.smallest
    again = made.report(tmp_path / "again.html").read_text()
    assert again == text


def test_marks_say_the_shares_at_which_they_stand():
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"age": rng.integers(20, 90, 900), "town": rng.choice(["Oxton", "Upham"], 900)})
    made = rt.anonymise(table, quasi=("age", "town"), k=5)
    shown = re.findall(r">([\d.]+) ?%", risk_plot(made.before, made.risk))
    steps = np.diff([float(share) for share in shown])
    rising = steps[steps > 0]  # from the left picture to the right one it falls back to 0
    turn = int((steps < 0).argmax()) if (steps < 0).any() else len(steps)
    assert len(shown) >= 6 and "2.5" in shown
    assert np.allclose(steps[:turn], rising[0]) and np.allclose(steps[turn + 1 :], rising[-1])
