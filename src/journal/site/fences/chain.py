"""The chain fence: what a lesson or a decision hangs together with, derived and never typed.

On a lesson: each section with its exercise steps, decisions and cards. On a decision: the sections that teach it, the
steps that practise it, the cards that ask of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import Link, fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from journal.content.links.links import Chain
    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the table of the page it stands on."""
    chain = place.library.links
    number = next((adr.number for adr in chain.adrs.values() if adr.path == f"docs/{place.page}"), None)
    if number is not None:
        return _of_decision(chain, number, place)
    headings = chain.headings_of_page(place.page)
    if not headings:
        raise FenceError("it stands on a page that is neither a lesson, nor a recall page, nor a decision")
    return table(chain, headings, place)


def table(chain: Chain, headings: Iterable[str], place: Place, *, label: str = "Related") -> str:
    """Return a row for each heading that a step, a decision or a card belongs to."""
    rows = []
    for name in headings:
        steps, adrs, cards = chain.steps_of_heading(name), chain.adrs_of_heading(name), chain.cards_of_heading(name)
        if steps or adrs or cards:
            cells = [step_links(steps, place), adr_links(chain, adrs, place), card_links(chain, cards, place)]
            rows.append({"section": heading_link(chain, name, place), "cells": cells})
    return fill("chain-of-pages.html", rows=rows, label=label)


def _of_decision(chain: Chain, number: int, place: Place) -> str:
    headings = chain.headings_of_adr(number)
    steps = list(dict.fromkeys(step for name in headings for step in chain.steps_of_heading(name)))
    rows = [
        ("Taught in", [heading_link(chain, name, place) for name in headings]),
        ("Practised in", step_links(steps, place)),
        ("Asked by", card_links(chain, chain.cards_of_adr(number), place)),
    ]
    return fill("chain-of-decision.html", rows=[row for row in rows if row[1]])


def heading_link(chain: Chain, name: str, place: Place) -> Link:
    """Return a link to a lesson's heading."""
    return Link(place.link(name), chain.headings[name].title if name in chain.headings else name)


def step_links(steps: Iterable[str], place: Place) -> list[Link]:
    """Return links to exercise steps, as "backoff 2"."""
    parts = [step.partition("/") for step in steps]
    return [Link(place.link(f"exercises/{slug}.md#step-{number}"), f"{slug} {number}") for slug, _, number in parts]


def adr_links(chain: Chain, numbers: Iterable[int], place: Place) -> list[Link]:
    """Return links to decisions, as "ADR 0004", each with its title."""
    known = [(number, chain.adrs[number]) for number in numbers if number in chain.adrs]
    return [Link(place.link(adr.path.removeprefix("docs/")), f"ADR {number:04d}", adr.title) for number, adr in known]


def card_links(chain: Chain, ids: Iterable[str], place: Place) -> list[Link]:
    """Return links to cards on the page of their deck, by id."""
    return [Link(place.link(f"quizzes/{chain.cards[one].topic}.md#card-{one}"), one) for one in ids]


fence = as_fence(render)
