"""The ROC picture: honest axes, every attack, the same bits each time."""

from __future__ import annotations

from xml.etree import ElementTree

from reticent.report.plots import NAMED, roc_plot

SVG = "{http://www.w3.org/2000/svg}"


def words(svg):
    return {e.text for e in ElementTree.fromstring(svg).iter(f"{SVG}text")}


def test_is_svg_that_names_the_strongest_the_control_and_guessing(worlds):
    many = [worlds.finding(f"a{i}", shift=i / 4, seed=i) for i in range(8)]
    found = words(roc_plot(worlds.audit(*many)))
    assert {f"a{i}" for i in range(8 - NAMED, 8)} <= found
    assert not {f"a{i}" for i in range(8 - NAMED)} & found
    assert {"blind control", "guessing"} <= found


def test_same_audit_same_bits(worlds):
    assert roc_plot(worlds.memorising()) == roc_plot(worlds.memorising())


def test_a_name_is_no_formula_and_no_markup(worlds):
    name = r"$\frac{<b>"
    assert name in words(roc_plot(worlds.audit(worlds.finding(name, 1.0))))


def test_axes_end_where_the_sample_does(worlds):
    """A decade is marked only where the sample holds so few non-members wrongly named."""

    def marked(n, decade):
        svg = roc_plot(worlds.silent(members=n, nonmembers=n))
        return any("".join("".join(e.itertext()).split()) == f"10{decade}" for e in _text(svg))

    assert marked(5000, "−3") and not marked(5000, "−4")
    assert marked(60, "−1") and not marked(60, "−2")


def _text(svg):
    return ElementTree.fromstring(svg).iter(f"{SVG}text")


def test_two_pictures_share_a_page_without_sharing_names(worlds):
    ids = [
        {e.get("id") for e in ElementTree.fromstring(roc_plot(a)).iter(f"{SVG}g") if e.get("id")}
        for a in (worlds.memorising(), worlds.silent())
    ]
    assert ids == [set(), set()]
