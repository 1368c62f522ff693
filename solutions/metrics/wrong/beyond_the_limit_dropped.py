"""What comes beyond the limit is dropped instead of going to overflow.

Incident: the total of jobs, summed over the label, is lower than the truth from the day the limit was reached.
Fails: 2, 3, 5
Says: increments beyond the limit are in no total
"""


class Registry:
    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            if key == series_key(name, OVERFLOW):
                key = "dropped"
            self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)

    def observe(self, name: str, value: float, labels: Mapping[str, str] | None = None) -> None:
        slot = bisect_left(self._bounds, value)  # the first bound that is at least the value; past the last: +Inf
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._histograms)
            if key == series_key(name, OVERFLOW):
                key = "dropped"
            histogram = self._histograms.setdefault(key, _Histogram(len(self._bounds) + 1))
            histogram.counts[slot] += 1
            histogram.sum += value
        if first_overflow:
            self._warn(name)

    def snapshot(self) -> Snapshot:
        with self._lock:
            return {
                "counters": {key: total for key, total in self._counters.items() if key != "dropped"},
                "histograms": {
                    key: histogram.state(self._bounds)
                    for key, histogram in self._histograms.items()
                    if key != "dropped"
                },
            }
