"""snapshot() copies the outer dicts and shares the buckets inside.

Incident: a report rounds the bucket counts of its snapshot, and the percentiles of the running service change with it.
Fails: 3, 5
Says: buckets, sum and count of one scrape come from different moments
"""

del _Histogram


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
        self._histograms: dict[str, HistogramState] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._histograms)
            bounds = (*self._bounds, math.inf)
            histogram = self._histograms.setdefault(key, {"buckets": dict.fromkeys(bounds, 0), "sum": 0.0, "count": 0})
            for bound in bounds[slot:]:
                histogram["buckets"][bound] += 1
            histogram["sum"] += value
            histogram["count"] += 1
        if first_overflow:
            self._warn(name)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return {
                "counters": dict(self._counters),
                "histograms": {key: state.copy() for key, state in self._histograms.items()},
            }
