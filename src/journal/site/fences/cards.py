"""The cards fence: every card of one or more decks, each a question that unfolds to its answer without JavaScript.

    ```cards
    topic: backoff
    ```

`topics: [backoff, metrics]` shows several decks, `topics: all` every one, `lesson: lessons/x.md` all cards that are
read on that page, and `brief: true` leaves the marks of proofs to the page of each deck. The page's review script finds
cards by `data-card` and decks by `data-topic`; `templates/card.html` is the markup it may rely on.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import unescape
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from journal.site.fences import markup, proof
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.place import Place
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from journal.content.cards import Card, Decks

_SOURCE = "docs/quizzes"
# What a link of a card's text is until it is known which page shows it: one text is rendered once for all pages.
_LINK = re.compile(r'href="/-/page/([^"]*)"')


def render(options: Mapping[str, Any], place: Place) -> str:
    """Return the decks that `options` names, each in a section of its own."""
    decks = place.library.decks  # faults are reported with their line by the content check
    if "lesson" in options:
        page = str(options["lesson"])
        groups = {"": [card for card in decks.cards.values() if card.lesson_page == page]}
        if not groups[""]:
            raise FenceError(f"no card is read on {page!r}; correct the page, or write a card whose lesson it is")
    else:
        groups = {decks.topics[topic].title: list(decks.topics[topic].cards) for topic in _topics(options, decks)}
    shown = [
        {
            "title": title if len(groups) > 1 else "",
            "topic": cards[0].topic if cards else "",
            "cards": [_shown(card, place, brief=bool(options.get("brief"))) for card in cards],
        }
        for title, cards in groups.items()
    ]
    return fill("cards.html", decks=shown)


def _topics(options: Mapping[str, Any], decks: Decks) -> list[str]:
    asked = options.get("topics", options.get("topic"))
    if asked == "all":
        return [deck.topic for deck in decks.all if deck.cards]
    topics = [str(topic) for topic in asked] if isinstance(asked, list) else [str(asked)] if asked else []
    if not topics:
        raise FenceError("it names no deck; write `topic: <name of a file in docs/quizzes/>`")
    for topic in topics:
        if topic not in decks.topics:
            raise FenceError(f"there is no deck docs/quizzes/{topic}.yml; decks are {', '.join(decks.topics)}")
    return topics


def render_card(card: Card, place: Place) -> str:
    """Return one card: `templates/card.html`."""
    return str(fill("one-card.html", card=_shown(card, place)))


def _shown(card: Card, place: Place, *, brief: bool = False) -> dict[str, Any]:
    """Return what a card's template asks for; a brief one leaves the proof to the page of its deck."""
    more = [{"word": "Read", "href": place.link(card.lesson), "text": _lesson_title(card, place)}]
    if card.step:
        slug, _, number = card.step.partition("/")
        href = place.link(f"exercises/{slug}.md#step-{number}")
        more.append({"word": "Practise", "href": href, "text": f"{slug}, step {number}"})
    if card.adr is not None and (adr := place.library.links.adrs.get(card.adr)):
        href = place.link(adr.path.removeprefix("docs/"))
        more.append({"word": "Decided in", "href": href, "text": f"ADR {card.adr:04d}"})
    if brief and card.proof:
        more.append(
            {"word": "Shown on", "href": place.link(f"quizzes/{card.topic}.md#card-{card.id}"), "text": "its deck"}
        )
    return {
        "id": card.id,
        "topic": card.topic,
        "kind": card.kind,
        "step": card.step,
        "question": _text(card.question, place),
        "answer": _text(card.answer, place),
        "more": more,
        "proof": proof.mark(card.proof, place) if card.proof and not brief else "",
    }


def _text(text: str, place: Place) -> Markup:
    return Markup(  # noqa: S704 - an untrusted card's HTML was taken out when its Markdown was rendered
        _LINK.sub(lambda link: f'href="{escape(place.link(unescape(link[1])))}"', _rendered(text, place.root))
    )


@lru_cache(maxsize=8192)
def _rendered(text: str, root: Path) -> str:
    everywhere = Place(root, "index.md")
    return markup.render(text, everywhere, folder=_SOURCE, trusted=False, link=lambda target: f"/-/page/{target}")


def _lesson_title(card: Card, place: Place) -> str:
    heading = place.library.links.headings.get(card.lesson)
    return heading.title if heading else card.lesson_page.rpartition("/")[2].removesuffix(".md")


fence = as_fence(render, "topic", "topics", "lesson", "brief")
