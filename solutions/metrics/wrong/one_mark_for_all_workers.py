"""All workers share one mark.

Incident: a worker's reply is lost, another worker flushes and overwrites the mark, and the first one adds its delta again.
Fails: 6
Says: jobs that were never submitted
"""


class Flusher:
    def __init__(self, registry: Registry, redis: Redis, worker: str) -> None:
        self._registry = registry
        self._redis = redis
        self._mark = MARK_PREFIX + "all"
        self._sent: dict[str, float] = {}
        self._pending: _Flush | None = None
