"""What fault runs share: a short folder, a server, processes that do not outlive the test, and how much to do."""

import os
import random
import tempfile
import uuid
from pathlib import Path

import pytest

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from tests.jobqueue.faults.ledger import Ledger
from tests.jobqueue.faults.processes import Processes

SCALE = float(os.environ.get("LONG_SCALE", "1"))


@pytest.fixture
def scaled():
    """Return a function that scales a full count by LONG_SCALE, with a least one."""
    return lambda full, least=1: max(least, round(full * SCALE))


@pytest.fixture
def rng(request):
    """Chance with a seed: FAULT_SEED repeats a run's choices, though not the machine's timing."""
    seed = int(os.environ.get("FAULT_SEED", "20261124"))
    print(f"FAULT_SEED={seed}")
    return random.Random(f"{seed} {request.node.name}")


@pytest.fixture
def folder():
    """A folder with a path short enough for a Unix socket."""
    with tempfile.TemporaryDirectory(prefix="jqf") as path:
        yield Path(path)


@pytest.fixture
def processes(folder):
    """Start processes; none outlives the test."""
    started = Processes(folder)
    yield started
    started.end()


@pytest.fixture
def valkey(folder):
    """A server without a file, for this test."""
    with EmbeddedValkey(folder / "v", append_only=False) as server:
        yield server


@pytest.fixture
def ledger():
    """Return a function that opens a ledger; all are closed at the end."""
    opened = []

    def open_ledger(url, queue="default", **options):
        opened.append(Ledger(url, queue, **options))
        return opened[-1]

    yield open_ledger
    for one in opened:
        one.close()


def submit(url, count, seconds, *, queue="default", kind="counted"):
    """Submit jobs straight to the store, and return their ids."""
    with BlockingSubmitter(url, lambda: uuid.uuid4().hex) as submitter:
        return [submitter.submit(queue, kind, {"s": seconds}).id for _ in range(count)]


@pytest.fixture(name="submit")
def submit_fixture():
    return submit
