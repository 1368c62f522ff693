"""A series without labels is let in at a name that is full.

Incident: The limit that memory was planned with is not the limit that holds.
Fails: 2
Says: max_series=1
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known or not labels:
            return key, False
        own = self._own_series.get(name, 0)
        if own < self._max_series:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
