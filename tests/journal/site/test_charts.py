"""Charts: text alternatives, and values as written."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from journal.site.fences import charts

SVG = [
    charts.days_hit(5, 7),
    charts.scale(3.3, "3.3/5"),
]


@pytest.mark.parametrize("drawing", SVG)
def test_a_chart_has_a_title_and_a_description_that_it_refers_to(drawing):
    tree = ET.fromstring(drawing)
    assert tree.get("role") == "img"
    parts = {child.get("id"): child.text for child in tree if child.tag in {"title", "desc"}}
    assert list(parts) == tree.get("aria-labelledby").split()
    assert all(parts.values())


def test_days_hit_fills_as_many_boxes_as_were_hit():
    drawing = charts.days_hit(5, 7)
    assert drawing.count("rd-chart__on") == 5
    assert drawing.count("rd-chart__off") == 2
    assert "5 of 7 days" in drawing


def test_a_scale_shows_the_value_as_it_was_written():
    assert ">3.3/5</text>" in charts.scale(3.3, "3.3/5")
