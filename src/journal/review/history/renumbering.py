"""What the step numbers of old runs mean now: an exercise's steps may be split or moved when its version changes.

A run records the exercise's version. A run without one was recorded by 0.5.0 and counts as version 1. The line in the
file never changes; only what is made of it does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from journal.content.settings import Change
    from journal.review.history.events import Event

# If two old steps became one, the new step has the outcome that comes first here.
_WORST_FIRST = ("failed", "not_started", "local_only", "passed")


@dataclass(frozen=True, slots=True)
class Renumbering:
    """The changes of exercises, by slug, in the order of their versions."""

    changes: Mapping[str, Sequence[Change]] = field(default_factory=dict)

    def now(self, event: Event) -> Event:
        """Return the event with today's step numbers; any event but a run is returned as it is."""
        if event.kind != "run":
            return event
        steps = event.fields["steps"]
        for change in self.changes.get(event.fields["slug"], ()):
            if change.version > event.fields.get("version", 1) and change.steps:
                steps = _renumbered(steps, change)
        return event if steps is event.fields["steps"] else replace(event, fields={**event.fields, "steps": steps})

    @property
    def key(self) -> list[list[object]]:
        """What tells one renumbering from another, for a cache."""
        return [
            [slug, change.version, sorted((old, *new) for old, new in change.steps.items())]
            for slug, changes in sorted(self.changes.items())
            for change in changes
            if change.steps
        ]


def _renumbered(steps: Mapping[str, str], change: Change) -> dict[str, str]:
    now: dict[str, str] = {}
    for number, outcome in steps.items():
        for new in map(str, change.steps.get(int(number), (int(number),))):
            now[new] = min(outcome, now.get(new, outcome), key=_WORST_FIRST.index)
    return now
