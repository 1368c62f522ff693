"""max_series is accepted and ignored.

Incident: someone adds the label user_id; each user is a series for ever, memory grows with the customers, and the process is
  killed on a normal day.
Fails: 2, 3, 5
Says: memory grows with each user
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = self._own_series.get(name, 0)
        if own < math.inf:
            self._own_series[name] = own + 1
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
