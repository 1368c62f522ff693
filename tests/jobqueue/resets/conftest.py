"""What the tests of reset connections share: a server, a proxy in front of it that resets, and each event loop."""

import asyncio
import random
import tempfile
from pathlib import Path

import pytest

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.entrypoints.cli.serve import uvloop_if_installed
from tests.jobqueue.faults.proxy import Proxy

LOOPS = {"asyncio": None, "uvloop": uvloop_if_installed()}


@pytest.fixture(scope="module")
def valkey():
    """A server without a file."""
    with tempfile.TemporaryDirectory(prefix="jqr") as folder, EmbeddedValkey(Path(folder), append_only=False) as server:
        yield server


@pytest.fixture
def proxy(valkey):
    """A TCP address in front of the server, whose connections a test can reset."""
    with Proxy(valkey.socket_path, random.Random(1)) as standing:
        yield standing


@pytest.fixture(params=[name for name, factory in LOOPS.items() if name == "asyncio" or factory])
def run(request):
    """Return a function that runs a coroutine on the loop of this parameter."""

    def on_this_loop(work):
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(asyncio.wait_for(work, 30))

    return on_this_loop
