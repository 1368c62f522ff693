"""Load the engine into a running pytest, or say in one sentence why that pytest cannot grade.

`exercises/conftest.py` imports this file on any Python and with any pytest, so it imports little, and nothing new.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from pathlib import Path

import pytest

from grading import spared


def _why_not_this_pytest() -> str | None:
    if sys.version_info < (3, 11):  # noqa: UP036 - a stranger's pytest may run on an older one
        return f"it runs on Python {sys.version_info[0]}.{sys.version_info[1]}, and 3.11 is the oldest that will do"
    if getattr(pytest, "version_tuple", (0,)) < (9, 0):
        return f"it is pytest {pytest.__version__}, and 9.0 is the oldest that will do"
    for name in ("redis", "fakeredis"):
        if importlib.util.find_spec(name) is None:
            return f"it has no {name}"
    return None


def refuse_an_unfit_pytest() -> None:
    """End the process with one sentence when this pytest cannot grade."""
    if (why := _why_not_this_pytest()) is not None:
        # Not an exception of pytest's: it would show the import of this file around the one sentence.
        sys.stderr.write(
            f"this pytest cannot grade the exercises: {why}. Use the project's own, "
            "`.venv/bin/pytest exercises/backoff`, which `make site` or `make test` sets up.\n"
        )
        sys.exit(4)


def load(config: pytest.Config, exercises: Path) -> None:
    """Let the engine grade what lies below the folder `exercises`.

    Raises:
        pytest.UsageError: there is an engine beside `exercises`, and another one was imported.
    """
    own = exercises.parent / "src" / "grading"
    if own.is_dir() and Path(__file__).resolve().parent != own.resolve():
        raise pytest.UsageError(
            f"the exercises in {exercises} would be graded by {Path(__file__).parent}, not by {own}"
        )
    hiding = spared.without_hidden_packages() if spared.grades_and_ends() else contextlib.nullcontext()
    with hiding:
        from grading import fixtures, plugin  # noqa: PLC0415 - what they import need not be there
    config.stash[plugin.EXERCISES] = exercises
    config.pluginmanager.register(fixtures, "grading-fixtures")
    config.pluginmanager.register(plugin, "grading")
