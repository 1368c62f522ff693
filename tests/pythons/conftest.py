"""Says at the end of a run which interpreters the machine does not have."""

import pytest

MISSING = pytest.StashKey[list]()


@pytest.fixture
def pythons_missing(request):
    """A list to which a test adds the versions that it did not find."""
    return request.config.stash.setdefault(MISSING, [])


def pytest_terminal_summary(terminalreporter, config):
    """Print one line for what was not run."""
    if missing := config.stash.get(MISSING, []):
        terminalreporter.write_line(f"not run on Python {', '.join(missing)}: this machine does not have it")
