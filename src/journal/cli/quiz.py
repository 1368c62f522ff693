"""`journal quiz`: review cards in the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from journal.cli.wording import count, local_time, warn
from journal.content.library import library
from journal.review.day import now_utc
from journal.review.history import default_history
from journal.review.schedule import RATINGS, interval_words
from journal.review.sitting import Sitting

if TYPE_CHECKING:
    from journal.content.cards import Card, Decks

_STOP = "q"
_UNDO = "u"
_SKIP = "s"


@click.command()
@click.option("--topic", metavar="TOPIC", help="Ask only the cards of this deck.")
@click.option("--all", "everything", is_flag=True, help="Ask all cards, due or not.")
def quiz(topic: str | None, *, everything: bool) -> None:
    """Review the cards that are due, and some new ones.

    Answer aloud or in your head, reveal the answer, then rate yourself: 1 again, 2 hard, 3 good, 4 easy. Type u to take
    back the last rating, s to skip a card, q to quit. A card that you rate 1 comes again at the end. Each rating is
    saved immediately.

    If input or output is not a terminal, the command prints the due cards with their answers and records nothing.
    """
    content = library()
    decks = content.decks
    warn(content.deck_problems, "in the decks; the cards concerned are not asked")
    _check_topic(decks, topic)
    sitting = Sitting(decks, default_history(content.root), where="terminal", topic=topic, everything=everything)
    warn(sitting.problems, "in the history; nothing was deleted")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        _print_cards(sitting)
        return
    if sitting.card is None:
        _say_nothing_due(decks, topic)
        return
    _ask(sitting)
    _summarise(sitting)


def _check_topic(decks: Decks, topic: str | None) -> None:
    if topic is not None and topic not in decks.topics:
        known = ", ".join(decks.topics) or "none yet"
        raise click.ClickException(f"there is no deck {topic!r}; the decks are {known}")


def _say_nothing_due(decks: Decks, topic: str | None) -> None:
    if not decks.cards:
        click.echo("There are no cards yet: add a deck to docs/quizzes/, or run `journal new card`.")
        return
    again = "journal quiz --all" + (f" --topic {topic}" if topic else "")
    click.echo(f"Nothing is due. `{again}` asks everything.")


def _print_cards(sitting: Sitting) -> None:
    if sitting.card is None:
        click.echo("Nothing is due.")
        return
    click.echo(f"{count(sitting.left, 'card')} to review. Nothing is recorded, because this is not a terminal.")
    for number, card in enumerate(sitting.waiting, 1):
        click.echo(f"\n{number}. [{card.topic}] {card.question}\n\nAnswer: {card.answer}")


def _ask(sitting: Sitting) -> None:
    click.echo(f"{count(sitting.left, 'card')}. Enter reveals; 1-4 rates; u undoes, s skips, q ends.")
    while (card := sitting.card) is not None:
        click.echo(f"\n{click.style(card.topic, bold=True)} · {sitting.left} left{_remark(sitting, card)}\n")
        click.echo(card.question)
        key = _read("\nEnter to reveal: ", ("", _STOP, _UNDO, _SKIP))
        if key == "":
            click.echo(f"\n{card.answer}\n\n{click.style('docs/' + card.lesson, dim=True)}")
            intervals = sitting.intervals()
            choices = "   ".join(f"{n} {name} ({interval_words(intervals[n])})" for n, name in RATINGS.items())
            key = _read(f"\n{choices}: ", (*(str(n) for n in RATINGS), _STOP, _UNDO, _SKIP))
        if key == _STOP:
            return
        if key == _UNDO:
            taken_back = sitting.undo()
            click.echo("Taken back." if taken_back else "There is no answer in this sitting to take back.")
        elif key == _SKIP:
            sitting.skip()
        else:
            _rate(sitting, card, int(key))


def _rate(sitting: Sitting, card: Card, rating: int) -> None:
    after = sitting.rate(rating)
    now = now_utc()
    wait = interval_words(after.scheduled_at - after.last_review_at)
    click.echo(f"{RATINGS[rating]}: back in {wait} ({local_time(after.scheduled_at, now)})")
    if after.is_leech and rating == 1:
        click.echo(f"{card.id} has lapsed {after.lapses} times: a leech. Rewrite it ({card.path}:{card.line}).")


def _remark(sitting: Sitting, card: Card) -> str:
    state = sitting.state(card)
    if state is None:
        return " · new"
    if state.pulled_at is not None:
        return f" · due because step {card.step} failed"
    return ""


def _read(prompt: str, allowed: tuple[str, ...]) -> str:
    """Read one of the `allowed` keys; the end of input counts as q."""
    while True:
        try:
            answer = input(prompt).strip().lower()
        except EOFError:
            click.echo()
            return _STOP
        except KeyboardInterrupt:
            raise click.Abort from None
        if answer in allowed:
            return answer
        keys = ", ".join("Enter" if key == "" else key for key in allowed)
        click.echo(f"{answer!r} is not one of {keys}.")


def _summarise(sitting: Sitting) -> None:
    summary = sitting.summary()
    if not sitting.answered:
        click.echo("\nNo answers in this sitting.")
        return
    ratings = ", ".join(f"{summary.ratings[n]} {name}" for n, name in RATINGS.items() if summary.ratings[n])
    click.echo(f"\n{count(summary.cards, 'card')}, {count(sitting.answered, 'answer')}: {ratings}.")
    if sitting.left:
        click.echo(f"{count(sitting.left, 'card')} left for another sitting.")
    if summary.next_due_at is not None:
        at = local_time(summary.next_due_at, now_utc())
        comes = "comes" if summary.due_again == 1 else "come"
        click.echo(f"{summary.due_again} of these {comes} back today, the first at {at}.")
