"""Attacks by name: each can be named, with its options, and what runs unnamed is not costly."""

from __future__ import annotations

import pytest

from reticent.access import Access
from reticent.attacks import membership
from reticent.attacks.catalogue import catalogue, chosen, named
from reticent.attacks.membership import DEFAULT, Lira, PerClass
from reticent.attacks.metrics import Metric
from reticent.errors import PlanError


def test_every_attack_says_what_it_is():
    titles = [attack.title() for attack in catalogue()]
    assert len(set(titles)) == len(titles)
    assert {type(attack) for attack in DEFAULT} == set(catalogue())
    for attack in catalogue():
        assert attack.__name__ in membership.__all__
        assert attack.__doc__
        assert attack.source
        assert isinstance(attack.needs, Access)
        assert attack().questions


def test_no_two_of_the_defaults_share_a_name():
    assert len({attack.name for attack in DEFAULT}) == len(DEFAULT)


@pytest.mark.parametrize("attack", [*DEFAULT, *(a() for a in catalogue())], ids=lambda a: a.name)
def test_every_name_that_a_report_shows_names_the_attack(attack):
    assert named(attack.name) == attack


@pytest.mark.parametrize(
    ("text", "attack"),
    [
        (" LiRA ", Lira()),
        ("Lira(mode = offline)", Lira(mode="offline")),
        ("lira(mode='offline', location=median)", Lira(mode="offline", location="median")),
        ("per_class(metric=modified entropy)", PerClass()),
        ("per-class(metric=confidence)", PerClass(metric=Metric.CONFIDENCE)),
    ],
)
def test_names_are_read_with_their_options(text, attack):
    assert named(text) == attack


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no attack ''"),
        ("lyra", "those there are: .*lira"),
        ("lira(", "there is no attack"),
        ("lira(depth=3)", "lira has no option 'depth'; those it has: mode"),
        ("loss(depth=3)", "those it has: none"),
        ("lira(mode=sideways)", "mode = 'sideways'"),
        ("lira(mode)", "mode = ''"),
        ("per-class(metric=sideways)", "choose one of"),
    ],
)
def test_what_names_no_attack_is_one_sentence(text, said):
    with pytest.raises(PlanError, match=said):
        named(text)


def test_unnamed_none_is_costly_but_with_labels_alone():
    for granted in (Access.SCORES, Access.LOGITS, Access.WEIGHTS):
        assert not any(attack.costly for attack in chosen([], granted))
    labels = chosen([], Access.LABELS)
    assert {a for a in labels if a.costly} == {a for a in DEFAULT if a.costly and a.needs == Access.LABELS}
    assert any(a.costly for a in labels)


def test_those_named_run_once_each_and_all_means_all():
    assert chosen(["lira", "lira(mode=online)", "loss"], Access.SCORES) == (named("lira"), named("loss"))
    assert chosen(["all"], Access.SCORES) == DEFAULT
