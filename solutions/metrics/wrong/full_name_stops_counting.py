"""Once a name is full, everything goes to overflow, series that exist included.

Incident: the series that the alerts watch stand still from the minute in which a stranger brought the label set too many.
Fails: 2, 3
Says: series that were there first stop counting
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        own = self._own_series.get(name, 0)
        if key in known and own < self._max_series:
            return key, False
        if own < self._max_series:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
