"""The journal's day: it begins at 04:00 local, so that a sitting past midnight still belongs to the evening."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

DAY_STARTS_H = 4


def now_utc() -> datetime:
    """Return this instant, aware, in UTC. The one place where the tooling reads the wall clock."""
    return datetime.now(UTC)


def day_of(at: datetime, zone: tzinfo | None = None) -> date:
    """Return the journal day that the instant `at` falls in; `zone` None is the machine's own time zone."""
    return (at.astimezone(zone).replace(tzinfo=None) - timedelta(hours=DAY_STARTS_H)).date()


def offset_min(at: datetime, zone: tzinfo | None = None) -> int:
    """Return how many minutes local time is ahead of UTC at the instant `at`."""
    offset = at.astimezone(zone).utcoffset() or timedelta()
    return round(offset.total_seconds() / 60)


def day_begins_at(day: date, zone: tzinfo | None = None) -> datetime:
    """Return the instant, in UTC, at which the journal day `day` begins."""
    local = datetime.combine(day, time(DAY_STARTS_H))
    aware = local.astimezone() if zone is None else local.replace(tzinfo=zone)
    return aware.astimezone(UTC)


def day_ends_at(at: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the next 04:00 local after the instant `at`, in UTC: what is due before it is due today."""
    return day_begins_at(day_of(at, zone) + timedelta(days=1), zone)
