"""Asking for a counter notes its name, so the exposition prints a type for it.

Incident: A dashboard with a typing error in a name puts a metric into every scrape that nobody counts.
Fails: 4
Says: refused inc
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
        self._counters: dict[str, float] = {}
        self._histograms: dict[str, _Histogram] = {}
        self._own_series: dict[str, int] = {}  # metric name → how many series of its own it has
        self._warned: set[str] = set()
        self._asked: set[str] = set()

    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        with self._lock:
            self._asked.add(name)
            return self._counters.get(series_key(name, labels), 0.0)

    def exposition(self) -> str:
        now = self.snapshot()  # one consistent copy; what follows needs no lock
        families: dict[str, list[str]] = {}
        with self._lock:
            families.update((name, [f"# TYPE {name} counter"]) for name in self._asked)
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
