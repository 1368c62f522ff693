"""The key is chosen before the lock is taken: check, then act.

Incident: at the limit a burst of threads each finds room for one more, and the limit is exceeded by as many as there are threads.
Fails: 5
Says: the limit holds only while one thread is at work
"""


class Registry:
    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        key, first_overflow = self._admit(name, labels, self._counters)
        with self._lock:
            self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        key, first_overflow = self._admit(name, labels, self._histograms)
        with self._lock:
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        if first_overflow:
            self._warn(name)
