"""One port, two adapters: the smallest hexagon that still shows the translation of errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import redis


# --8<-- [start:errors]
class JobNotFound(LookupError):
    """No job has this id."""


class StoreUnavailable(Exception):
    """The store did not answer. Nobody knows whether it acted. Try again."""


class StoreRefused(Exception):
    """The store answered with an error. Trying again changes nothing."""


# --8<-- [end:errors]


# --8<-- [start:port]
class JobRepository(Protocol):
    """Keeps payloads. Every method may raise StoreUnavailable and StoreRefused."""

    def payload(self, job_id: str) -> bytes:
        """Return a job's payload; raise JobNotFound if there is no such job."""
        ...

    def save(self, job_id: str, payload: bytes) -> None:
        """Keep a payload under an id, in place of an earlier one."""
        ...


# --8<-- [end:port]


# --8<-- [start:redis-errors]
@contextmanager
def redis_errors() -> Iterator[None]:
    try:
        yield
    except (redis.ConnectionError, redis.TimeoutError) as error:
        raise StoreUnavailable("Redis did not answer") from error
    except redis.RedisError as error:
        raise StoreRefused("Redis answered with an error") from error


# --8<-- [end:redis-errors]


class RedisJobRepository:
    def __init__(self, client: redis.Redis) -> None:
        self._redis = client

    # --8<-- [start:redis-payload]
    def payload(self, job_id: str) -> bytes:
        with redis_errors():
            value = self._redis.get(f"job:{job_id}")
        if value is None:
            raise JobNotFound(job_id)
        assert isinstance(value, bytes)
        return value

    # --8<-- [end:redis-payload]

    def save(self, job_id: str, payload: bytes) -> None:
        with redis_errors():
            self._redis.set(f"job:{job_id}", payload)


# --8<-- [start:sqlite-errors]
BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in BUSY:
            raise StoreUnavailable("another process holds the lock") from error
        raise StoreRefused("SQLite answered with an error") from error


# --8<-- [end:sqlite-errors]


class SqliteJobRepository:
    def __init__(self, path: str) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=0.1)
        self._db.execute("CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, payload BLOB NOT NULL)")

    def payload(self, job_id: str) -> bytes:
        query = "SELECT payload FROM job WHERE id = ?"
        with sqlite_errors():
            row = self._db.execute(query, (job_id,)).fetchone()
        if row is None:
            raise JobNotFound(job_id)
        return bytes(row[0])

    def save(self, job_id: str, payload: bytes) -> None:
        with sqlite_errors():
            self._db.execute(
                "INSERT INTO job VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET payload = excluded.payload",
                (job_id, payload),
            )


# --8<-- [start:conformance]
def repository(where: str) -> JobRepository:
    if where.startswith("redis://"):
        return RedisJobRepository(redis.Redis.from_url(where))
    return SqliteJobRepository(where)


# --8<-- [end:conformance]
