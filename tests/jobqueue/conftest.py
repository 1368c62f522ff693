"""What every test of the job service shares: a run that is told to end ends what it started."""

import signal


def pytest_configure():
    """Let SIGTERM unwind like Ctrl+C: servers have sessions of their own, and only fixtures end them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
