"""The series of a name are counted by how their keys begin, so those of `jobs_total` use up the room of `jobs`.

Incident: A new metric is called as an old one begins. From the first day it stands in overflow, and its alert watches nothing.
Fails: 2
Says: one careless label hides every metric
"""


class Registry:
    def _admit(self, name: str, labels: Mapping[str, str] | None, known: Container[str]) -> tuple[str, bool]:
        key = series_key(name, labels)
        if key in known:
            return key, False
        own = sum(key.startswith(name) for key in known)
        if own < self._max_series:
            return key, False
        first_overflow = name not in self._warned
        self._warned.add(name)
        return series_key(name, OVERFLOW), first_overflow
