"""A defence is read as it is written, and nothing else is evaluated."""

from __future__ import annotations

import pytest

from reticent import defences as d
from reticent.defences.reading import read_defence, words
from reticent.errors import PlanError


@pytest.mark.parametrize(
    "defence",
    [
        d.none(),
        d.l2(1e-2),
        d.dp_sgd(epsilon=3, batch_size=256) | d.adversarial_training(0.1, low=0.0) | d.round_scores(1),
        d.memguard(0.5, (16, 8)),
        d.hamp(),
    ],
)
def test_what_is_written_reads_back(defence):
    assert read_defence(str(defence)).parts == defence.parts


def test_every_word_can_be_called_by_its_name():
    needs = {"dp_sgd": "epsilon=3", "dp_ftrl": "epsilon=3", "pate": "noise=1"}
    needs |= {"randomise": "epsilon=3", "synthesise": "epsilon=3"}
    needs |= {f"private_{kind}": "1.0, (0, 1)" for kind in ("bayes", "forest", "logistic")}
    for word in words():
        defence = read_defence(f"{word}({needs.get(word, '')})")
        if len(defence.parts) == 1:
            assert defence.parts[0].word == word
    assert read_defence("labels_only").parts == (d.labels_only(),)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dp_sgd(", "does not read"),
        ("shrink(3)", "there is no defence 'shrink'"),
        ("__import__('os')", "there is no defence '__import__'"),
        ("l2.__class__", "is no word"),
        ("l2(power=3)", "does not take these options"),
        ("l2(print(1))", "is no plain value"),
        ("l2(**{})", "is no word"),
        ("Composed", "there is no defence 'Composed'"),
        ("round_scores(2) | l2(1)", "come"),
        ("l2(1) + l2(2)", "is no word"),
    ],
)
def test_what_is_no_defence_is_told_in_a_sentence(text, said):
    with pytest.raises(PlanError, match=None) as error:
        read_defence(text)
    assert said in str(error.value)
