"""The overflow series takes one of the places.

Incident: a limit of one puts a counter without labels into overflow, and a deliberate limit of 50 queues cuts off the 50th.
Fails: 2, 3, 5
Says: jobs_total{user="2"} is missing
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = self._own_series.get(name, 0)
        if own < self._max_series - 1:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
