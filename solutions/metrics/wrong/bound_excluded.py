"""A value equal to a bound is counted in the next bucket.

Incident: a timeout of 250 ms and a bound of 0.25: everything that timed out exactly then is counted as slower than it was.
Fails: 3
Says: le means 'at most'
"""

from bisect import bisect_right


class Registry:
    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_right(self._bounds, value)  # the first bound that is greater than the value; past the last: +Inf
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._histograms)
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        if first_overflow:
            self._warn(name)
