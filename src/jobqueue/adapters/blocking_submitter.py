"""Submit from a program without an event loop: one blocking round trip per job, with as little Python as possible.

An asyncio client spends more on its loop than on the job when calls come one at a time. This one speaks to the server
over one connection of redis-py and skips the layers above it, which cost as much as the call itself.
"""

import json
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import redis
import redis.exceptions

from jobqueue.adapters import redis_scripts as scripts
from jobqueue.adapters.job_record import encode
from jobqueue.adapters.redis_errors import translated
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.application.job_request import JobRequest, job_of
from jobqueue.application.submit import Submitted
from jobqueue.domain import defaults

LIMIT_S = 10.0


class BlockingSubmitter:
    """Stores jobs one at a time, from any thread; on a single server, not on a Cluster.

    Args:
        url: `redis://`, `rediss://` or `unix://`; connects at the first submit.
        new_id: Returns a new unguessable id of 32 hexadecimal digits at each call.
        payload_limit: Largest payload, in bytes.
        key_for_s: Seconds for which an idempotency key is remembered.
    """

    def __init__(
        self,
        url: str,
        new_id: Callable[[], str],
        *,
        payload_limit: int = defaults.PAYLOAD_LIMIT,
        key_for_s: float = defaults.KEY_FOR_S,
    ) -> None:
        pool = redis.ConnectionPool.from_url(url, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S)
        self._connection: Any = pool.make_connection()
        self._lock = threading.Lock()
        self._new_id = new_id
        self._payload_limit = payload_limit
        self._key_for_s = key_for_s

    def submit(self, queue: str, kind: str, data: object = None, *, delay_s: float = 0.0, key: str = "") -> Submitted:
        """Store one job with this JSON value as payload, and return when the server has it.

        Raises:
            InvalidJob: The request breaks a rule; nothing was stored.
            StoreError: The server failed. After `StoreUnavailable` only a submit with a key can be repeated safely.
        """
        now = time.time()
        payload = json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()
        request = JobRequest(kind, payload, delay_s, key)
        job = job_of(queue, request, now=now, new_id=self._new_id, payload_limit=self._payload_limit, context={})
        keys = queue_keys(queue)
        args = (
            *(4, keys.records, keys.ready, keys.scheduled, keys.keys),
            *(round(now * 1000), round((now + self._key_for_s) * 1000)),
            *(job.id, round(job.due_at * 1000), 1 if key else 0, encode(job)),
        )
        with self._lock, translated:
            try:
                known = self._call("EVALSHA", scripts.submit.sha, *args)
            except redis.exceptions.NoScriptError:
                known = self._call("EVAL", scripts.submit.text, *args)
        return Submitted(job.id, stored=not known)

    def _call(self, *command: Any) -> Any:
        try:
            self._connection.send_command(*command, check_health=False)
            return self._connection.read_response()
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError):
            self._connection.disconnect()  # the next call connects again; this one may or may not have happened
            raise

    def close(self) -> None:
        """Close the connection; a later submit opens it again."""
        with self._lock:
            self._connection.disconnect()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Close the connection."""
        self.close()
