"""The series of a name are counted by how their keys begin, so those of `jobs_total` use up the room of `jobs`.

Incident: A new metric is called as an old one begins. From the first day it stands in overflow, and its alert watches nothing.
Fails: 2
Says: one careless label hides every metric
"""

from __future__ import annotations

import logging
import math
import threading
import uuid
from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from redis.asyncio import Redis

DEFAULT_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

OVERFLOW = {"overflow": "true"}

TOTALS_KEY = "metrics:totals"

MARK_PREFIX = "metrics:flushed:"

log = logging.getLogger("metrics")


class HistogramState(TypedDict):
    buckets: dict[float, int]
    sum: float
    count: int


class Snapshot(TypedDict):
    counters: dict[str, float]
    histograms: dict[str, HistogramState]


def series_key(name: str, labels: Mapping[str, str] | None = None) -> str:
    if not labels:
        return name
    pairs = ",".join(f'{label}="{_escaped(labels[label])}"' for label in sorted(labels))
    return f"{name}{{{pairs}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class _Histogram:
    __slots__ = ("counts", "sum")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.sum = 0.0

    def state(self, bounds: Sequence[float]) -> HistogramState:
        totals = list(accumulate(self.counts))
        return {"buckets": dict(zip((*bounds, math.inf), totals, strict=True)), "sum": self.sum, "count": totals[-1]}


def _split(key: str) -> tuple[str, list[str]]:
    name, brace, labels = key.partition("{")
    return name, [labels.removesuffix("}")] if brace else []


def _number(value: float) -> str:
    return "+Inf" if value == math.inf else repr(float(value))


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        with self._lock:
            return self._counters.get(series_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._histograms)
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        if first_overflow:
            self._warn(name)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return {
                "counters": dict(self._counters),
                "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
            }

    def exposition(self) -> str:
        now = self.snapshot()  # one consistent copy; what follows needs no lock
        families: dict[str, list[str]] = {}
        for key in sorted(now["counters"]):
            name, _ = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} counter"])
            lines.append(f"{key} {_number(now['counters'][key])}")
        for key in sorted(now["histograms"]):
            name, labels = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} histogram"])
            state = now["histograms"][key]
            for bound, count in state["buckets"].items():
                pairs = [*labels, f'le="{_number(bound)}"']
                lines.append(f"{name}_bucket{{{','.join(pairs)}}} {count}")
            braces = f"{{{','.join(labels)}}}" if labels else ""
            lines.append(f"{name}_sum{braces} {_number(state['sum'])}")
            lines.append(f"{name}_count{braces} {state['count']}")
        return "".join(line + "\n" for name in sorted(families) for line in families[name])

    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = sum(key.startswith(name) for key in known)
        if own < self._max_series:
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow

    def _warn(self, name: str) -> None:
        log.warning("%s has its %d series; new label sets go to %s", name, self._max_series, series_key(name, OVERFLOW))


@dataclass(frozen=True)
class _Flush:
    id: str
    delta: dict[str, float]
    counters: dict[str, float]


class Flusher:
    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self._registry = registry
        self._redis = redis
        self._mark = MARK_PREFIX + worker
        self._sent: dict[str, float] = {}
        self._pending: _Flush | None = None

    async def flush(self) -> None:
        counters = self._registry.snapshot()["counters"]
        if self._pending is not None:
            await self._settle(self._pending)
        delta = {key: total - self._sent.get(key, 0.0) for key, total in counters.items()}
        delta = {key: amount for key, amount in delta.items() if amount}
        if delta:
            self._pending = _Flush(uuid.uuid4().hex, delta, counters)
            await self._settle(self._pending)

    async def _settle(self, flush: _Flush) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            await pipe.watch(self._mark)  # an earlier transaction of ours that is still on its way makes EXEC fail
            if await pipe.get(self._mark) not in (flush.id, flush.id.encode()):
                pipe.multi()
                for key, amount in flush.delta.items():
                    pipe.hincrbyfloat(TOTALS_KEY, key, amount)
                pipe.set(self._mark, flush.id)
                await pipe.execute()
        self._sent = flush.counters
        self._pending = None
