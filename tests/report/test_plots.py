"""The ROC picture: honest axes, every attack, the same bits each time."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np

from reticent.exhibit import Curve, Line
from reticent.report.plots import NAMED, curve_plot, roc_plot

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


def curve(**options):
    x = np.array([10.0, 100.0, 1000.0])
    lines = (
        Line("by the $attack$ <b>", x, np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.6, 0.8]), np.ones(3)),
        Line("without", x, np.full(3, 0.55), control=True),
    )
    return Curve("heading", "queries", "agreement", lines, **options)


def test_a_curve_names_its_axes_and_lines_and_is_no_formula_and_no_markup():
    drawn = curve_plot(curve(bounds=(0.0, 1.0)))
    texts = [t.text for t in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    assert {"queries", "agreement", "by the $attack$ <b>", "without"} <= set(texts)
    assert drawn == curve_plot(curve(bounds=(0.0, 1.0)))
    assert drawn != curve_plot(curve(log=False))


def test_a_control_is_dashed_and_an_interval_is_filled():
    drawn = curve_plot(curve())
    assert drawn.count("stroke-dasharray") == 2  # in the picture and in the legend
    assert "#666666" in drawn
    assert "fill-opacity" in drawn or "opacity: 0.15" in drawn
