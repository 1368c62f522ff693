"""One warning for the whole registry, not one a name.

Incident: the second metric with an unbounded label is never reported, because the first one was, a year ago.
Fails: 2
Says: unbounded label goes unnoticed
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
        first_overflow = not self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
