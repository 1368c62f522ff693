"""A negative amount is added like any other.

Incident: a refund is booked as inc(-1); rate() takes the drop for a restart and draws traffic that never was.
Fails: 1, 2, 4
Says: a counter that goes down looks like a restart
"""


class Registry:
    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            self._counters[key] = self._counters.get(key, 0.0) + amount
        if first_overflow:
            self._warn(name)
