"""A Cluster of three primaries with a replica each, which a test may break: one for each test."""

import os
import random
import tempfile
from pathlib import Path

import pytest

from tests.jobqueue.fakes.valkey_cluster import ValkeyCluster
from tests.jobqueue.faults.processes import Processes

SCALE = float(os.environ.get("LONG_SCALE", "1"))


@pytest.fixture
def scaled():
    """Return a function that scales a full count by LONG_SCALE, with a least one."""
    return lambda full, least=1: max(least, round(full * SCALE))


@pytest.fixture
def rng(request):
    """Chance with a seed."""
    return random.Random(f"{os.environ.get('FAULT_SEED', '20261124')} {request.node.name}")


@pytest.fixture
def cluster():
    with ValkeyCluster(primaries=3, replicas=1) as nodes:
        yield nodes


@pytest.fixture
def processes():
    with tempfile.TemporaryDirectory(prefix="jqc") as folder:
        started = Processes(Path(folder))
        yield started
        started.end()
