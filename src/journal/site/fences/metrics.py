"""The metrics fence: the week's numbers, from the page's front matter, as a table and as drawings.

`3.3` is shown as `3.3/5`, digit for digit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from journal.site.fences import charts
from journal.site.fences.fence import FenceError, as_fence
from journal.site.fences.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping

    from journal.site.fences.place import Place


def render(_options: Mapping[str, Any], place: Place) -> str:
    """Return the metrics of the week whose page this is."""
    weeks, problems = place.library.weeks, place.library.week_problems
    week = next((week for week in weeks if week.path == f"docs/{place.page}"), None)
    if week is None:
        faults = [problem.message for problem in problems if problem.path == f"docs/{place.page}"]
        raise FenceError(
            "; ".join(faults) or "this page is no weekly review; they lie at docs/journal/month-MM/week-NN.md"
        )
    metrics = week.metrics
    sure = "not stated" if metrics.confidence is None else f"{metrics.confidence:g}/5"
    head = ("Hours", "Days hit", "Exercises", "Commits", "Average confidence")
    row = (f"{metrics.hours:g}", f"{metrics.days_hit}/{week.days}", str(metrics.exercises), str(metrics.commits), sure)
    days = charts.days_hit(metrics.days_hit, week.days)
    figures = [(days, f"Days with work in them: {metrics.days_hit} of {week.days}.")]
    if metrics.confidence is not None:
        scale = charts.scale(metrics.confidence, sure, what="Average confidence")
        figures.append((scale, "Average confidence, 1 to 5. One week is one point, not a trend."))
    return fill("metrics.html", head=head, row=row, figures=figures)


fence = as_fence(render)
