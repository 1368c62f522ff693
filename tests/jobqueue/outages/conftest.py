"""The outage in real time takes as long as it says, so it runs at full scale only."""

import pytest

from tests.jobqueue.outages.test_outages import SCALE

FULL_SCALE_ONLY = "test_ten_real_minutes.py"
LEFT_OUT = pytest.StashKey[bool]()
NOT_RUN = "the outage of ten real minutes was not run: it runs with LONG_SCALE=1 only"


@pytest.hookimpl(trylast=True)  # after -m has chosen, so that the line appears only where the test was asked for
def pytest_collection_modifyitems(config, items):
    """Leave out what can't be made shorter."""
    left_out = [item for item in items if item.path.name == FULL_SCALE_ONLY] if SCALE < 1 else []
    if not left_out:
        return
    config.pluginmanager.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    config.stash[LEFT_OUT] = True


def pytest_terminal_summary(terminalreporter, config):
    """Say what was left out."""
    if config.stash.get(LEFT_OUT, False):
        terminalreporter.write_line(NOT_RUN)
