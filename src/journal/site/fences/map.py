"""The map fence: everything that hangs together, drawn as lines between steps, sections and decisions, and as a table.

The drawing shows the lines; the table below it says the same for those who cannot see it, and leads everywhere.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.content.links.links import Chain
from journal.site.fences.chain import table
from journal.site.fences.charts import figure, svg
from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place

_ROW, _TOP, _WIDTH = 22, 44, 900
_STEPS_X, _LEFT_X, _RIGHT_X, _ADRS_X = 150, 290, 600, 740
_MOST_LETTERS = 46


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the drawing of the whole chain, and its table."""
    chain = place.library.links
    headings = [
        name
        for name in chain.headings
        if chain.steps_of_heading(name) or chain.adrs_of_heading(name) or chain.cards_of_heading(name)
    ]
    counts = f"{len(chain.steps)} exercise steps, {len(headings)} sections, {len(chain.adrs)} decisions"
    described = f"{counts} and {len(chain.cards)} cards, with a line for every link. The table below has them all."
    drawing = svg("map", "The map of this journal", described, _WIDTH, _height(chain, headings), _body(chain, headings))
    caption = f"Left the exercise steps, in the middle the sections with their cards, right the decisions: {counts}."
    return figure(drawing, caption) + table(chain, headings, place, label="The map as a table")


def _height(chain: Chain, headings: list[str]) -> int:
    return _TOP + _ROW * max(len(headings), len(chain.steps), len(chain.adrs)) + 10


def _spread(names: list[str], height: int) -> dict[str, float]:
    """Return the height at which each name stands, spread evenly over the drawing."""
    pitch = (height - _TOP - 10) / max(1, len(names))
    return {name: _TOP + pitch * (index + 0.5) for index, name in enumerate(names)}


def _body(chain: Chain, headings: list[str]) -> str:
    height = _height(chain, headings)
    middle = _spread(headings, height)
    left = _spread(_by_place(list(chain.steps), chain.headings_of_step, headings), height)
    numbers = {str(number): number for number in chain.adrs}
    right = _spread(_by_place(list(numbers), lambda n: chain.headings_of_adr(numbers[n]), headings), height)
    lines = [
        _line(_STEPS_X + 6, left[step], _LEFT_X - 6, middle[name])
        for step in left
        for name in chain.headings_of_step(step)
        if name in middle
    ]
    lines += [
        _line(_RIGHT_X + 6, middle[name], _ADRS_X - 6, right[number])
        for number in right
        for name in chain.headings_of_adr(numbers[number])
        if name in middle
    ]
    titles = (("end", _STEPS_X, "Step"), ("start", _LEFT_X, "Section, and its cards"), ("start", _ADRS_X, "Decision"))
    parts = [*lines, *(_text(x, 20, word, anchor, "rd-chart__label rd-map__head") for anchor, x, word in titles)]
    parts += [_text(_STEPS_X, y, step.replace("/", " "), "end") for step, y in left.items()]
    parts += [_text(_ADRS_X, y, f"ADR {int(number):04d}", "start") for number, y in right.items()]
    for name, y in middle.items():
        cards = len(chain.cards_of_heading(name))
        title = f"{_page(name)}: {chain.headings[name].title}"
        shown = title if len(title) <= _MOST_LETTERS else title[: _MOST_LETTERS - 1].rstrip() + "…"
        parts.append(_text(_LEFT_X, y, f"{shown} ({cards})" if cards else shown, "start"))
    return "".join(parts)


def _by_place(names: list[str], headings_of: Any, headings: list[str]) -> list[str]:
    """Sort names by where their first heading stands, so that few lines cross."""
    at = {name: index for index, name in enumerate(headings)}
    return sorted(names, key=lambda name: min((at[h] for h in headings_of(name) if h in at), default=len(at)))


def _page(heading: str) -> str:
    """Return what tells the pages of two equal headings apart: the lesson's day, or the page's name."""
    stem = heading.partition("#")[0].rpartition("/")[2].removesuffix(".md")
    return stem.split("-")[1] if stem.startswith("day-") else stem.replace("-", " ")


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    half = (x1 + x2) / 2
    return f'<path class="rd-map__line" d="M{x1:g} {y1:.1f}C{half:g} {y1:.1f} {half:g} {y2:.1f} {x2:g} {y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "rd-chart__label") -> str:
    place = f'x="{x:g}" y="{y + 4:.1f}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place}>{html.escape(text)}</text>'


fence = as_fence(render)
