"""What a run that grades does without: packages that libraries look for, and plugins of pytest that it never uses."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Generator, Iterable
from pathlib import Path

HIDDEN_PACKAGES = ("numpy", "opentelemetry", "valkey")
"""redis, fakeredis and what they need look for these, to support them; importing them takes a good part of a start."""

UNUSED_PLUGINS = (
    "cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "pastebin", "setuponly",
    "setupplan", "stepwise", "threadexception", "unittest", "unraisableexception",
)  # fmt: skip
"""Plugins of pytest that grade nothing. `unraisableexception` collects garbage five times at the end of each run."""

PRINTING_PLUGINS = ("logging", "recwarn", "terminal", "warnings")
"""Plugins of pytest that are there for who reads its output, or for tests that look at logs and warnings."""

_COMMANDS = {"pytest", "pytest.exe", "py.test", "__main__.py"}


def without(plugins: Iterable[str]) -> list[str]:
    """Return the arguments that keep pytest from loading these plugins."""
    return [argument for name in plugins for argument in ("-p", f"no:{name}")]


def grades_and_ends() -> bool:
    """Whether this process was started to run pytest, so that nothing else in it misses what is spared here."""
    return sys.platform != "emscripten" and Path(sys.argv[0]).name in _COMMANDS


@contextlib.contextmanager
def without_hidden_packages() -> Generator[None]:
    """Let imports inside find none of `HIDDEN_PACKAGES`, except those that are imported already."""
    hidden = [name for name in HIDDEN_PACKAGES if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def spare_the_collector() -> None:
    """Do without garbage collection in a process that grades once and ends: it was a third of a run's time."""
    if grades_and_ends():
        gc.disable()
