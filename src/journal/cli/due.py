"""`journal due`: how many cards wait, by topic."""

from __future__ import annotations

from collections import Counter

import click

from journal.cli.wording import count, local_time, table, warn
from journal.content.cards import read_decks
from journal.content.repository import find_root
from journal.review.day import now_utc
from journal.review.history import default_history
from journal.review.schedule import due_today, replay


@click.command()
@click.option("--cards", "each", is_flag=True, help="Name every card with the time it is due.")
def due(*, each: bool) -> None:
    """Say what falls due before the next 04:00, and how many cards are new."""
    root = find_root()
    library, problems = read_decks(root)
    warn(problems, "in the decks; the cards concerned are not counted")
    loaded = default_history(root).load()
    warn(loaded.problems, "in the history; nothing was deleted")
    states = replay(loaded.events, library)
    now = now_utc()
    waiting = due_today(states, now)
    new = [card for card in library.cards.values() if card.id not in states]
    click.echo(f"{count(len(waiting), 'card')} due today, {len(new)} new.")
    if each:
        rows = [(state.card, local_time(state.due_at, now)) for state in waiting]
        click.echo(table(rows), nl=bool(rows))
        return
    due_by, new_by = (
        Counter(card.topic for card in cards) for cards in ([library.cards[s.card] for s in waiting], new)
    )
    rows3 = [(topic, f"{due_by[topic]} due", f"{new_by[topic]} new") for topic in library.topics]
    click.echo(table([row for row in rows3 if row[1:] != ("0 due", "0 new")]), nl=bool(rows3))
