"""Each thread counts in cells of its own, which the registry knows only as long as the thread lives.

Incident: The service handles each request in a new thread. What a thread had counted went when it ended, and every
  counter stayed near zero.
Fails: 5
Says: after both threads have ended
"""

from weakref import WeakSet


class _Cells(dict[str, float]):
    __hash__ = object.__hash__


class Registry:
    def __init__(self, max_series: int = 1000, bounds: Sequence[float] = DEFAULT_BOUNDS) -> None:
        if max_series < 1:
            raise ValueError(f"max_series must be at least 1, got {max_series}; a metric needs one series to exist")
        if not bounds or not all(map(math.isfinite, bounds)) or any(a >= b for a, b in pairwise(bounds)):
            raise ValueError(f"bounds must be finite and strictly increasing, at least one, got {tuple(bounds)}")
        self._max_series = max_series
        self._bounds = tuple(float(bound) for bound in bounds)
        self._lock = threading.Lock()
        self._local = threading.local()
        self._cells: WeakSet[_Cells] = WeakSet()
        self._known: set[str] = set()
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}
        self._warned: set[str] = set()

    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            cells = getattr(self._local, "cells", None)
            if cells is None:
                cells = self._local.cells = _Cells()
                self._cells.add(cells)
            key, first_overflow = self._admit(name, labels, self._known)
            self._known.add(key)
            cells[key] = cells.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        key = series_key(name, labels)
        with self._lock:
            return sum((cells.get(key, 0.0) for cells in self._cells), 0.0)

    def snapshot(self) -> Snapshot:
        with self._lock:
            counters: dict[str, float] = {}
            for cells in self._cells:
                for key, total in cells.items():
                    counters[key] = counters.get(key, 0.0) + total
            return {
                "counters": counters,
                "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
            }
