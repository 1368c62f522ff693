"""`journal confidence`: state how sure you are of a topic, before a run or a sitting shows it."""

from __future__ import annotations

import click

from journal.content.cards import read_decks
from journal.content.repository import find_root
from journal.review.day import now_utc
from journal.review.history import default_history, new_event


@click.command()
@click.argument("topic")
@click.argument("value", type=click.IntRange(1, 5))
def confidence(topic: str, value: int) -> None:
    """Record that you are VALUE (1 to 5) sure of TOPIC."""
    root = find_root()
    topics = read_decks(root)[0].topics
    if topic not in topics:
        raise click.ClickException(f"there is no topic {topic!r}; the topics are {', '.join(topics) or 'none yet'}")
    default_history(root).append(new_event("confidence", {"topic": topic, "value": value}, now_utc()))
    click.echo(f"{topic}: {value} of 5.")
