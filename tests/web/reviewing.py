"""What the tests of reviews share: events made to measure, and what a page has kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from journal.review.history.events import new_event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def at_noon(opened):
    """Set the page's clock to a noon and let it run from there."""
    opened.page.clock.install(time=NOON)
    return opened


def kept(page):
    """Return the events in the browser's storage, oldest first."""
    lines = page.evaluate(
        "() => Object.keys(localStorage).filter((k) => k.startsWith('redrive.event.')).map((k) => localStorage[k])"
    )
    return sorted((json.loads(line) for line in lines), key=lambda event: event["at"])


def answer(page, *ratings):
    """Reveal the present card and rate it, once for each of `ratings`, with the keyboard."""
    for rating in ratings:
        before = page.locator(".rd-stage__count").inner_text()
        page.keyboard.press("Space")
        page.locator(".rd-stage .rd-rate").wait_for()
        page.keyboard.press(str(rating))
        page.wait_for_function("before => document.querySelector('.rd-stage__count').innerText !== before", arg=before)


def reviews(card, *days_and_ratings, before=NOON):
    """Return the lines of reviews of `card`, each given as (days before, rating)."""
    return [
        new_event(
            "review", {"card": card, "rating": rating, "where": "terminal"}, before - timedelta(days=days), UTC
        ).line
        for days, rating in days_and_ratings
    ]


def leech(card):
    """Return the lines of a history in which `card` lapses eight times."""
    found, days = [(400, 4)], 390
    for _ in range(8):
        found += [(days, 1), (days - 1, 3)]
        days -= 20
    return reviews(card, *found)


def bring(page, lines):
    """Import `lines` through the page's own button and wait until it has said what came of it."""
    said = page.locator(".rd-history__said")
    before = said.inner_text()
    text = "".join(f"{line}\n" for line in lines)
    page.locator("#rd-import").set_input_files(
        [{"name": "history.jsonl", "mimeType": "application/jsonl", "buffer": text.encode()}]
    )
    page.wait_for_function("before => document.querySelector('.rd-history__said').innerText !== before", arg=before)
    return said.inner_text()
