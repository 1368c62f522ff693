"""What every test of the project itself shares: no test may write into the learner's history.

A run leaves in `.redrive/proofs.json` how the tests that are proofs came out; the pages read their marks from it.
"""

import contextlib
import os
import signal

import pytest

from journal.proofs.recorder import Recorder
from journal.site.node import NodeError, packages
from tests.web.chromium import find_chromium

LEFT_OUT = pytest.StashKey[bool]()
NOT_RUN = "browser tests not run: no chromium"

os.environ["REDRIVE_NO_HISTORY"] = "1"


def pytest_configure(config):
    config.addinivalue_line("markers", "against(what, …): what a proof runs against, where its source does not show it")
    if os.environ.get("REDRIVE_REQUIRE_BROWSER") == "1" and not find_chromium():
        raise pytest.UsageError(
            f"{NOT_RUN}, and REDRIVE_REQUIRE_BROWSER=1 asks for them; install chromium, or name one in REDRIVE_CHROMIUM"
        )
    config.pluginmanager.register(Recorder(config.rootpath), "journal-proofs")
    if config.getoption("numprocesses", None):
        # Workers that need npm's packages must not install them beside each other. Where they can't be had, the tests
        # that need them say so.
        with contextlib.suppress(NodeError):
            packages(tests=True)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell that runs this in the background ignores Ctrl+C, and so would each process that a test starts.
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config, items):
    """Without a browser, leave out the tests that want one; order what the workers of xdist share out."""
    if hasattr(config, "workerinput"):
        first = next((item.path for item in items if "site_folder" in item.fixturenames), None)
        items.sort(key=lambda item: _turn(item, first))
    wanting = [item for item in items if item.get_closest_marker("browser")]
    if not wanting or find_chromium():
        return
    config.pluginmanager.hook.pytest_deselected(items=wanting)
    items[:] = [item for item in items if item not in wanting]
    config.stash[LEFT_OUT] = True


def _turn(item, first):
    """One worker builds the site while the others are busy elsewhere; short files come last, to end together."""
    folder = item.path.relative_to(item.config.rootpath / "tests").parts[0]
    return 0 if item.path == first else {"course": 1, "web": 2}.get(folder, 3)


def pytest_terminal_summary(terminalreporter, config):
    if config.stash.get(LEFT_OUT, False):
        terminalreporter.write_line(NOT_RUN)


@pytest.fixture(autouse=True)
def history_elsewhere(tmp_path, monkeypatch):
    """Point the history at a folder of this test, also for the processes that it starts."""
    monkeypatch.setenv("REDRIVE_HISTORY", str(tmp_path / "history.jsonl"))
