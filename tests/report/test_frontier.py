"""The frontier for a reader: every row told once, names that stay names, nothing asked of the network."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from rich.console import Console

from reticent.defences import dropout, l2, labels_only, memguard, round_scores
from reticent.defences.defence import OutputDefence, none
from reticent.pareto import Frontier, Row
from reticent.recipe import Guarantee
from reticent.report.frontier import drawing, lines, page, terminal_table, write_frontier
from reticent.told import Told


class Hostile(OutputDefence):
    """Would like to be more than a name."""

    word, source = "<script>alert(1)</script>", "<b>nobody</b>"
    caveat = '"><img src="http://evil.test/a.png">'

    def __str__(self):
        return "<script>alert(1)</script>\x1b[31m"


class Seen(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.asked = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.asked += [v for k, v in attributes if k in ("src", "href", "data")]

    def handle_data(self, data):
        self.text += data


def told(attack, lead, seed):
    rng = np.random.default_rng(seed)
    members = np.stack([rng.permutation(np.repeat([True, False], 150)) for _ in range(8)])
    return Told(attack, rng.normal(size=members.shape) + lead * members, members)


def row(defence, right, lead, *, role="asked", naive=None, seed=0, **more):
    drawn = np.random.default_rng(seed).permutation(np.arange(200) < right * 200)
    return Row(
        defence=defence,
        role=role,
        right=np.repeat(drawn[None], 8, axis=0),
        canaries=(told("rmia", lead / 2, seed), told("lira on copies", lead, seed + 1)),
        clean=(told("loss", lead if naive is None else naive, seed + 2),),
        **{"seconds": 2.0, **more},
    )


@pytest.fixture(scope="module")
def front():
    return Frontier(
        rows=(
            row(none(), 0.7, 3.0, role="baseline", seconds=1.0),
            row(l2(1e-3), 0.8, 1.0, guarantee=Guarantee(3.25, 1e-5, "somebody's accountant")),
            row(round_scores(1), 0.7, 3.0, naive=0.0, role="part"),
            row(labels_only(), 0.6, 0.5, role="private", note="tuned on the reference"),
            row(Hostile(), 0.5, 2.0),
            Row(defence=memguard(), reason="it <i>can't</i> be put on this one"),
        ),
        models=8,
        records=(1380, 20, 200, 210),
        classes=3,
    )


def test_the_page_is_whole_and_asks_the_network_for_nothing(front, tmp_path):
    path = write_frontier(front, tmp_path / "report.html", "visits & <b>more</b>")
    seen = Seen(text := path.read_text())
    assert text.startswith("<!doctype html>")
    assert not {"script", "link", "img", "iframe", "object", "b", "i"} & set(seen.tags)
    assert all(asked.startswith("#") for asked in seen.asked)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "visits & <b>more</b>" in seen.text
    assert "\x1b" not in text


def test_everything_that_was_measured_is_a_line_the_most_useful_first(front):
    found = lines(front)
    assert [line.name for line in found][:2] == [str(l2(1e-3)), "none()"]
    assert [line.number for line in found] == [1, 2, 3, 4, 5]
    best = found[0]
    assert (best.epsilon, best.cost, best.beaten, best.attack) == ("3.25", "2.0 ×", False, "lira on copies")
    by_name = {line.name: line for line in found}
    assert by_name["none()"].control and by_name["none()"].beaten
    assert by_name[str(round_scores(1))].hides
    assert by_name["labels_only()"].role.startswith("private training")


def test_what_a_reader_must_know_is_said(front):
    text = Seen(page(front, "visits")).text
    for said in (
        "it <i>can't</i> be put on this one",
        "somebody's accountant",
        "tuned on the reference",
        "less only by attacks that do not adapt to it",
        "1,380 ordinary records and 20 canaries",
        l2(1e-3).caveat,
    ):
        assert said in text
    assert text.count(round_scores(1).caveat) == 1


def test_the_picture_numbers_every_row_as_the_table_does_and_greys_what_is_beaten(front):
    axes = drawing(front, "auc").axes[0]
    texts = [(a.get_text(), a.get_color()) for a in axes.texts]
    named = {
        text.partition("  ")[2]: (text.partition("  ")[0], colour) for text, colour in texts if "  " in text
    }
    assert {text for text, _ in texts if "  " not in text} == {"1", "2", "3", "4", "5"}
    for line in lines(front)[:4]:
        assert named[line.name][0] == str(line.number)
    assert named[str(l2(1e-3))][1] != named[str(round_scores(1))][1] == "#9a9a9a"
    drawn = axes.lines[0].get_xydata()
    assert (np.diff(drawn[:, 0]) >= 0).all() and (np.diff(drawn[:, 1]) >= 0).all()


def test_of_many_rows_those_that_are_beaten_are_numbered_alone(front):
    beaten = [row(dropout((i + 1) / 40), 0.5, 2.0, seed=i) for i in range(25)]
    many = replace(front, rows=(*front.rows[:4], *beaten))
    texts = [a.get_text() for a in drawing(many, "auc").axes[0].texts]
    assert sum("  " in text for text in texts) == 3  # the rounded one is beaten too
    assert sum("  " not in text for text in texts) == 29


def test_the_terminal_shows_all_within_eighty_columns(front):
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_table(front))
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "not run" in text and "* leaks less only" in text
    told = " ".join(text.split())
    assert all(" ".join(r.reason.split()) in told for r in front.rows if not r.measured)
    for line in lines(front):
        assert line.accuracy[0] in text


def test_where_auc_is_the_leak_that_is_shown_it_stands_there_once(front):
    few = tuple(
        replace(r, canaries=tuple(Told(t.attack, t.scores[:2, :90], t.members[:2, :90]) for t in r.canaries))
        for r in front.rows[:2]
    )
    small = replace(front, rows=few)
    assert small.figure == "auc"
    console = Console(file=io.StringIO(), width=80)
    console.print(terminal_table(small))
    assert console.file.getvalue().count("AUC") == 1
    heads = page(small, "visits").partition("<thead>")[2].partition("</thead>")[0]
    assert heads.count("AUC") == 1
