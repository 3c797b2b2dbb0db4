"""The page: says what was found and no more, asks the network for nothing, is not scripted by a name."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from reticent.measure.estimate import Withheld
from reticent.report.page import fragment, page, write_page

VOID = {"meta", "link", "br", "img", "hr", "input", "use", "path", "col"}


class Reader(HTMLParser):
    """What a browser would make of a page: its elements, what they ask for, and its words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.asked, self.handlers, self.open, self.text = [], [], [], [], ""
        self.feed(text)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on")]
        self.asked += [v for name, v in attrs if name in ("src", "href", "xlink:href", "action", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.text += data


def read(*audits):
    return Reader(page(audits))


def test_is_whole_and_asks_the_network_for_nothing(worlds):
    text = page([worlds.memorising(), worlds.silent()])
    seen = Reader(text)
    assert text.startswith("<!doctype html>") and not seen.open
    assert not {"script", "link", "img", "iframe", "object"} & set(seen.tags)
    assert all(asked.startswith("#") for asked in seen.asked)
    assert not seen.handlers
    assert not re.search(r"@import|url\((?!#)", text)


def test_a_name_stays_a_name(worlds):
    hostile = worlds.HOSTILE
    audit = worlds.audit(
        worlds.finding(hostile, 2.0, about=hostile, caveat=hostile),
        worlds.unmeasured(hostile, "failed", hostile),
        model=hostile,
        column=hostile.replace("\ud800", ""),  # which pandas itself refuses
        options={hostile: hostile},
        command=hostile,
    )
    text = page([audit])
    seen = Reader(text)
    assert "script" not in seen.tags and not seen.handlers and "a" not in seen.tags
    assert "<script>alert(1)</script>" in seen.text
    assert "\x1b" not in text
    text.encode()  # half a character would not be writable
    Reader(fragment(audit))


def test_says_which_model_gives_members_away(worlds):
    seen = read(worlds.memorising(model="forest"), worlds.silent(model="tree", limits="auc>0.6"))
    assert seen.tags.count("section") == 2
    assert "Gives members away" in seen.text and "Within the limits" in seen.text
    assert "forest and tree" in seen.text


def test_no_all_clear_where_a_limit_is_only_probably_kept(worlds):
    audit = worlds.silent(limits="tpr@0.1%>0.01, auc>0.6")
    assert not all(v.sure for v in audit.verdicts) and any(v.sure for v in audit.verdicts)
    text = read(audit).text
    assert "Probably within the limits" in text
    assert all(v.sentence in text for v in audit.verdicts)


def test_a_spoilt_split_is_louder_than_the_verdict(worlds):
    warning = "can be told apart without looking at the model"
    spoilt = read(worlds.silent(blind=1.0)).text
    assert warning in spoilt and "Not to be trusted" in spoilt
    assert warning not in read(worlds.silent()).text


@pytest.mark.parametrize(("copies", "said"), [("drop", "They were left out."), ("keep", "They were kept")])
def test_copies_are_told_as_they_were_treated(worlds, copies, said):
    text = read(
        worlds.silent(shared=1203, members=2000, nonmembers=2000, repeated=31, options={"copies": copies})
    )
    assert "2,406 records stand on both sides" in text.text and said in text.text
    assert "31 members repeat another member" in text.text
    assert "both sides, equal" not in read(worlds.silent()).text


def test_withheld_says_why_and_shows_no_figure(worlds):
    audit = worlds.memorising()
    withheld = audit["lira"].figure("tpr@0.01%")
    assert isinstance(withheld, Withheld)
    assert f"Withheld: {withheld.reason}" in read(audit).text


def test_every_attack_has_its_row_and_the_control_comes_last(worlds):
    text = fragment(worlds.memorising())
    names = re.findall(r'<th scope="row"[^>]*>([^<]+)<', text)
    assert names == ["lira", "loss", "blind"]


def test_what_was_not_run_is_told_with_its_reason(worlds):
    audit = worlds.audit(
        worlds.finding(),
        worlds.unmeasured("white-box", "refused", "needs weights"),
        worlds.unmeasured("shokri", "failed", "ran out of memory"),
    )
    text = read(audit).text
    assert "white-box (refused): needs weights" in text and "shokri (failed): ran out of memory" in text


def test_nothing_measured_is_no_all_clear(worlds):
    text = read(worlds.audit(worlds.unmeasured("lira", "refused", "needs a recipe"))).text
    assert "No all-clear" in text and "Nothing was measured" in text
    assert "The records most at risk" not in text


def test_records_are_named_by_row_and_never_by_value(worlds):
    audit = worlds.memorising()
    text = page([audit])
    worst = audit.records.query("member").head(10)["row"]
    section = text[text.index("The records most at risk") : text.index("Groups of people")]
    assert [int(n) for n in re.findall(r'<tr><td class="n">(\d+)</td>', section)] == worst.tolist()
    assert str(worlds.SECRET) not in text


def test_an_order_by_chance_is_said_to_be_one(worlds):
    said = "this order may be chance"
    assert said in read(worlds.silent()).text
    assert said not in read(worlds.memorising()).text


def test_exposure_is_the_audits_own_figure(worlds):
    audit = worlds.memorising()
    count = audit.exposure.members_exposed
    text = read(audit).text
    assert f"can name {count.value:,.0f} of them" in text
    assert f"between {count.low:,.0f} and {count.high:,.0f}." in text


def test_can_be_run_again(worlds):
    text = read(worlds.silent(command="reticent audit --seed 7")).text
    assert all(part in text for part in ("reticent audit --seed 7", "abc123", "reticent 0.1.0", "seed"))


def test_same_audit_same_bits(worlds, tmp_path):
    first, second = (write_page([worlds.memorising()], tmp_path / f"{i}.html") for i in range(2))
    assert first.read_bytes() == second.read_bytes()


def test_a_leaking_column_is_told_from_one_that_is_not(worlds):
    audit = worlds.audit(
        worlds.finding("loss"),
        worlds.guessed(secret="smokes"),
        worlds.guessed("lomia", inside=0.62, outside=0.62, secret="smokes"),
        worlds.guessed(inside=0.6, outside=0.6, secret="town", seed=3),
    )
    text = Reader(page([audit])).text
    assert "What can be guessed of people: smokes The training data leak it: csmia" in text
    assert "as the worst of 2 attacks" in text
    assert "What can be guessed of people: town No leak of the training data was found" in text
    assert text.count("A gain that is the same for members and others") == 1


def test_a_columns_name_can_not_script_the_page(worlds):
    audit = worlds.audit(worlds.finding("loss"), worlds.guessed(secret=worlds.HOSTILE))
    text = page([audit])
    assert "<script" not in text
    assert not Reader(text).handlers
