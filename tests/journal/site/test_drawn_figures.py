"""Figures: drawn before the build, shown by a fence with their words, refused with a clear message."""

from __future__ import annotations

import json
import re

import pytest

from journal.content.problems import ContentError
from journal.site import figures
from journal.site.fences import figure as figure_fence
from journal.site.fences.fence import FenceError
from journal.site.fences.place import Place

GRAPH = """\
// title: Two boxes
// words: The first box leads to the second,
// and that is all.
digraph two { a -> b [class=good] }
"""
SETTINGS = """
[tool.journal.commands]
figures = "python solutions/simulations/draw.py"
"""
DRAW = """\
import json, pathlib, sys
picture = {"name": "plot", "title": "A plot", "words": "One line that rises.", "svg": '<svg viewBox="0 0 10 10"></svg>'}
pathlib.Path(sys.argv[1], "plot.json").write_text(json.dumps(picture))
"""


@pytest.fixture
def place(folder):
    folder.write("pyproject.toml", "[project]\nname = 'x'\n" + SETTINGS)
    folder.write("solutions/simulations/draw.py", DRAW)
    return Place(root=folder.path, page="index.md")


def test_the_fence_shows_the_drawing_and_its_words(place):
    shown = figure_fence.render({"name": "plot"}, place)
    assert '<svg width="16" viewBox="0 0 10 10">' in shown
    assert 'role="img" aria-label="A plot" aria-describedby="figure-plot-words"' in shown
    assert '<span id="figure-plot-words">One line that rises.</span>' in shown
    assert "<script" not in shown


def test_a_changeable_figure_carries_its_frames_and_nothing_that_ends_the_script(place, folder):
    extra = {
        "controls": [{"label": "x", "values": ["</script>"], "default": 0}],
        "frames": [{"d": {"a": "M0 0"}, "words": "w"}],
        "guess": {"question": "?", "unit": "s", "low": 0, "high": 1, "answer": 1},
        "chosen": "Ten & not eleven.",
    }
    folder.write("solutions/simulations/draw.py", DRAW.replace("pathlib.Path", f"picture |= {extra!r}\npathlib.Path"))
    shown = figure_fence.render({"name": "plot"}, place)
    data = re.search(r'<script type="application/json">(.*)</script>', shown)
    assert data is not None
    assert "</script>" not in data[1]
    assert json.loads(data[1])["controls"] == extra["controls"]
    assert "Ten &amp; not eleven." in shown


def test_a_name_that_is_not_there_lists_those_that_are(place):
    with pytest.raises(FenceError, match=r"there is no figure 'plan'; there are: plot"):
        figure_fence.render({"name": "plan"}, place)
    with pytest.raises(FenceError, match=r"it needs `name: …`"):
        figure_fence.render({}, place)


def test_figures_are_drawn_again_when_a_source_changes_and_not_otherwise(place, folder):
    stamp = figures.drawn(place.root) / "plot.json"
    first = stamp.stat().st_mtime_ns
    assert figures.drawn(place.root) / "plot.json" == stamp
    assert stamp.stat().st_mtime_ns == first
    folder.write("solutions/simulations/draw.py", DRAW.replace("A plot", "Another plot"))
    assert figures.read_figure(place.root, "plot")["title"] == "Another plot"


def test_a_command_that_fails_is_named_with_what_it_said(place, folder):
    folder.write("solutions/simulations/draw.py", "raise SystemExit('no paper left')")
    with pytest.raises(ContentError, match=r"pyproject.toml: `python .*draw.py` failed: no paper left"):
        figures.drawn(place.root)


def test_a_graph_becomes_svg_in_the_colours_of_the_page():
    drawn = figures.adapted('<?xml?><svg width="8pt" height="9pt" viewBox="0 0 8 9" xmlns="x"><!-- c -->\n'
                            '<g id="node1" class="node good"><title>a</title><path stroke="black"/>'
                            '<text font-family="Helvetica">a</text></g></svg>', "two")  # fmt: skip
    assert drawn == (
        '<svg viewBox="0 0 8 9"> <g id="two-node1" class="node good"><path stroke="var(--rd-soft, currentColor)"/>'
        '<text fill="var(--rd-ink, currentColor)">a</text></g></svg>'
    )


def test_a_graph_says_its_title_and_words_in_its_head():
    problems = []
    assert figures.head("two", GRAPH, problems) == {
        "title": "Two boxes",
        "words": "The first box leads to the second, and that is all.",
    }
    assert problems == []
    figures.head("two", "digraph two {}", problems)
    assert [problem.message.split(";")[0] for problem in problems] == [
        "it has no line `// title: …`",
        "it has no line `// words: …`",
    ]
