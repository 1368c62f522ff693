"""snapshot() returns the registry's own dict of counters.

Incident: the scrape iterates over it while a worker adds a series: 'dictionary changed size during iteration', a gap in the
  graph at every peak.
Fails: 2, 6
Says: mixes two moments
"""


class Registry:
    def snapshot(self) -> Snapshot:
        with self._lock:
            return {
                "counters": self._counters,
                "histograms": {key: histogram.state(self._bounds) for key, histogram in self._histograms.items()},
            }
