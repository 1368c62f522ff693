"""The commands `jobqueue` and `python -m jobqueue`."""

import os
import signal

TERMINATED = 128 + signal.SIGTERM
"""The status that a shell shows for a process that SIGTERM has ended."""


def main() -> None:
    """Run the command line; SIGTERM ends the process from here on, also while modules are still being imported.

    The kernel ignores a signal to PID 1 that has no handler. Imports take half a second and more, so a container that
    is stopped while it starts would run until it is killed. Once the service runs, it installs its own handler.
    """
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(TERMINATED))
    from jobqueue.main import main as run  # noqa: PLC0415

    run()


if __name__ == "__main__":
    main()
