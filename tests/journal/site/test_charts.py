"""Charts: text alternatives, values as written, and the forgetting curve against its definition."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from journal.site.fences import charts

SVG = [
    charts.days_hit(5, 7),
    charts.scale(3.3, "3.3/5"),
    charts.forgetting_curve(10, 60, due_day=10),
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


def test_retrievability_is_certain_at_once_and_nine_tenths_at_the_stability():
    assert charts.retrievability(0, 10) == 1
    assert charts.retrievability(10, 10) == pytest.approx(0.9, abs=1e-12)
    assert charts.retrievability(20, 10) < 0.9


@pytest.mark.parametrize(("days", "stability_days"), [(-1, 10), (1, 0), (1, -2)])
def test_retrievability_refuses_times_that_mean_nothing(days, stability_days):
    with pytest.raises(ValueError, match="days must be at least 0"):
        charts.retrievability(days, stability_days)


def test_a_forgetting_curve_without_a_horizon_is_refused():
    with pytest.raises(ValueError, match="horizon_days must be at least 1, got 0"):
        charts.forgetting_curve(3, 0)
