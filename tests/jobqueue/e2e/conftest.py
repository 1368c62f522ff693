"""The service as a user runs it: a process of its own, an embedded Valkey, a Unix socket, real signals."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from jobqueue.entrypoints.grpc_client import connect
from tests.jobqueue.fakes.left_over_valkey import end_left_over_valkey

LIMIT_S = 60
LEFT_OUT = pytest.StashKey[bool]()
NOT_RUN = "the test as PID 1 of a container was not run: this machine gives no PID namespace (unshare --pid)"


def pytest_collection_modifyitems(config, items):
    """Leave out what needs a PID namespace where none is to be had."""
    wanting = [item for item in items if item.get_closest_marker("pid_namespace")]
    if not wanting or _has_pid_namespaces():
        return
    config.pluginmanager.hook.pytest_deselected(items=wanting)
    items[:] = [item for item in items if item not in wanting]
    config.stash[LEFT_OUT] = True


def pytest_terminal_summary(terminalreporter, config):
    """Say what was left out."""
    if config.stash.get(LEFT_OUT, False):
        terminalreporter.write_line(NOT_RUN)


def _has_pid_namespaces():
    try:
        return subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


class Service:
    """One running `jobqueue` process, and a way to call it."""

    def __init__(self, folder: Path, *command: str, **environ: str):
        self.folder = folder
        self.address = f"unix:{folder}/front.sock"
        self.log = (folder / "service.log").open("ab+")
        self.started_at = self.log.seek(0, os.SEEK_END)
        settings = {
            "JOBQUEUE_DATA_DIR": str(folder / "data"),
            "JOBQUEUE_LISTEN": self.address,
            "JOBQUEUE_METRICS_LISTEN": "127.0.0.1:0",
            **environ,
        }
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("JOBQUEUE_")}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("jobqueue")), *command],
            env={**inherited, **settings},
            stderr=self.log,
            cwd=folder,
        )

    def lines(self):
        """Return what the process has logged, one dictionary a line."""
        self.log.seek(self.started_at)
        text = self.log.read().decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    async def logged(self, event):
        """Wait until the process has logged an event, and return its line."""
        for _ in range(LIMIT_S * 50):
            for line in self.lines():
                if line["event"] == event:
                    return line
            assert self.process.poll() is None, f"the process ended: {self.lines()[-3:]}"
            await asyncio.sleep(0.02)
        raise AssertionError(f"never logged {event!r}: {self.lines()[-3:]}")

    def client(self):
        """Return a connected client, as a context manager."""
        return connect(self.address)

    def tell(self, number=signal.SIGTERM):
        """Send a signal."""
        self.process.send_signal(number)

    def end(self):
        """Wait for the process's end and return its exit status."""
        return self.process.wait(LIMIT_S)


@pytest.fixture
def service():
    """Return a context manager that runs the service in a folder; what is still running at the end is killed."""
    running = []

    @contextmanager
    def run(folder, *command, **environ):
        started = Service(folder, *(command or ("serve",)), **environ)
        running.append(started)
        try:
            yield started
        finally:
            if started.process.poll() is None:
                started.tell()
                started.end()

    yield run
    for started in running:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        started.log.close()


@pytest.fixture
def folder():
    """A folder with a path short enough for a Unix socket, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="jq") as path:
        yield Path(path)
        end_left_over_valkey(Path(path) / "data")  # of a service that ended at once
