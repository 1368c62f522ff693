"""The dicts are class attributes, so all registries are one.

Incident: two services in one process report the sum of both, and each test sees what the tests before it have counted.
Fails: 1, 2, 3, 4, 5, 6
Says: tests see each other's counts
"""


class Registry:
    _counters: dict[str, float] = {}

    _histograms: dict[str, _Histogram] = {}

    _own_series: dict[str, int] = {}

    _warned: set[str] = set()

    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
