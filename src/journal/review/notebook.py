"""A sitting inside a notebook: buttons where widgets run, folded answers where they do not.

The same cards, schedule and history as `journal quiz`: an answer given here is in the file before the next card shows.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

import ipywidgets  # type: ignore[import-untyped]

from journal.content.cards.markup import card_html
from journal.content.library import library
from journal.review.history import default_history
from journal.review.schedule import RATINGS, interval_words
from journal.review.sitting import Sitting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.content.cards import Card

_NOTHING_DUE = "Nothing is due. quiz(everything=True) asks everything."


class Review:
    """What a notebook shows: the widgets, and beside them the same cards with folded answers."""

    def __init__(self, sitting: Sitting, cards: list[Card]) -> None:
        self.sitting = sitting
        self._cards = cards
        self.progress = ipywidgets.HTML()
        self.question = ipywidgets.HTML()
        self.answer = ipywidgets.HTML()
        self.told = ipywidgets.HTML()
        self.reveal = _button("Show the answer", "Shows the answer and the four ratings", self._on_reveal)
        self.ratings = {
            rating: _button(name, f"Rates this answer: {name}", lambda _b, rating=rating: self._on_rate(rating))
            for rating, name in RATINGS.items()
        }
        self.undo = _button("Undo", "Takes the last answer back", self._on_undo)
        self.skip = _button("Skip", "Leaves this card for another day", self._on_skip)
        self._rating_row = ipywidgets.HBox(list(self.ratings.values()), layout={"flex_flow": "row wrap"})
        self.panel = ipywidgets.VBox(
            [
                self.progress,
                self.question,
                self.reveal,
                self.answer,
                self._rating_row,
                ipywidgets.HBox([self.undo, self.skip]),
                self.told,
            ]
        )
        self._show_question()

    def folded(self) -> str:
        """Return the cards with folded answers, as HTML that needs neither widgets nor a running kernel."""
        if not self._cards:
            return f"<p>{_NOTHING_DUE}</p>"
        items = "".join(
            f"<li>{card_html(card.question)}<details><summary>Answer</summary>{card_html(card.answer)}</details></li>"
            for card in self._cards
        )
        return f"<p>{_count(len(self._cards))} to review. Answer each before you unfold it.</p><ol>{items}</ol>"

    def __repr__(self) -> str:
        return "\n\n".join(f"{card.id}: {card.question}" for card in self._cards) or _NOTHING_DUE

    def _repr_mimebundle_(self, **_options: Any) -> Mapping[str, Any]:
        """What Jupyter shows: the best of these that it can."""
        bundle: dict[str, Any] = dict(self.panel._repr_mimebundle_() or {})
        return {**bundle, "text/html": self.folded(), "text/plain": repr(self)}

    def _show_question(self) -> None:
        card = self.sitting.card
        for widget in (self.answer, self._rating_row):
            widget.layout.display = "none"
        self.undo.disabled = self.sitting.answered == 0
        over = card is None
        self.skip.disabled = over
        self.reveal.layout.display = "none" if over else ""
        if card is None:
            self.progress.value = ""
            self.question.value = f"<p>{html.escape(self._summary())}</p>"
            return
        new = " · new" if self.sitting.state(card) is None else ""
        self.progress.value = f"{html.escape(card.topic)} · {self.sitting.left} left{new}"
        self.question.value = card_html(card.question)
        self.reveal.focus()

    def _on_reveal(self, _button: Any) -> None:
        card = self.sitting.card
        if card is None:
            return
        self.answer.value = f"{card_html(card.answer)}<p><small>docs/{html.escape(card.lesson)}</small></p>"
        intervals = self.sitting.intervals()
        for rating, button in self.ratings.items():
            button.description = f"{rating} {RATINGS[rating]} ({interval_words(intervals[rating])})"
        self.reveal.layout.display = "none"
        self.answer.layout.display = self._rating_row.layout.display = ""
        self.ratings[3].focus()

    def _on_rate(self, rating: int) -> None:
        card = self.sitting.card
        if card is None:
            return
        try:
            after = self.sitting.rate(rating)
        except OSError as error:
            self.told.value = f"<b>Not recorded:</b> {html.escape(str(error))}. The card stays."
            return
        wait = interval_words(after.scheduled_at - after.last_review_at)
        leech = (
            f" {card.id} is a leech: rewrite it ({card.path}:{card.line})." if after.is_leech and rating == 1 else ""
        )
        self.told.value = html.escape(f"{RATINGS[rating]}: back in {wait}.{leech}")
        self._show_question()

    def _on_undo(self, _button: Any) -> None:
        try:
            taken_back = self.sitting.undo()
        except OSError as error:
            self.told.value = f"<b>Not taken back:</b> {html.escape(str(error))}."
            return
        self.told.value = "Taken back." if taken_back else ""
        self._show_question()

    def _on_skip(self, _button: Any) -> None:
        if self.sitting.card is not None:
            self.sitting.skip()
            self.told.value = ""
            self._show_question()

    def _summary(self) -> str:
        if not self.sitting.answered:
            return "Done." if self._cards else _NOTHING_DUE
        summary = self.sitting.summary()
        ratings = ", ".join(f"{summary.ratings[n]} {name}" for n, name in RATINGS.items() if summary.ratings[n])
        again = f" {_count(summary.due_again)} of these come back today." if summary.due_again else ""
        return f"Done: {_count(summary.cards)}: {ratings}.{again}"


def quiz(topic: str | None = None, *, everything: bool = False) -> Review:
    """Return the due cards (of one topic, or all) as something a notebook shows.

    Args:
        topic: one deck only.
        everything: also cards that are not due, and all new ones.

    Raises:
        ValueError: there is no such topic.
    """
    content = library()
    decks, problems = content.decks, content.deck_problems
    if topic is not None and topic not in decks.topics:
        raise ValueError(f"there is no deck {topic!r}; the decks are {', '.join(decks.topics) or 'none yet'}")
    sitting = Sitting(decks, default_history(content.root), where="notebook", topic=topic, everything=everything)
    review = Review(sitting, sitting.waiting)
    faults = [*problems, *sitting.problems]
    if faults:
        shown = "<br>".join(html.escape(str(fault)) for fault in faults[:5])
        review.told.value = f"<b>{len(faults)} faults in decks or history; nothing was deleted:</b><br>{shown}"
    return review


def cards_in(topic: str) -> int:
    """Return how many cards the deck `topic` asks; 0 when there is no such deck."""
    deck = library().decks.topics.get(topic)
    return len(deck.cards) if deck else 0


def _button(label: str, tooltip: str, on_click: Any) -> Any:
    button = ipywidgets.Button(description=label, tooltip=tooltip, layout={"width": "auto"})
    button.on_click(on_click)
    return button


def _count(number: int) -> str:
    return f"{number} {'card' if number == 1 else 'cards'}"
