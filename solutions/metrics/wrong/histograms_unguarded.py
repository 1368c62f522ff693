"""The guard watches counters; histograms have no limit.

Incident: the label that is refused in the counter goes through in the latency histogram, a dozen series for each value.
Fails: 3, 5
Says: the unbounded label hurts here first
"""


class Registry:
    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        with self._lock:
            key, first_overflow = series_key(name, labels), False
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        if first_overflow:
            self._warn(name)
