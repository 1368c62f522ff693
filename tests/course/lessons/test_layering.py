"""What the lesson of Day 135 claims about ports, adapters and who checks that they fit."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import fakeredis
import pytest
import redis

from tests.course.lessons.layering import JobNotFound, RedisJobRepository, SqliteJobRepository, StoreUnavailable

ROOT = Path(__file__).parents[3]


def test_adapters_translate_driver_errors_into_domain_errors(tmp_path):
    """A caller of the port must not need to know which driver is behind it.

    Did: asked the Redis and the SQLite adapter for a job that is not there, and asked each with its store broken.
    Saw: both raise JobNotFound for the first and StoreUnavailable for the second, with the driver's error as the cause.
    Otherwise: None, redis.ConnectionError or sqlite3.ProgrammingError would reach the caller.
    """
    server = fakeredis.FakeServer()
    over_redis = RedisJobRepository(fakeredis.FakeRedis(server=server))
    over_sqlite = SqliteJobRepository(str(tmp_path / "jobs.db"))

    for repository in (over_redis, over_sqlite):
        repository.save("7", b"{}")
        assert repository.payload("7") == b"{}"
        with pytest.raises(JobNotFound):
            repository.payload("8")

    server.connected = False
    over_sqlite.close()
    for repository, driver_error in ((over_redis, redis.ConnectionError), (over_sqlite, Exception)):
        with pytest.raises(StoreUnavailable) as caught:
            repository.payload("7")
        assert isinstance(caught.value.__cause__, driver_error)


def checked_by_mypy(source: str, folder: Path) -> str:
    """Return what `mypy --strict` says of a module."""
    (folder / "adapter.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", os.devnull, "adapter.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout


def test_mypy_refuses_an_adapter_that_has_drifted(tmp_path):
    """The type checker is the conformance test, and it costs one line.

    Did: checked the SQLite adapter with a function that returns it as the port, as it is and with `payload` renamed.
    Saw: mypy accepts the first and refuses the second, naming the method that is missing.
    Otherwise: the drifted adapter would pass, and fail in production with an AttributeError.
    """
    source = (ROOT / "tests/course/lessons/layering.py").read_text()
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
    Otherwise: the call from the core would fail at run time, for want of an argument.
    """
    source = (ROOT / "tests/course/lessons/layering.py").read_text()
    drifted = source.replace(
        "def save(self, job_id: str, payload: bytes) -> None:\n        try:\n            self._redis",
        "def save(self, job_id: str, payload: bytes, ttl_s: int) -> None:\n        try:\n            self._redis",
    )
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
