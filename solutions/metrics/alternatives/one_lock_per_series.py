"""Each series has a lock of its own; the registry's lock guards only who is in the registry.

Two threads that update different series do not wait for each other. The price: a lock object a series, two locks an
update, and a snapshot in which different series are read at slightly different moments, which the specification allows.
What is cumulative is computed on writing, and the text is printed from the series' own name and labels, not from keys.
The flush goes through `redis.transaction`, which starts again after a WatchError.
"""

from __future__ import annotations

import logging
import math
import threading
import uuid
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Generic, TypedDict, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from redis.asyncio import Redis
    from redis.asyncio.client import Pipeline

DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
OVERFLOW = {"overflow": "true"}
TOTALS_KEY = "metrics:totals"
MARK_PREFIX = "metrics:flushed:"

log = logging.getLogger("metrics")

Labels = tuple[tuple[str, str], ...]


class HistogramState(TypedDict):
    """One histogram series, as a snapshot shows it."""

    buckets: dict[float, int]
    sum: float
    count: int


class Snapshot(TypedDict):
    """Everything a registry holds."""

    counters: dict[str, float]
    histograms: dict[str, HistogramState]


_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def _printed(name: str, labels: Labels) -> str:
    inside = ",".join(f'{label}="{value.translate(_ESCAPES)}"' for label, value in labels)
    return f"{name}{{{inside}}}" if inside else name


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return the text that identifies a series."""
    return _printed(name, tuple(sorted((labels or {}).items())))


@dataclass
class _Counter:
    total: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class _Histogram:
    buckets: dict[float, int]
    sum: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def state(self) -> HistogramState:
        with self.lock:
            return {"buckets": dict(self.buckets), "sum": self.sum, "count": self.buckets[math.inf]}


Series = TypeVar("Series", _Counter, _Histogram)


class _Table(Generic[Series]):
    """All series of one kind: name → labels → series. Only grows, and only under its lock."""

    def __init__(self, max_series: int, make: Callable[[], Series]) -> None:
        self.max_series = max_series
        self.make: Callable[[], Series] = make
        self.lock = threading.Lock()
        self.names: dict[str, dict[Labels, Series]] = {}

    def series(self, name: str, labels: Mapping[str, str] | None) -> Series:
        wanted, overflow = tuple(sorted((labels or {}).items())), tuple(OVERFLOW.items())
        with self.lock:
            own = self.names.setdefault(name, {})
            if wanted in own:
                return own[wanted]
            full = len(own) - (overflow in own) >= self.max_series
            first = full and overflow not in own
            found = own.setdefault(overflow if full else wanted, self.make())
        if first:
            log.warning("metric %s is full: %d series", name, self.max_series)
        return found

    def all(self) -> list[tuple[str, Labels, Series]]:
        with self.lock:
            return [(name, labels, series) for name, own in self.names.items() for labels, series in own.items()]


class Registry:
    """All metrics of one process."""

    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; use 1 for metrics without labels")
        limits = [*bounds, math.inf]
        if len(limits) == 1 or not all(a < b and math.isfinite(a) for a, b in pairwise(limits)):
            raise ValueError(f"bounds must be finite and strictly increasing, got {tuple(bounds)}")
        self.counters: _Table[_Counter] = _Table(max_series, _Counter)
        self.histograms: _Table[_Histogram] = _Table(max_series, lambda: _Histogram(dict.fromkeys(limits, 0)))

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        """Add to a counter."""
        if amount < 0:
            raise ValueError(f"amount must be at least 0, got {amount}; count what goes down as a metric of its own")
        counter = self.counters.series(name, labels)
        with counter.lock:
            counter.total += amount

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        """Return a counter's total."""
        return self.snapshot()["counters"].get(series_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        """Record one value."""
        histogram = self.histograms.series(name, labels)
        with histogram.lock:
            for bound in histogram.buckets:
                histogram.buckets[bound] += value <= bound
            histogram.sum += value

    def snapshot(self) -> Snapshot:
        """Return all series as they are now."""
        counters = {}
        for name, labels, counter in self.counters.all():
            with counter.lock:
                counters[_printed(name, labels)] = counter.total
        states = {_printed(name, labels): histogram.state() for name, labels, histogram in self.histograms.all()}
        return {"counters": counters, "histograms": states}

    def exposition(self) -> str:
        """Return all series as text."""
        rows: list[tuple[str, str, list[str]]] = []
        for name, labels, counter in self.counters.all():
            with counter.lock:
                rows.append((name, _printed(name, labels), [f"{_printed(name, labels)} {counter.total!r}"]))
        kinds = {name: "counter" for name, _, _ in rows}
        for name, labels, histogram in self.histograms.all():
            state = histogram.state()
            lines = [
                f"{_printed(name + '_bucket', (*labels, ('le', '+Inf' if bound == math.inf else str(bound))))} {count}"
                for bound, count in state["buckets"].items()
            ]
            lines.append(f"{_printed(name + '_sum', labels)} {state['sum']!r}")
            lines.append(f"{_printed(name + '_count', labels)} {state['count']}")
            rows.append((name, _printed(name, labels), lines))
            kinds[name] = "histogram"
        text = []
        for name, _, lines in sorted(rows):
            if name in kinds:
                text.append(f"# TYPE {name} {kinds.pop(name)}\n")
            text.extend(line + "\n" for line in lines)
        return "".join(text)


class Flusher:
    """Adds one worker's counters to the fleet's totals."""

    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self.registry, self.redis, self.mark = registry, redis, MARK_PREFIX + worker
        self.applied: dict[str, float] = {}  # the snapshot that the totals are known to hold
        self.flush_id = ""
        self.target: dict[str, float] | None = None  # the snapshot of a flush whose outcome is not known

    async def flush(self) -> None:
        """Bring the totals up to date."""
        now = self.registry.snapshot()["counters"]
        if self.target is not None:
            await self._settle(self.target)
        if now != self.applied:
            self.flush_id, self.target = uuid.uuid4().hex, now
            await self._settle(now)

    async def _settle(self, target: dict[str, float]) -> None:
        flush_id = self.flush_id

        async def plan(pipe: Pipeline) -> None:
            stored = await pipe.get(self.mark)  # `transaction` watches the mark before it calls this
            pipe.multi()  # type: ignore[no-untyped-call]
            if stored in (flush_id, flush_id.encode()):
                return
            pipe.set(self.mark, flush_id)
            for key, total in target.items():
                if amount := total - self.applied.get(key, 0.0):
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)

        await self.redis.transaction(plan, self.mark)
        self.applied, self.target = target, None
