"""The pictures and figures of the lessons: what they show is what the simulations say."""

import functools
import json
import random
import re
from typing import Any

import pytest

from solutions.simulations.buckets import counts, estimated_quantile_s, latencies_s, true_quantile_s
from solutions.simulations.lease import leased
from solutions.simulations.plots import herd, lease, waiting
from solutions.simulations.plots.__main__ import DRAWN
from solutions.simulations.plots.picture import Changeable, Picture
from solutions.simulations.waiting import mean_wait_s, simulated_wait_s


@functools.cache
def shown(drawn: Picture | Changeable) -> dict[str, Any]:
    return drawn.as_json()


CHANGEABLE = [drawn for drawn in DRAWN if isinstance(drawn, Changeable)]
EVERY = pytest.mark.parametrize("drawn", DRAWN, ids=lambda drawn: drawn.name)
EVERY_CHANGEABLE = pytest.mark.parametrize("figure", CHANGEABLE, ids=lambda figure: figure.name)


@EVERY
def test_a_picture_takes_the_colours_of_the_page_and_shares_no_id_with_another(drawn: Picture | Changeable) -> None:
    drawing = shown(drawn)["svg"]
    assert re.findall(r"#[0-9a-f]{6}\b", drawing) == []
    ids = re.findall(r' id="([^"]+)"', drawing)
    assert [name for name in ids if not name.startswith(f"{drawn.name}-")] == []
    assert len(ids) == len(set(ids))
    for used in re.findall(r'(?:href="|url\()#([^")]+)', drawing):
        assert used in ids


def test_a_picture_is_drawn_the_same_each_time() -> None:
    assert lease.FIGURE.as_json() == shown(lease.FIGURE)


@EVERY
def test_a_picture_has_a_title_and_says_in_words_what_it_shows(drawn: Picture | Changeable) -> None:
    drawing = shown(drawn)
    assert drawing["title"]
    assert len(drawing["words"].split()) >= 15


@EVERY_CHANGEABLE
def test_a_figure_fits_on_a_page(figure: Changeable) -> None:
    assert len(json.dumps(shown(figure), ensure_ascii=False, separators=(",", ":"))) < 40_000


def test_a_frame_picked_at_random_is_a_fresh_run_of_the_simulation() -> None:
    """What a slider shows was worked out by the simulation, not by a copy of it.

    Did: picked one frame of each figure at random, and ran its simulation again with the same choices.
    Saw: the same sentence, the same series.
    Otherwise: the page would show numbers that no simulation gives any more.
    """
    for figure in CHANGEABLE:
        sizes = [len(control.values) for control in figure.controls]
        place = [random.Random(figure.name).randrange(size) for size in sizes]
        index = 0
        for size, at in zip(sizes, place, strict=True):
            index = index * size + at
        kept = shown(figure)["frames"][index]
        fresh = figure.frame(*place)
        assert kept["words"] == fresh.words
        assert kept["d"].keys() == fresh.series.keys()


@EVERY_CHANGEABLE
def test_the_drawing_holds_every_series_that_a_frame_changes(figure: Changeable) -> None:
    drawing = shown(figure)
    for name in drawing["frames"][0]["d"]:
        assert f'id="{figure.name}-series-{name}"' in drawing["svg"]


def test_the_guess_of_the_herd_is_what_the_simulation_says() -> None:
    assert f"{herd.FIGURE.guess.answer:,.0f} s" in herd.FIGURE.frame(*herd.FIGURE.default).words


def test_the_guess_of_the_wait_is_what_the_formula_says() -> None:
    assert waiting.FIGURE.guess.answer == pytest.approx(1000 * mean_wait_s(1, 0.9, 0.02))


@pytest.mark.parametrize(("workers", "utilisation"), [(1, 0.5), (1, 0.9), (4, 0.8), (16, 0.9)])
def test_erlangs_formula_is_what_a_simulated_line_shows(workers: int, utilisation: float) -> None:
    assert simulated_wait_s(workers, utilisation, 0.2) == pytest.approx(mean_wait_s(workers, utilisation, 0.2), rel=0.1)


def test_a_lease_of_15_s_with_a_beat_every_5_bears_a_pause_of_13_s_and_no_more() -> None:
    assert leased(lease_s=15, pause_s=13, beat_s=5).lapsed_s is None
    assert leased(lease_s=15, pause_s=13.01, beat_s=5).refused


def test_buckets_that_end_far_above_the_values_give_four_times_the_true_quantile() -> None:
    values = latencies_s("just under a bound")
    bounds = (0.1, 1.0, 10.0)
    assert true_quantile_s(values, 0.99) < 0.25
    assert estimated_quantile_s(counts(values, bounds), bounds, 0.99) == pytest.approx(0.991)
