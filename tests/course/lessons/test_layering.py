"""What the lesson of Day 135 claims about ports, adapters and who checks that they fit."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import fakeredis
import pytest
import redis

from solutions.examples.lessons.hexagon import (
    JobNotFound,
    RedisJobRepository,
    SqliteJobRepository,
    StoreRefused,
    StoreUnavailable,
)

ROOT = Path(__file__).parents[3]
HEXAGON = "solutions/examples/lessons/hexagon.py"


def test_adapters_translate_driver_errors_into_domain_errors(tmp_path):
    """A caller of the port needn't know which driver is behind it.

    Did: asked the Redis and the SQLite adapter for a job that is not there; asked each while its store did not answer
      (no connection; another process held the lock); and asked each for something that its store refuses (a key of the
      wrong type; a table that is gone).
    Saw: both raise JobNotFound, StoreUnavailable and StoreRefused, with the driver's error as the cause.
    Otherwise: None, redis.ConnectionError or sqlite3.OperationalError would reach the caller, or a missing table would
      look like a store that may be tried again.
    """
    server = fakeredis.FakeServer()
    client = fakeredis.FakeRedis(server=server)
    over_redis, path = RedisJobRepository(client), tmp_path / "jobs.db"
    over_sqlite = SqliteJobRepository(str(path))
    other = sqlite3.connect(path, isolation_level=None)

    for repository in (over_redis, over_sqlite):
        repository.save("7", b"{}")
        assert repository.payload("7") == b"{}"
        with pytest.raises(JobNotFound):
            repository.payload("8")

    server.connected = False
    other.execute("BEGIN EXCLUSIVE")
    for repository, driver_error in ((over_redis, redis.ConnectionError), (over_sqlite, sqlite3.OperationalError)):
        with pytest.raises(StoreUnavailable) as caught:
            repository.payload("7")
        assert isinstance(caught.value.__cause__, driver_error)

    server.connected = True
    client.lpush("job:list", "x")
    other.execute("DROP TABLE job")
    other.execute("COMMIT")
    for repository, driver_error in ((over_redis, redis.ResponseError), (over_sqlite, sqlite3.OperationalError)):
        with pytest.raises(StoreRefused) as caught:
            repository.payload("list")
        assert isinstance(caught.value.__cause__, driver_error)
    other.close()


def test_the_drivers_timeout_is_not_pythons():
    """Two classes of one name: an `except TimeoutError` doesn't catch redis-py's.

    Did: looked at the classes, and ran the lesson's example.
    Saw: redis.TimeoutError and redis.ConnectionError are no subclasses of Python's, and the example takes the other
      branch.
    Otherwise: the first branch would catch both.
    """
    assert not issubclass(redis.TimeoutError, TimeoutError)
    assert not issubclass(redis.ConnectionError, ConnectionError)
    example = [sys.executable, ROOT / "solutions/examples/lessons/same_name.py"]
    assert subprocess.check_output(example, text=True) == "something else: TimeoutError\n"


def checked_by_mypy(source: str, folder: Path) -> str:
    """Return what `mypy --strict` says of a module."""
    (folder / "adapter.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", os.devnull, "adapter.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_mypy_refuses_an_adapter_that_has_drifted(tmp_path):
    """The type checker is the conformance test, and it costs one line.

    Did: checked the file with the two adapters and the function that returns them as the port, as it is and with one
      method renamed.
    Saw: mypy accepts the first and refuses the second, naming the method that is missing.
    Otherwise: the drifted adapter would pass, and fail in production with an AttributeError.
    """
    source = (ROOT / HEXAGON).read_text()
    redis_half, sqlite_half = source.split("class SqliteJobRepository:")
    drifted = redis_half + "class SqliteJobRepository:" + sqlite_half.replace("def payload", "def fetch", 1)

    assert "Success" in checked_by_mypy(source, tmp_path)
    refusal = checked_by_mypy(drifted, tmp_path)
    assert '"SqliteJobRepository" is missing following "JobRepository" protocol member' in refusal
    assert "payload" in refusal


def test_mypy_refuses_an_adapter_with_other_parameters(tmp_path):
    """The names may agree and the adapter still not fit.

    Did: gave the Redis adapter's `save` a third parameter, and checked the file.
    Saw: mypy refuses it and shows what the port expected beside what it got.
    Otherwise: the call from the core would fail at run time, because an argument is missing.
    """
    source = (ROOT / HEXAGON).read_text()
    method = "def save(self, job_id: str, payload: bytes) -> None:\n        with redis_errors"
    drifted = source.replace(method, method.replace("payload: bytes)", "payload: bytes, ttl_s: int)"))
    assert drifted != source
    refusal = checked_by_mypy(drifted, tmp_path)
    assert "def save(self, job_id: str, payload: bytes) -> None" in refusal
    assert "def save(self, job_id: str, payload: bytes, ttl_s: int) -> None" in refusal


def test_a_runtime_check_of_a_protocol_compares_names_only():
    """`isinstance` against a Protocol looks safer than it is.

    Did: gave a runtime-checkable Protocol an object whose method has the right name and the wrong parameters.
    Saw: isinstance says yes, and the call fails.
    Otherwise: isinstance would say no.
    """
    from typing import Protocol, runtime_checkable

    @runtime_checkable
    class Port(Protocol):
        def payload(self, job_id: str) -> bytes: ...

    class Drifted:
        def payload(self) -> None: ...

    assert isinstance(Drifted(), Port)
    with pytest.raises(TypeError), contextlib.suppress(KeyError):
        Drifted().payload("7")
