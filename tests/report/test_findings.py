"""findings.json: as its schema says, and without any record in it."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest

import reticent.report.findings as module
from reticent.report.findings import SCHEMA, findings_json

SCHEMA_FILE = json.loads(Path(module.__file__).with_name("findings.schema.json").read_text())
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "null": type(None),
    "number": (int, float),
    "integer": int,
    "boolean": bool,
}
KNOWN = {
    "$schema", "title", "$defs", "$ref", "type", "const", "enum", "required", "properties", "items", "oneOf",
    "additionalProperties", "minItems", "description",
}  # fmt: skip


def fits(value, schema) -> bool:
    """Whether a value is as the schema says: the few words of JSON Schema that ours uses."""
    assert set(schema) <= KNOWN, f"the test does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        return fits(value, SCHEMA_FILE["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(isinstance(value, TYPES[k]) for k in kinds):
        return False
    if ("const" in schema and value != schema["const"]) or ("enum" in schema and value not in schema["enum"]):
        return False
    if "oneOf" in schema and sum(fits(value, s) for s in schema["oneOf"]) != 1:
        return False
    if isinstance(value, dict):
        named, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        if not set(schema.get("required", [])) <= set(value):
            return False
        for name, part in value.items():
            rule = named.get(name, others)
            if rule is False or (rule is not True and not fits(part, rule)):
                return False
    if isinstance(value, list) and "items" in schema:
        return all(fits(part, schema["items"]) for part in value)
    return True


def document(*audits):
    return json.loads(findings_json(audits))


@pytest.fixture(scope="module")
def mixed(worlds):
    return worlds.audit(
        worlds.finding("lira", 2.0),
        worlds.unmeasured("boundary", "refused", "asks 100 queries"),
        worlds.unmeasured("shokri", "failed", "MemoryError"),
        model=worlds.HOSTILE,
    )


def test_fits_its_schema(worlds, mixed):
    nothing = worlds.audit(worlds.unmeasured("lira", "refused", "needs a recipe"))
    found = document(mixed, worlds.silent(), nothing)
    assert found["schema"] == SCHEMA == SCHEMA_FILE["title"]
    assert fits(found, SCHEMA_FILE)
    assert found["audits"][0]["model"] == worlds.HOSTILE


@pytest.mark.parametrize(
    "path",
    [
        ("schema",),
        ("audits", 0, "verdict", "state"),
        ("audits", 0, "findings", 0, "outcome"),
        ("audits", 0, "findings", 0, "figures", "auc"),
        ("audits", 0, "access"),
    ],
)
def test_the_schema_rejects_what_is_wrong(mixed, path):
    found = deepcopy(document(mixed))
    assert fits(found, SCHEMA_FILE)
    inner = found
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = {"nonsense": 1}
    assert not fits(found, SCHEMA_FILE)
    del inner[path[-1]]
    assert path[-1] == "auc" or not fits(found, SCHEMA_FILE)


def test_figures_are_the_findings_own_or_withheld_with_a_reason(mixed):
    lira = next(f for f in document(mixed)["audits"][0]["findings"] if f["attack"] == "lira")
    auc = mixed["lira"].figure("auc")
    assert lira["figures"]["auc"] == {
        "value": auc.value, "low": auc.low, "high": auc.high, "level": 0.95, "method": auc.method,
    }  # fmt: skip
    assert "10,000" in lira["figures"]["tpr@0.01%"]["withheld"]


def test_unmeasured_findings_keep_their_reason_and_hold_no_figure(mixed):
    by_name = {f["attack"]: f for f in document(mixed)["audits"][0]["findings"]}
    assert by_name["boundary"]["outcome"] == "refused" and by_name["boundary"]["figures"] == {}
    assert by_name["shokri"]["reason"] == "MemoryError"


def test_no_record_is_in_it(worlds):
    """Nothing as long as the records, no value of them, and no score."""
    audit = worlds.memorising()
    text = findings_json([audit])

    def lists(value):
        if isinstance(value, dict):
            for part in value.values():
                yield from lists(part)
        elif isinstance(value, list):
            yield value
            for part in value:
                yield from lists(part)

    assert max(len(part) for part in lists(json.loads(text))) < 20
    assert str(worlds.SECRET) not in text
    scores = audit["lira"].evidence.scores
    assert not any(repr(float(s)) in text for s in np.random.default_rng(0).choice(scores, 200))


def test_what_was_never_asked_is_null_and_not_nan(worlds):
    from dataclasses import replace

    audit = worlds.silent()
    audit = replace(audit, checks=replace(audit.checks, accuracy_members=float("nan")))
    assert document(audit)["audits"][0]["checks"]["accuracy_members"] is None


def test_a_secret_is_named_with_its_figures_and_never_its_values(worlds):
    audit = worlds.audit(worlds.finding("loss"), worlds.guessed())
    found = json.loads(findings_json([audit]))["audits"][0]["findings"]
    (secret,) = [f for f in found if f["secret"]]
    assert secret["threat"] == "attribute inference"
    assert secret["secret"] == "smokes"
    assert secret["figures"]["leak"]["low"] > 0.1
    assert secret["epsilon_at_least"] is None
