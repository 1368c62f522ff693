"""inc() counts calls: whatever the amount, it adds one.

Incident: bytes_total counts requests; the graph looks alive, and capacity is planned from it.
Fails: 1, 2, 4, 6
Says: value("jobs_total", {'status': 'ok'}) after ok +1 +2.5 +0
"""


class Registry:
    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            self._counters[key] = self._counters.get(key, 0.0) + 1.0
        if first_overflow:
            self._warn(name)
