"""The learner's history: what was answered, run, undone and believed, when. State lives here and never in content."""

from journal.review.history.events import Event, EventError, effective, in_order, new_event, parse_line
from journal.review.history.renumbering import Renumbering
from journal.review.history.store import History, Loaded, Merged, default_history, read_events

__all__ = [
    "Event",
    "EventError",
    "History",
    "Loaded",
    "Merged",
    "Renumbering",
    "default_history",
    "effective",
    "in_order",
    "new_event",
    "parse_line",
    "read_events",
]
