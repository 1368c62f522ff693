"""The chain fence: what a lesson or a decision hangs together with, derived and never typed.

On a lesson: each section with its exercise steps, decisions and cards. On a decision: the sections that teach it, the
steps that practise it, the cards that ask of it.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.content.links.links import Chain
from journal.site.fences.fence import FenceError, as_fence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place, _md: Markdown | None = None) -> str:
    """Return the table of the page it stands on."""
    chain = place.library.links
    number = next((adr.number for adr in chain.adrs.values() if adr.path == f"docs/{place.page}"), None)
    if number is not None:
        return _of_decision(chain, number, place)
    headings = [name for name in chain.headings if name.startswith(f"{place.page}#")]
    if not headings:
        raise FenceError("it stands on a page that is neither a lesson, nor a recall page, nor a decision")
    return table(chain, headings, place)


def table(chain: Chain, headings: Iterable[str], place: Place, *, label: str = "Related") -> str:
    """Return a row for each heading that a step, a decision or a card belongs to."""
    rows = []
    for name in headings:
        steps, adrs, cards = chain.steps_of_heading(name), chain.adrs_of_heading(name), chain.cards_of_heading(name)
        if steps or adrs or cards:
            cells = (step_links(steps, place), adr_links(chain, adrs, place), card_links(chain, cards, place))
            rows.append(
                f'<tr><th scope="row">{heading_link(chain, name, place)}</th>'
                + "".join(f"<td>{cell or '-'}</td>" for cell in cells)
                + "</tr>"
            )
    head = "".join(f'<th scope="col">{cell}</th>' for cell in ("Section", "Practised in", "Decided in", "Asked by"))
    return (
        f'<div class="rd-table rd-chain" tabindex="0" role="group" aria-label="{html.escape(label)}">'
        f'<table class="rd-grid"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )


def _of_decision(chain: Chain, number: int, place: Place) -> str:
    headings = chain.headings_of_adr(number)
    steps = list(dict.fromkeys(step for name in headings for step in chain.steps_of_heading(name)))
    rows = (
        ("Taught in", ", ".join(heading_link(chain, name, place) for name in headings)),
        ("Practised in", step_links(steps, place)),
        ("Asked by", card_links(chain, chain.cards_of_adr(number), place)),
    )
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in rows if text)
    return f'<dl class="rd-test__account rd-chain">{items}</dl>'


def heading_link(chain: Chain, name: str, place: Place) -> str:
    """Return a link to a lesson's heading."""
    title = chain.headings[name].title if name in chain.headings else name
    return f'<a href="{html.escape(place.link(name))}">{html.escape(title)}</a>'


def step_links(steps: Iterable[str], place: Place) -> str:
    """Return links to exercise steps, as "backoff 2"."""
    links = []
    for step in steps:
        slug, _, number = step.partition("/")
        href = html.escape(place.link(f"exercises/{slug}.md#step-{number}"))
        links.append(f'<a href="{href}">{html.escape(slug)} {number}</a>')
    return ", ".join(links)


def adr_links(chain: Chain, numbers: Iterable[int], place: Place) -> str:
    """Return links to decisions, as "ADR 0004", each with its title."""
    return ", ".join(
        f'<a href="{html.escape(place.link(chain.adrs[number].path.removeprefix("docs/")))}" '
        f'title="{html.escape(chain.adrs[number].title)}">ADR {number:04d}</a>'
        for number in numbers
        if number in chain.adrs
    )


def card_links(chain: Chain, ids: Iterable[str], place: Place) -> str:
    """Return links to cards on the page of their deck, by id."""
    return ", ".join(
        f'<a href="{html.escape(place.link(f"quizzes/{chain.cards[one].topic}.md#card-{one}"))}">{one}</a>'
        for one in ids
    )


fence = as_fence(render)
