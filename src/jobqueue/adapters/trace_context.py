"""What the adapters read from a job's W3C `traceparent`. It comes from outside, so it may hold anything."""

import re
from collections.abc import Mapping

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f](?P<flags>[0-9a-f])")
_SAMPLED = 1


def trace_id_of(context: Mapping[str, str]) -> str:
    """Return the trace id of a `traceparent`, or "" without one."""
    match = _TRACEPARENT.fullmatch(context.get("traceparent", ""))
    return match["trace"] if match else ""


def exemplar_of(context: Mapping[str, str]) -> dict[str, str] | None:
    """Return the exemplar that leads from a metric to the trace; None without a trace that was sampled."""
    match = _TRACEPARENT.fullmatch(context.get("traceparent", ""))
    return {"trace_id": match["trace"]} if match and int(match["flags"], 16) & _SAMPLED else None
