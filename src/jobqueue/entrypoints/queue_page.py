"""The queue page: figures of every queue as one HTML page without scripts, and who may see it."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape

from jobqueue.application.overview import DEAD_LOOKED_AT, SAMPLE_S, QueueOverview
from jobqueue.domain.job import JobState

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
STYLE = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }
html { background: Canvas; color: CanvasText }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
a { color: inherit }
h2 { margin-top: 2.5rem; border-top: 1px solid; padding-top: 1rem; overflow-wrap: anywhere }
div { overflow-x: auto; margin: 1rem 0 }
table { border-collapse: collapse }
caption { text-align: left; font-weight: 600 }
th, td { padding: .2rem 1.2rem .2rem 0; text-align: right; font-variant-numeric: tabular-nums }
th:first-child, td:first-child { text-align: left; overflow-wrap: anywhere }
"""


# --8<-- [start:page]
def render(queues: Sequence[QueueOverview], now: float) -> str:
    """Return the page; `now` is the instant of the figures, in seconds since the epoch."""
    seen_at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Queues</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}</style></head><body><main><h1>Queues</h1>"
        f'<p>As of {seen_at}; rates over {SAMPLE_S:g} s. <a href="">Look again</a></p>'
        f"{''.join(_queue(each) for each in queues)}</main></body></html>\n"
    )


def _queue(each: QueueOverview) -> str:
    stats = each.stats
    depth = [(state.value, stats.depth[state]) for state in JobState]
    ages = [
        ("next ready job has waited", f"{stats.oldest_ready_age_s:.1f} s"),
        ("first due job is late by", f"{stats.oldest_due_age_s:.1f} s"),
        ("scheduled jobs that are retries", stats.retries),
    ]
    types = [(one.type, f"{one.done_per_s:.1f}", f"{one.failed_per_s:.1f}", one.waiting) for one in each.types]
    workers = [(one.worker, one.jobs, f"{one.ends_in_s:.1f} s") for one in each.workers]
    return f"<h2>{escape(stats.queue)}</h2>" + "".join(
        [
            _table(stats.queue, "Jobs", ("state", "jobs"), depth),
            _table(stats.queue, "Waiting", ("what", "now"), ages),
            _table(stats.queue, "Job types", ("type", "done a second", "failed a second", "retries waiting"), types),
            _table(stats.queue, f"Newest {DEAD_LOOKED_AT} dead letters", ("error", "jobs"), each.dead),
            _table(stats.queue, "Workers", ("worker", "jobs held", "first lease ends in"), workers),
        ]
    )


# --8<-- [end:page]


def _table(queue: str, caption: str, heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table that scrolls by itself where it is too wide, or a sentence if it has no rows."""
    if not rows:
        return f"<p>{caption}: none.</p>"
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<div role="region" tabindex="0" aria-label="{escape(caption)} of {escape(queue)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


# --8<-- [start:access]
def refusal(*, loopback: bool, host_is_loopback: bool, encrypted: bool, token: str, authorization: str) -> int:
    """Return the status that refuses a request for the page, or 0 if it may be answered.

    On loopback the page is open, but only under a name of loopback: a web page elsewhere could have its own name point
    here. From other machines it needs TLS, and the service's token as the password of HTTP Basic.
    """
    if loopback:
        return 0 if host_is_loopback else 403
    if not (encrypted and token):
        return 403
    return 0 if hmac.compare_digest(_password(authorization), token.encode()) else 401


# --8<-- [end:access]


def _password(authorization: str) -> bytes:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return b""
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
