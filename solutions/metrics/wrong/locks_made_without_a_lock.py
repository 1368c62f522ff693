"""Each series has a lock of its own, made without holding one: look, then create.

Incident: the first burst after a deploy makes two locks for one series, each thread holds its own, and updates are lost for the
  length of the burst.
Fails: 5
Says: each thread makes a lock of its own
"""


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
        if key not in self._locks:
            self._locks[key] = threading.Lock()
        with self._locks[key]:
            self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)
