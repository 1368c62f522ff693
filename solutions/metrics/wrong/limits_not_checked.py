"""max_series and bounds are taken as they come.

Incident: a configuration with the bounds in the wrong order is accepted, and every percentile since then is wrong.
Fails: 2, 3
Says: noticed only when a percentile is needed
"""


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()
