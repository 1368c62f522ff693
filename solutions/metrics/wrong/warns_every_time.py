"""Every increment that overflows logs a warning.

Incident: the log grows at the rate of the traffic, the disk fills, and the outage is the fault of the metric about it.
Fails: 2, 3, 5
Says: the log is flooded
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = self._own_series.get(name, 0)
        if own < self._max_series:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = True
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
