"""Record the learner's own runs of an exercise in the history; `pytest_hook.py` calls this."""

from __future__ import annotations

import hashlib
import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from journal.content.repository import NoRepositoryError, find_root
from journal.content.settings import read_course
from journal.review.history import default_history, new_event

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


def record_run(slug: str, steps: Mapping[int, str], file: Path) -> bool:
    """Append a `run` event when `file` is the learner's own file of exercise `slug`; True when it was recorded.

    A copy in a temporary folder (an overlay), a run in CI and a run with `REDRIVE_NO_HISTORY` are not the learner's.
    A history that cannot be written does not spoil the run: one sentence on standard error says so.

    Args:
        slug: the exercise.
        steps: step number to outcome (passed, failed, not_started, local_only).
        file: the file that was graded.
    """
    if os.environ.get("REDRIVE_NO_HISTORY") or os.environ.get("CI"):
        return False
    try:
        root = find_root(file.parent)
    except NoRepositoryError:
        return False
    if file.resolve() != (root / "exercises" / slug / f"{slug}.py").resolve():
        return False
    try:
        fields = {
            "slug": slug,
            "steps": {str(number): outcome for number, outcome in sorted(steps.items())},
            "version": read_course(root, slug)[0].version,
            "code_sha": hashlib.sha256(file.read_bytes()).hexdigest(),
        }
        default_history(root).append(new_event("run", fields, datetime.now(UTC)))
    except (OSError, ValueError) as error:
        sys.stderr.write(f"this run was not recorded in the history: {error}\n")
        return False
    return True


def cards_of_failed_steps(slug: str, failed: Iterable[int], file: Path) -> list[str]:
    """Return the lines with which a failed run ends: which of its steps' cards are due now, which were never asked.

    Args:
        slug: the exercise.
        failed: the steps that failed; with none there is nothing to say.
        file: the learner's file, which says where the journal is.
    """
    steps = sorted(failed)
    if not steps:
        return []
    # Only a failed run pays for reading decks and replaying the history.
    from journal.content.library import library  # noqa: PLC0415
    from journal.review.schedule import due_today  # noqa: PLC0415
    from journal.review.standing import CACHE, standing  # noqa: PLC0415

    try:
        root = find_root(file.parent)
        decks = library(root).decks
        states = standing(default_history(root), decks, root / CACHE).states
    except (OSError, ValueError, NoRepositoryError):
        return []  # the run was recorded; what it means for the cards is shown by `journal due`
    cards = [card for step in steps for card in decks.of_step(slug, step)]
    due_now = {state.card for state in due_today(states, datetime.now(UTC))}
    due = [card.id for card in cards if card.id in due_now]
    new = [card.id for card in cards if card.id not in states]
    topics = {card.topic for card in cards}
    quiz = ".venv/bin/journal quiz" + (f" --topic {topics.pop()}" if len(topics) == 1 else "")
    lines = []
    if due:
        lines.append(f"{_cards(due)} on this {'is' if len(due) == 1 else 'are'} due, because it failed: {quiz}")
    if new:
        lines.append(f"{_cards(new)} on this {'is' if len(new) == 1 else 'are'} waiting: {quiz} --all")
    return lines


def notice_of_older_file(slug: str, file: Path) -> list[str]:
    """Return the lines that say that the learner's file was written for an earlier version; none if it wasn't."""
    from journal.content.older_files import notice  # noqa: PLC0415  (only a failed run needs it)

    root = find_root(file.parent)
    return notice(root, slug, read_course(root, slug)[0])


def _cards(ids: list[str]) -> str:
    return f"{len(ids)} flash card{'' if len(ids) == 1 else 's'}"
