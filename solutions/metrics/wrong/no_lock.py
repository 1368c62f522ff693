"""No lock anywhere: read, add, write.

Incident: two threads read 41, both write 42; the busier the service, the more of its work is missing from its own count.
Fails: 5
Says: the more work is missing from its own count
"""


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        key, first_overflow = self._admit(name, labels, self._counters)
        self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        return self._counters.get(series_key(name, labels), 0.0)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        key, first_overflow = self._admit(name, labels, self._histograms)
        histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
        histogram.counts[slot] += 1
        histogram.sum += value
        if first_overflow:
            self._warn(name)

    def snapshot(self) -> Snapshot:
        return {
            "counters": dict(self._counters),
            "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
        }
