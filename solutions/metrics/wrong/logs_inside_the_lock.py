"""The warning is logged while the lock is held.

Incident: The service counted its log lines by level, with a log handler that calls inc. At the first overflow the handler
  waited for the lock that its own thread held, and so did every other thread after it.
Fails: 2
Says: a log handler that counts
"""


class Registry:
    def inc(self, name: str, labels: Mapping[str, str] | None = None, amount: float = 1.0) -> None:
        if amount < 0:
            raise ValueError(f"amount must not be negative, got {amount}; a counter never goes down")
        with self._lock:
            key, first_overflow = self._admit(name, labels, self._counters)
            self._counters[key] = self._counters.get(key, 0.0) + amount
            if first_overflow:
                self._warn(name)
