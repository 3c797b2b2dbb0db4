"""Audits made by hand: nothing is trained, so that what a report must say is known."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from reticent.access import Access
from reticent.data import Overlap, Records
from reticent.finding import Cost, Evidence, Finding, Guesses, Threat
from reticent.result import Audit, Checks, Provenance
from reticent.threshold import read_thresholds

HOSTILE = '<script>alert(1)</script>"&\x1b[31m\ud800|[x](http://evil.test/a.png)`'
"""A model's or column's name that would like to be more than a name."""

SECRET = 987654.25
"""A value in the records: no file of a report may hold it."""


def finding(name="loss", shift=0.0, *, members=1000, nonmembers=1000, seed=0, **more):
    """A finding whose members score `shift` standard deviations above the others."""
    rng = np.random.default_rng(seed)
    truth = np.repeat([True, False], [members, nonmembers])
    evidence = Evidence(rng.normal(size=len(truth)) + shift * truth, truth)
    about = {"threat": Threat.MEMBERSHIP, "access": Access.SCORES, "cost": Cost(queries=2000, seconds=0.25)}
    return Finding(**{**about, "attack": name, "outcome": "measured", "evidence": evidence, **more})


def guessed(name="csmia", *, inside=0.9, outside=0.6, imputed=0.6, secret="smokes", records=400, seed=0):
    """A finding about a column of two values, whose attack guesses rightly about these shares of people."""
    rng = np.random.default_rng(seed)
    members, truth = np.arange(2 * records) < records, rng.integers(0, 2, 2 * records)
    right = rng.random(2 * records) < np.where(members, inside, outside)
    without = rng.random(2 * records) < imputed
    scores, control = (np.eye(2)[np.where(hit, truth, 1 - truth)] for hit in (right, without))
    return Finding(
        attack=name,
        threat=Threat.ATTRIBUTE,
        access=Access.SCORES,
        outcome="measured",
        secret=secret,
        evidence=Guesses(scores, control, truth, members, np.arange(2 * records)),
        cost=Cost(queries=1600, seconds=0.01),
        caveat="looks at no other column",
    )


def unmeasured(name, outcome, reason):
    return Finding(
        attack=name, threat=Threat.MEMBERSHIP, access=Access.WEIGHTS, outcome=outcome, reason=reason
    )


def audit(
    *findings,
    model="income model",
    members=1000,
    nonmembers=1000,
    limits="tpr@0.1%>0.01, auc>0.6",
    blind=0.0,
    shared=0,
    repeated=0,
    column="town",
    options=None,
    command="",
):
    """An audit of these findings, on as many records as they hold."""
    truth = np.repeat([True, False], [members, nonmembers])
    rows = np.concatenate([np.arange(members), np.arange(nonmembers)])
    table = pd.DataFrame({column: np.where(np.arange(len(truth)) % 2, "north", "south"), "pay": SECRET})
    overlap = Overlap(np.arange(members) < shared, np.arange(nonmembers) < shared, repeated)
    checks = Checks(
        members=members,
        nonmembers=nonmembers,
        candidates=len(truth),
        population=0,
        overlap=overlap,
        accuracy_members=0.97,
        accuracy_nonmembers=0.71,
        blind=finding("blind", blind, members=members, nonmembers=nonmembers, seed=9),
    )
    return Audit(
        model=model,
        access=Access.SCORES,
        findings=findings,
        checks=checks,
        thresholds=read_thresholds(limits),
        prior=0.5,
        exposed_above=0.9,
        candidates=Records(table, np.zeros(len(truth), int), np.array([0, 1])),
        members=truth,
        rows=rows,
        provenance=Provenance(
            date="2026-01-02T03:04:05+00:00",
            command=command,
            versions={"reticent": "0.1.0"},
            fingerprints={"model": "abc123"},
            options=options or {"seed": 7, "fail_on": None},
        ),
        seed=7,
    )


def memorising(**more):
    return _two(1.0, 3.0, **more)


def silent(**more):
    return _two(0.0, 0.0, **more)


def _two(loss, lira, **more):
    size = {side: more[side] for side in ("members", "nonmembers") if side in more}
    return audit(finding("loss", loss, **size), finding("lira", lira, seed=1, **size), **more)


@pytest.fixture(scope="session")
def worlds():
    """Makers of audits, by name."""
    return SimpleNamespace(
        audit=audit,
        finding=finding,
        guessed=guessed,
        unmeasured=unmeasured,
        memorising=memorising,
        silent=silent,
        HOSTILE=HOSTILE,
        SECRET=SECRET,
    )
