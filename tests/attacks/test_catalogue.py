"""Attacks by name: each can be named, with its options, and what runs unnamed is not costly."""

from __future__ import annotations

import re

import pytest

from reticent.access import Access
from reticent.attacks import attribute, inversion, membership
from reticent.attacks.attack import AttributeAttack, InversionAttack, MembershipAttack, Named
from reticent.attacks.catalogue import (
    DEFAULT,
    FAMILIES,
    catalogue,
    chosen,
    left_out,
    named,
    needed,
    worth_running,
)
from reticent.attacks.membership import Lira, PerClass, ResponseCanvas, Rmia, Robustness
from reticent.attacks.metrics import Metric
from reticent.attacks.release import Linkability
from reticent.errors import PlanError


def test_every_attack_says_what_it_is():
    titles = [attack.title() for attack in catalogue()]
    assert len(set(titles)) == len(titles)
    assert {type(attack) for attack in DEFAULT} == set(catalogue())
    for attack in catalogue():
        assert any(attack.__name__ in family.__all__ for family in FAMILIES)
        assert attack.__doc__
        assert attack.source
        assert isinstance(attack.needs, Access)
        assert not issubclass(attack, MembershipAttack) or attack().questions


def test_what_an_attack_needs_is_a_rung_of_access_or_the_release():
    assert needed(Lira) == "scores"
    assert needed(Linkability) == "the release"


def test_no_two_of_the_defaults_share_a_name():
    assert len({attack.name for attack in DEFAULT}) == len(DEFAULT)


@pytest.mark.parametrize(
    "attack",
    [*DEFAULT, Robustness(radii=(0.3,)), ResponseCanvas(columns=("a",), radii=(0.1, 1.0))],
    ids=lambda a: a.name,
)
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
        ("lira()", Lira()),
        ("response-canvas(radii=(0.1, 0.5), regions=2)", ResponseCanvas(radii=(0.1, 0.5), regions=2)),
        ("response-canvas(radii=[0.1, 0.5])", ResponseCanvas(radii=(0.1, 0.5))),
        ("response-canvas(radii=0.1)", ResponseCanvas(radii=(0.1,))),
        ("response-canvas(columns=age)", ResponseCanvas(columns=("age",))),
        (
            "response-canvas(columns=('a, b=(', \"c's\"), seed=1)",
            ResponseCanvas(columns=("a, b=(", "c's"), seed=1),
        ),
        ("rmia(gamma=2, temperature=tuned)", Rmia(gamma=2.0)),
    ],
)
def test_names_are_read_with_their_options(text, attack):
    assert named(text) == attack


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there is no attack ''"),
        ("lyra", "those there are: .*lira"),
        ("lira(", "do not read; write them like lira"),
        ("lira)", "there is no attack"),
        ("lira(mode=online))", "do not read"),
        ("lira(mode=online) and more", "do not read"),
        ("response-canvas(radii=((0.1), 0.5))", "do not read"),
        ("response-canvas(radii=(0.1, 0.5)", "do not read"),
        ("response-canvas(columns='age)", "do not read"),
        ("lira(" + "a" * 5000, "do not read"),
        ("lira(mode=online, mode=offline)", "lira was given mode twice"),
        ("shokri(top=many)", "top = 'many' was given; give a whole number"),
        ("shokri(top=True)", "give a whole number"),
        ("shokri(top=2.5)", "give a whole number"),
        ("shokri(top=0)", "top = 0 was given"),
        ("quantile(level=high)", "level = 'high' was given; give a number"),
        ("quantile(level=1)", "between 0 and 1"),
        ("response-canvas(radii=wide)", "radii = 'wide'"),
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


def test_what_is_left_out_is_the_costly_that_nobody_named():
    run = chosen([], Access.SCORES)
    assert set(left_out([], run)) == {a for a in membership.DEFAULT if a.costly}
    assert left_out(["loss"], chosen(["loss"], Access.SCORES)) == ()
    assert left_out(["all"], chosen(["all"], Access.SCORES)) == ()
    labels = left_out([], chosen([], Access.LABELS))
    assert labels
    assert all(a.needs > Access.LABELS for a in labels)


def test_unnamed_none_is_costly_but_with_labels_alone():
    for granted in (Access.SCORES, Access.LOGITS, Access.WEIGHTS):
        assert not any(attack.costly for attack in chosen([], granted))
    labels = chosen([], Access.LABELS)
    assert {a for a in labels if a.costly} == {
        a for a in membership.DEFAULT if a.costly and a.needs == Access.LABELS
    }
    assert any(a.costly for a in labels)


def test_those_named_run_once_each_and_all_means_all():
    assert chosen(["lira", "lira(mode=online)", "loss"], Access.SCORES) == (named("lira"), named("loss"))
    assert chosen(["all"], Access.SCORES, worth_running(secrets=True, pictures=True)) == tuple(
        a for a in DEFAULT if isinstance(a, MembershipAttack | AttributeAttack | InversionAttack)
    )
    assert chosen(["all"], Access.SCORES) == membership.DEFAULT


def test_attacks_on_columns_run_unnamed_where_there_are_such_columns():
    more = chosen([], Access.SCORES, worth_running(secrets=True))
    assert set(more) - set(chosen([], Access.SCORES)) == set(attribute.DEFAULT)


def test_pictures_are_drawn_of_pictures_alone():
    usual, more = worth_running(), worth_running(pictures=True)
    assert set(more) - set(usual) == set(inversion.DEFAULT)
    assert all(
        a in left_out([], chosen([], Access.SCORES, more), more) for a in inversion.DEFAULT if a.costly
    )
    assert not set(left_out([], chosen([], Access.SCORES), usual)) & set(inversion.DEFAULT)


def test_what_no_audit_runs_names_the_call_that_does():
    import reticent

    elsewhere = [a for a in catalogue() if issubclass(a, Named) and a.elsewhere]
    assert len(elsewhere) > 20
    for attack in elsewhere:
        found = re.search(r": run it by rt\.(\w+)$", attack.elsewhere)
        assert found, attack
        assert callable(getattr(reticent, found[1])), attack
