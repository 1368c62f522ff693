"""The cards fence: every card of one or more decks, each a question that unfolds to its answer without JavaScript.

    ```cards
    topic: backoff
    ```

`topics: [backoff, metrics]` shows several decks, `topics: all` every one, `lesson: lessons/x.md` all cards that are
read on that page. The page's review script finds cards by `data-card` and decks by `data-topic`; see `render_card` for
the markup it may rely on.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from journal.site.fences import markup, proof
from journal.site.fences.fence import FenceError, as_fence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from markdown import Markdown

    from journal.content.cards import Card, Decks
    from journal.site.fences.place import Place


def render(options: Mapping[str, Any], place: Place, md: Markdown | None = None) -> str:
    """Return the decks that `options` names, each in a section of its own."""
    decks = place.library.decks  # faults are reported with their line by the content check
    if "lesson" in options:
        page = str(options["lesson"])
        groups = {"": [card for card in decks.cards.values() if card.lesson_page == page]}
        if not groups[""]:
            raise FenceError(f"no card is read on {page!r}; correct the page, or write a card whose lesson it is")
    else:
        groups = {decks.topics[topic].title: list(decks.topics[topic].cards) for topic in _topics(options, decks)}
    return "\n".join(_deck(title, cards, place, md, titled=len(groups) > 1) for title, cards in groups.items())


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


def _deck(title: str, cards: Iterable[Card], place: Place, md: Markdown | None, *, titled: bool) -> str:
    shown = list(cards)
    topic = shown[0].topic if shown else ""
    heading = f'<p class="rd-deck__title">{html.escape(title)}</p>' if titled else ""
    body = "\n".join(render_card(card, place, md) for card in shown)
    return (
        f'<section class="rd-deck" data-topic="{html.escape(topic)}" data-cards="{len(shown)}">'
        f"{heading}\n{body}\n</section>"
    )


def render_card(card: Card, place: Place, md: Markdown | None = None) -> str:
    """Return one card.

    `<article class="rd-card" id="card-ID" data-card="ID" data-topic="TOPIC" data-kind="recall|predict">`
    (and `data-step="SLUG/N"` for a card that a failed exercise step makes due) holds
    `.rd-card__question` and a `<details class="rd-card__fold">` whose `<summary>` reveals `.rd-card__answer` and
    `.rd-card__more`, which says where the fact is read and how it is shown.
    """
    source = "docs/quizzes"
    question = markup.render(card.question, place, folder=source, trusted=False)
    answer = markup.render(card.answer, place, folder=source, trusted=False)
    more = [f'Read <a href="{html.escape(place.link(card.lesson))}">{_lesson_title(card, place)}</a>']
    if card.step:
        slug, _, number = card.step.partition("/")
        href = place.link(f"exercises/{slug}.md#step-{number}")
        more.append(f'Practise <a href="{html.escape(href)}">{html.escape(slug)}, step {number}</a>')
    if card.adr is not None and (found := sorted((place.docs / "adr").glob(f"{card.adr:04d}-*.md"))):
        more.append(f'Decided in <a href="{html.escape(place.link(f"adr/{found[0].name}"))}">ADR {card.adr:04d}</a>')
    if card.proof:
        more.append(proof.mark(card.proof, place, md))
    kind = "Predict" if card.kind == "predict" else "Recall"
    step = f' data-step="{html.escape(card.step)}"' if card.step else ""
    return (
        f'<article class="rd-card" id="card-{card.id}" data-card="{card.id}" data-topic="{html.escape(card.topic)}"'
        f' data-kind="{card.kind}"{step}>\n'
        f'<p class="rd-card__kind">{kind}</p><div class="rd-card__question">{question}</div>\n'
        f'<details class="rd-card__fold"><summary>Answer</summary>\n'
        f'<div class="rd-card__answer">{answer}</div>\n'
        f'<p class="rd-card__more">{" · ".join(more)}</p>\n</details>\n</article>'
    )


def _lesson_title(card: Card, place: Place) -> str:
    page = place.library.page(f"docs/{card.lesson_page}")
    for heading in page.headings if page else ():
        if heading.anchor == card.lesson_anchor:
            return html.escape(heading.text)
    return html.escape(card.lesson_page.rpartition("/")[2].removesuffix(".md"))


fence = as_fence(render, "topic", "topics", "lesson")
