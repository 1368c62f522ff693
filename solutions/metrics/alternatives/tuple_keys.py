"""Series are kept under (name, sorted pairs); the printed key is made when somebody reads. One re-entrant lock for all.

A tuple cannot collide whatever the values contain, so escaping is only a matter of printing, and hashing a tuple is
cheaper than building a text at each increment. The price: the keys of a snapshot are built at every scrape.
A flush starts again by itself after a WatchError, until its mark is there.
"""

from __future__ import annotations

import bisect
import copy
import logging
import math
import threading
import uuid
from typing import TYPE_CHECKING, TypedDict

from redis.exceptions import WatchError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis.asyncio import Redis

DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OVERFLOW = {"overflow": "true"}
TOTALS_KEY = "metrics:totals"
MARK_PREFIX = "metrics:flushed:"

log = logging.getLogger("metrics")

Key = tuple[str, tuple[tuple[str, str], ...]]


class HistogramState(TypedDict):
    """One histogram series, as a snapshot shows it."""

    buckets: dict[float, int]
    sum: float
    count: int


class Snapshot(TypedDict):
    """Everything a registry holds."""

    counters: dict[str, float]
    histograms: dict[str, HistogramState]


def _key(name: str, labels: Mapping[str, str] | None) -> Key:
    return name, tuple(sorted(labels.items())) if labels else ()


def _quoted(value: str) -> str:
    escaped = "".join({"\\": "\\\\", '"': '\\"', "\n": "\\n"}.get(letter, letter) for letter in value)
    return f'"{escaped}"'


def _braces(pairs: tuple[tuple[str, str], ...]) -> str:
    return "{" + ",".join(f"{label}={_quoted(value)}" for label, value in pairs) + "}" if pairs else ""


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return the text that identifies a series."""
    return name + _braces(_key(name, labels)[1])


class Registry:
    """All metrics of one process."""

    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; use 1 for metrics without labels")
        if not bounds or any(not math.isfinite(bound) for bound in bounds) or sorted(set(bounds)) != list(bounds):
            raise ValueError(f"bounds must be finite and strictly increasing, got {tuple(bounds)}")
        self.max_series = max_series
        self.bounds = [*bounds, math.inf]
        self.lock = threading.RLock()
        self.totals: dict[Key, float] = {}
        self.states: dict[Key, HistogramState] = {}
        self.admitted: dict[str, set[Key]] = {}
        self.full: set[str] = set()
        self.to_report: list[str] = []

    def _place(self, name: str, labels: Mapping[str, str] | None) -> Key:
        key, own = _key(name, labels), self.admitted.setdefault(name, set())
        if key in own or len(own) < self.max_series:
            own.add(key)
            return key
        if name not in self.full:
            self.full.add(name)
            self.to_report.append(name)
        return _key(name, OVERFLOW)

    def _report(self) -> None:
        while self.to_report:  # seldom; without the lock, because a log handler may count something here
            try:
                name = self.to_report.pop()
            except IndexError:  # another thread was faster
                return
            log.warning("%d series of %s: no more", self.max_series, name)

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        """Add to a counter."""
        if amount < 0:
            raise ValueError(f"amount must be at least 0, got {amount}; count what goes down as a metric of its own")
        with self.lock:
            key = self._place(name, labels)
            self.totals[key] = self.totals.get(key, 0) + amount
        self._report()

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return a counter's total."""
        return self.totals.get(_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one value."""
        with self.lock:
            key = self._place(name, labels)
            if key not in self.states:
                self.states[key] = {"buckets": dict.fromkeys(self.bounds, 0), "sum": 0, "count": 0}
            state = self.states[key]
            for bound in self.bounds[bisect.bisect_left(self.bounds, value) :]:
                state["buckets"][bound] += 1
            state["sum"] += value
            state["count"] += 1
        self._report()

    def snapshot(self) -> Snapshot:
        """Return all series as they are now."""
        with self.lock:
            totals, states = dict(self.totals), copy.deepcopy(self.states)
        return {
            "counters": {name + _braces(pairs): total for (name, pairs), total in totals.items()},
            "histograms": {name + _braces(pairs): state for (name, pairs), state in states.items()},
        }

    def exposition(self) -> str:
        """Return all series as text."""
        with self.lock:
            kinds = {name: "counter" for name, _ in self.totals} | {name: "histogram" for name, _ in self.states}
            return "".join(self._family(name, kinds[name]) for name in sorted(kinds))

    def _family(self, name: str, kind: str) -> str:
        rows = [f"# HELP {name} As recorded.", f"# TYPE {name} {kind}"]
        keys = [key for key in (self.totals if kind == "counter" else self.states) if key[0] == name]
        for key in sorted(keys, key=lambda key: name + _braces(key[1])):
            if kind == "counter":
                rows.append(f"{name}{_braces(key[1])} {float(self.totals[key])!r}")
                continue
            state = self.states[key]
            for bound, count in state["buckets"].items():
                le = "+Inf" if math.isinf(bound) else f"{bound}"
                rows.append(f"{name}_bucket{_braces((('le', le), *key[1]))} {count}")
            rows.append(f"{name}_sum{_braces(key[1])} {state['sum']}")
            rows.append(f"{name}_count{_braces(key[1])} {state['count']}")
        return "\n".join(rows) + "\n"


class Flusher:
    """Adds one worker's counters to the fleet's totals."""

    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self.registry = registry
        self.redis = redis
        self.worker = worker
        self.before: dict[str, float] = {}
        self.flight: tuple[str, dict[str, float]] | None = None

    async def flush(self) -> None:
        """Bring the totals up to date."""
        goal = self.registry.snapshot()["counters"]
        while self.flight or goal != self.before:
            if self.flight is None:
                self.flight = (str(uuid.uuid4()), goal)
            flush_id, counters = self.flight
            try:
                await self._apply(flush_id, counters)
            except WatchError:
                continue
            self.before, self.flight = counters, None

    async def _apply(self, flush_id: str, counters: dict[str, float]) -> None:
        mark = MARK_PREFIX + self.worker
        async with self.redis.pipeline() as pipe:
            await pipe.watch(mark)
            if await pipe.get(mark) in (flush_id, flush_id.encode()):
                return
            pipe.multi()  # type: ignore[no-untyped-call]
            pipe.set(mark, flush_id)
            for key, total in counters.items():
                if total != self.before.get(key, 0):
                    pipe.hincrbyfloat(TOTALS_KEY, key, total - self.before.get(key, 0))
            await pipe.execute()
