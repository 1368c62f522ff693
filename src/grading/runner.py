"""Run a command of its own, and end it with everything that it started when it takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

NOT_INHERITED = {
    "CI", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH",
    "PYTHONPYCACHEPREFIX", "REDRIVE_HISTORY", "REDRIVE_RECORDING", "REDRIVE_ROOT", "REDRIVE_SITE_FOLDER",
}  # fmt: skip
"""Variables of the environment that would change what a run finds, or where it writes."""


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a command; `returncode` is None when it took too long and was ended."""

    returncode: int | None
    output: str


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would change a verdict, and with nothing recorded."""
    inherited = {key: value for key, value in os.environ.items() if key not in NOT_INHERITED}
    return inherited | {"REDRIVE_NO_HISTORY": "1"}


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float) -> Finished:
    """Run a command in `folder` for at most `limit_s` real seconds; standard output and error come back as one text."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            return Finished(None, output)
        except BaseException:
            _kill(process)
            raise
    return Finished(process.returncode, output)


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
