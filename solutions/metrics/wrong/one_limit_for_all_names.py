"""The limit counts the series of all names together.

Incident: one metric with a careless label uses up the limit, and every metric recorded for the first time after it exists
  only as overflow.
Fails: 2, 3
Says: one careless label hides every metric
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = self._own_series.get("", 0)
        if own < self._max_series:
            self._own_series[""] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
