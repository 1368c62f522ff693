"""The registry keeps the list of bounds that it was given.

Incident: The service built its bounds in one list and went on adding to it for the next registry. The first registry's
  histograms had more bounds than counters, and every scrape failed.
Fails: 3
Says: the caller changes its list
"""


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = bounds
        self._lock = threading.Lock()
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()
