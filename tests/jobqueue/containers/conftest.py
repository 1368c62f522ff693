"""A container engine for the tests in this folder; without one, one line says what was not run."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.jobqueue.containers import wheels
from tests.jobqueue.containers.base_image import pack
from tests.jobqueue.containers.engine import Engine, EngineUnavailableError

SCALE = float(os.environ.get("LONG_SCALE", "1"))
NOT_RUN = pytest.StashKey[str]()


@pytest.fixture
def scaled():
    """Return a function that scales a full number by LONG_SCALE, with a least one."""
    return lambda full, least=1: max(least, round(full * SCALE))


@pytest.fixture(scope="module")
def engine(request):
    """Return a container engine that has the image `localhost/base`."""
    if not wheels.has_old():
        _leave(request, "the history of this checkout does not reach back to 0.5.0")
    folder = Path(tempfile.mkdtemp(prefix="rdc"))  # podman takes no path of more than 50 characters for its state
    pack(folder / "base.tar")
    try:
        found = Engine(folder, folder / "base.tar")
    except EngineUnavailableError as error:
        shutil.rmtree(folder)
        _leave(request, str(error))
    yield found
    found.close()


def _leave(request, reason):
    request.config.stash[NOT_RUN] = f"container tests not run: {reason}"
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter, config):
    if text := config.stash.get(NOT_RUN, ""):
        terminalreporter.write_line(text)
