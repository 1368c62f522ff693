"""The lifecycle fence: the five states of a job and the moves between them, as a drawing and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from journal.site.fences.charts import figure, svg
from journal.site.fences.fence import as_fence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markdown import Markdown

    from journal.site.fences.place import Place

# Centre of each state's box.
_STATES = {"scheduled": (74, 96), "ready": (286, 96), "running": (498, 96), "done": (706, 96), "dead": (498, 262)}
_WIDTH, _HEIGHT = 116, 46


@dataclass(frozen=True, slots=True)
class Move:
    """One move between states.

    Attributes:
        name: the word for it.
        source: the state it leaves, "" for a job that comes from outside.
        target: the state it leads to.
        who: who makes it, and when.
        path: how its arrow is drawn.
        label: where its name stands: x, y, and which end of it is at x.
    """

    name: str
    source: str
    target: str
    who: str
    path: str
    label: tuple[int, int, str]


MOVES = (
    Move(
        "enqueue",
        "",
        "ready",
        "The client, for a job that may run at once.",
        "M262 22V70",
        (254, 40, "end"),
    ),
    Move(
        "enqueue later",
        "",
        "scheduled",
        "The client, for a job with a time in the future.",
        "M74 22V70",
        (84, 40, "start"),
    ),
    Move(
        "promote",
        "scheduled",
        "ready",
        "The promoter, when the job's time has come.",
        "M134 96H224",
        (179, 88, "middle"),
    ),
    Move(
        "claim",
        "ready",
        "running",
        "A worker, which gets a lease token for it.",
        "M346 96H436",
        (391, 88, "middle"),
    ),
    Move(
        "acknowledge",
        "running",
        "done",
        "The worker that holds the lease, after the handler returned.",
        "M558 96H644",
        (600, 88, "middle"),
    ),
    Move(
        "retry",
        "running",
        "scheduled",
        "The worker, after a transient error: attempt + 1, at a jittered time.",
        "M470 121C410 190 148 190 84 123",
        (216, 192, "middle"),
    ),
    Move(
        "reap",
        "running",
        "ready",
        "The reaper, when a lease has lapsed: its worker is taken for dead.",
        "M498 71C470 26 346 26 306 69",
        (404, 30, "middle"),
    ),
    Move(
        "bury",
        "running",
        "dead",
        "The worker, after a permanent error, the last attempt, or an empty retry budget.",
        "M498 121V235",
        (508, 196, "start"),
    ),
    Move(
        "re-drive",
        "dead",
        "ready",
        "An operator, when the cause is fixed: attempts begin again at 1.",
        "M438 262C340 262 286 210 286 123",
        (318, 250, "end"),
    ),
)


def render(_options: Mapping[str, Any], _place: Place | None = None, _md: Markdown | None = None) -> str:
    """Return the drawing, with the table of moves below it."""
    arrow = (
        '<defs><marker id="lifecycle-arrow" viewBox="0 0 10 10" refX="8.5" refY="5" markerWidth="7" markerHeight="7"'
        ' orient="auto">'
        '<path class="rd-chart__head" d="M0 .8 9 5 0 9.2z"/></marker></defs>'
    )
    moves = "".join(
        f'<path class="rd-chart__move rd-chart__move--{move.name.split()[0]}" d="{move.path}"'
        ' marker-end="url(#lifecycle-arrow)"/>'
        f'<text class="rd-chart__label" x="{move.label[0]}" y="{move.label[1]}" text-anchor="{move.label[2]}">'
        f"{move.name}</text>"
        for move in MOVES
    )
    states = "".join(
        f'<g class="rd-chart__state rd-chart__state--{name}">'
        f'<rect x="{x - _WIDTH // 2}" y="{y - _HEIGHT // 2}" width="{_WIDTH}" height="{_HEIGHT}" rx="8"/>'
        f'<text x="{x}" y="{y + 5}" text-anchor="middle">{name}</text></g>'
        for name, (x, y) in _STATES.items()
    )
    told = "; ".join(f"{move.name}: {move.source or 'from outside'} to {move.target}" for move in MOVES)
    drawing = svg(
        "lifecycle", "The five states of a job and the moves between them", f"{told}.", 780, 292, arrow + moves + states
    )
    rows = "".join(
        f"<tr><td><strong>{move.name}</strong></td><td>{move.source or 'outside'} → {move.target}</td>"
        f"<td>{move.who}</td></tr>"
        for move in MOVES
    )
    head = "".join(f'<th scope="col">{cell}</th>' for cell in ("Move", "From → to", "Who makes it, and when"))
    return (
        figure(drawing, "The state of a job is the structure that holds its id.")
        + '<div class="rd-table" tabindex="0" role="group" aria-label="Moves"><table class="rd-grid">'
        + f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


fence = as_fence(render)
