"""Writers hold the lock, readers do not.

Incident: a scrape during a burst fails with 'dictionary changed size during iteration', or prints a count that its buckets
  do not add up to.
Fails: 5
Says: exactly when the service is busy
"""


class Registry:
    def value(self, name: str, labels: Mapping[str, str] | None = None) -> float:
        return self._counters.get(series_key(name, labels), 0.0)

    def snapshot(self) -> Snapshot:
        return {
            "counters": dict(self._counters),
            "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
        }
