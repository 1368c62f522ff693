"""One port, two adapters: the smallest hexagon that still shows the translation of errors."""

import sqlite3
from typing import Protocol

import redis


# --8<-- [start:domain]
class JobNotFound(LookupError):  # noqa: N818
    """No job has this id."""


class StoreUnavailable(Exception):  # noqa: N818
    """The store did not answer; whether the call took effect is not known."""


class JobRepository(Protocol):
    """What the core wants of a store, in the core's own words."""

    def payload(self, job_id: str) -> bytes:
        """Return a job's payload.

        Raises:
            JobNotFound: There is no such job.
            StoreUnavailable: The store did not answer.
        """
        ...

    def save(self, job_id: str, payload: bytes) -> None:
        """Keep a payload under an id, in place of an earlier one."""
        ...


# --8<-- [end:domain]


# --8<-- [start:redis-adapter]
class RedisJobRepository:
    """Keeps jobs in Redis, where a missing key is an answer: nil, which the client gives back as None."""

    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    def payload(self, job_id: str) -> bytes:
        try:
            found = self._redis.get(f"job:{job_id}")
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise StoreUnavailable(str(error)) from error
        if found is None:
            raise JobNotFound(job_id)
        assert isinstance(found, bytes)
        return found

    def save(self, job_id: str, payload: bytes) -> None:
        try:
            self._redis.set(f"job:{job_id}", payload)
        except (redis.ConnectionError, redis.TimeoutError) as error:
            raise StoreUnavailable(str(error)) from error


# --8<-- [end:redis-adapter]


# --8<-- [start:sqlite-adapter]
class SqliteJobRepository:
    """Keeps jobs in SQLite, where a missing row is an absence: fetchone() gives None, and no error at all."""

    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, payload BLOB NOT NULL)")

    def payload(self, job_id: str) -> bytes:
        try:
            row = self._db.execute("SELECT payload FROM job WHERE id = ?", (job_id,)).fetchone()
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error
        if row is None:
            raise JobNotFound(job_id)
        return bytes(row[0])

    def save(self, job_id: str, payload: bytes) -> None:
        try:
            self._db.execute(
                "INSERT INTO job VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET payload = excluded.payload",
                (job_id, payload),
            )
        except sqlite3.Error as error:
            raise StoreUnavailable(str(error)) from error

    def close(self) -> None:
        self._db.close()


# --8<-- [end:sqlite-adapter]


# --8<-- [start:conformance]
def compose(kind: str, where: str) -> JobRepository:
    """Return the adapter for a kind of store; each `return` is where mypy compares an adapter with the port."""
    if kind == "sqlite":
        return SqliteJobRepository(where)
    return RedisJobRepository(redis.Redis.from_url(where))


# --8<-- [end:conformance]
