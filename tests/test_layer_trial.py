"""A layer told, judged against the true one, and what is said where it can't be."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import reticent as rt
from reticent.access import Access
from reticent.errors import DataError
from reticent.exhibit import Exhibit
from reticent.measure.estimate import Withheld
from reticent.targets.text import TextModule

TOKENS = 120


def model(width: int = 10, norm: bool = False) -> tuple[TextModule, np.ndarray]:
    torch.manual_seed(0)
    layers = [nn.Embedding(TOKENS, width), *([nn.LayerNorm(width, bias=False)] if norm else [])]
    head = nn.Linear(width, TOKENS, bias=False)
    made = TextModule(
        module=nn.Sequential(*layers, head),
        encode=lambda text: np.zeros(2, dtype=np.int64),
        decode=lambda tokens: "",
        vocabulary=TOKENS,
        longest=30,
    )
    return made, head.weight.detach().numpy()


def test_the_layer_is_told_and_random_weights_are_not():
    some, truth = model()
    found = rt.extract_layer(some, truth=truth)
    evidence = found.finding.evidence
    assert isinstance(evidence, Exhibit)
    assert evidence.figure("told").value == 1
    assert evidence.figure("told control").value == 0
    assert evidence.figure("error").high < 1e-4
    assert evidence.figure("error control").low > 0.5
    assert evidence.figure("width").value == 10
    assert evidence.note().endswith("say that the hidden dimension is 10.")
    assert found.layer is not None
    assert found.layer.width == 10
    assert found.finding.threat is rt.Threat.EXTRACTION
    with pytest.raises(ValueError, match="no figure is called 'size'"):
        evidence.figure("size")


def test_a_width_that_is_one_too_small_is_explained():
    some, truth = model(norm=True)
    evidence = rt.extract_layer(some, truth=truth).finding.evidence
    assert evidence.figure("width").value == 9
    assert "takes off a mean" in evidence.note()


def test_without_the_truth_only_the_width_is_said():
    evidence = rt.extract_layer(model()[0]).finding.evidence
    assert isinstance(evidence.figure("error"), Withheld)
    assert evidence.figure("width").value == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"access": Access.SCORES}, "needs logits, and scores are granted"),
        ({"limit": 1}, "more texts were needed"),
    ],
)
def test_what_is_not_granted_is_a_refusal(options, said):
    found = rt.extract_layer(model()[0], **options)
    assert found.finding.outcome == "refused"
    assert said in found.finding.reason
    assert found.layer is None


@pytest.mark.parametrize("truth", [np.zeros((3, 4)), np.full((TOKENS, 4), np.nan), np.zeros(TOKENS)])
def test_a_truth_of_another_form_is_refused(truth):
    with pytest.raises(DataError, match="give a row of finite weights for each"):
        rt.extract_layer(model()[0], truth=truth)
