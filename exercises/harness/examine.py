"""Run a learner's tests against an implementation that takes the place of the module they import.

Each run is a pytest of its own in a forked process: the implementation, what pytest changes in the interpreter, and a
call that never returns all end with it. Without `fork` (Windows) it runs in this process, and nothing ends it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import random
import select
import signal
import sys
import time
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_CPU_S = 2
"""Seconds of processor time for all tests on one implementation; whatever takes longer has failed."""

LIMIT_S = 8.0
"""The same in real seconds, for what waits and does not work; below the limit of the test that asks."""


# `unraisableexception` collects garbage five times at the end of each run, over everything there is.
UNUSED = (
    *("cacheprovider", "terminal", "faulthandler", "junitxml", "pastebin", "stepwise", "doctest", "unittest"),
    *(
        "unraisableexception",
        "threadexception",
        "logging",
        "debugging",
        "setuponly",
        "setupplan",
        "warnings",
        "recwarn",
    ),
)


@dataclass
class Ran:
    """What the tests said of one implementation.

    Attributes:
        passed: names of the tests that passed.
        failed: the first test that did not, or "" if all passed.
        why: what it said, its line in front; for the reader.
        unwritten: the text of a NotImplementedError of the tests themselves, with its line; None if they are written.
    """

    passed: list[str] = field(default_factory=list)
    failed: str = ""
    why: str = ""
    unwritten: tuple[str, int] | None = None

    @property
    def accepts(self) -> bool:
        """Whether there are tests and every one of them passed."""
        return bool(self.passed) and not self.failed and self.unwritten is None


def module_from(source: str, file: Path | str, name: str) -> types.ModuleType:
    """Make a module of `source` without putting it where imports look."""
    module = types.ModuleType(name)
    module.__file__ = str(file)
    exec(compile(source, str(file), "exec"), module.__dict__)  # noqa: S102 - the course's own files
    return module


@contextlib.contextmanager
def in_place_of(name: str, module: types.ModuleType) -> Iterator[None]:
    """Let imports of `name` (with its package) find `module`, and put back what was there."""
    package, _, last = name.rpartition(".")
    try:
        parent = importlib.import_module(package)
    except ModuleNotFoundError:  # in the page there is no other exercise
        parent = sys.modules[package] = types.ModuleType(package)
    before, attribute = sys.modules.get(name), getattr(parent, last, None)
    sys.modules[name] = module
    setattr(parent, last, module)
    try:
        yield
    finally:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
        if attribute is None:
            delattr(parent, last)
        else:
            setattr(parent, last, attribute)


def examine(tests: Path, prefix: str, name: str, module: types.ModuleType, *, seed: int = 0) -> Ran:
    """Run the test functions of the file `tests` whose names begin with `prefix`, with `module` in the place of `name`.

    Args:
        tests: the learner's file.
        prefix: which of its tests.
        name: what the file imports, such as `exercises.backoff.backoff`.
        module: what it gets instead.
        seed: for the random module's own source, which tests may draw from.
    """
    if not hasattr(os, "fork"):
        return _run(tests, prefix, name, module, seed)
    reader, writer = os.pipe()
    started_at = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nowhere, descriptor)
            _limit_processor_time()
            data = json.dumps(asdict(_run(tests, prefix, name, module, seed)))
            with os.fdopen(writer, "w", encoding="utf-8") as pipe:
                pipe.write(data)
        finally:
            os._exit(0)
    os.close(writer)
    data = b""
    try:
        while True:
            left_s = started_at + LIMIT_S - time.monotonic()
            if left_s <= 0 or not select.select([reader], [], [], left_s)[0]:
                return Ran(failed=f"all of {prefix}*", why=f"which had not ended after {LIMIT_S:g} s")
            part = os.read(reader, 65536)
            if not part:
                break
            data += part
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    if not data:
        return Ran(failed=f"all of {prefix}*", why=f"which took more than {LIMIT_CPU_S} s of processor time, or died")
    found: dict[str, Any] = json.loads(data)
    unwritten = found.pop("unwritten")
    return Ran(**found, unwritten=None if unwritten is None else (unwritten[0], unwritten[1]))


def _limit_processor_time() -> None:
    import resource  # noqa: PLC0415 - Windows has none

    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if hard == resource.RLIM_INFINITY or hard > LIMIT_CPU_S:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_CPU_S, hard))
    # The process ends in a moment, and what it inherited is large.
    gc.disable()


class _Listener:
    def __init__(self, tests: Path) -> None:
        self.tests = tests
        self.ran = Ran()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        outcome = yield
        if call.excinfo is None:
            if call.when == "call":
                self.ran.passed.append(item.name)
        elif not self.ran.failed and self.ran.unwritten is None:
            lines = [entry.lineno + 1 for entry in call.excinfo.traceback if Path(entry.path) == self.tests]
            last = Path(call.excinfo.traceback[-1].path) if call.excinfo.traceback else None
            if isinstance(call.excinfo.value, NotImplementedError) and last == self.tests:
                self.ran.unwritten = (str(call.excinfo.value), lines[-1])
            else:
                self.ran.failed = item.name
                shown = call.excinfo.exconly(tryshort=True).splitlines()
                where = f"line {lines[-1]}: " if lines else ""
                self.ran.why = where + "\n".join(shown[:8])
        return outcome

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.ran.failed:
            self.ran.failed = "the file could not be read"
            self.ran.why = str(report.longrepr)[-800:]


def _run(tests: Path, prefix: str, name: str, module: types.ModuleType, seed: int) -> Ran:
    listener = _Listener(tests)
    environment = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    state, bytecode = random.getstate(), sys.dont_write_bytecode
    random.seed(seed)
    sys.dont_write_bytecode = True
    kept = sys.modules.pop(tests.stem, None)
    arguments = [
        str(tests),
        "--rootdir",
        str(tests.parent),
        "-c",
        os.devnull,
        "--noconftest",
        "--import-mode=importlib",
    ]
    arguments += ["-x", "-s", "-o", f"python_functions={prefix}*", "-o", "python_classes="]
    for plugin in UNUSED:
        arguments += ["-p", f"no:{plugin}"]
    try:
        with in_place_of(name, module):
            pytest.main(arguments, plugins=[listener])
    finally:
        random.setstate(state)
        sys.dont_write_bytecode = bytecode
        sys.modules.pop(tests.stem, None)
        if kept is not None:
            sys.modules[tests.stem] = kept
        if environment is None:
            del os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        else:
            os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = environment
    return listener.ran


def still_unwritten(ran: Ran, tests: Path) -> None:
    """Raise the NotImplementedError of tests that are not written, at their own line, for the run's summary."""
    if ran.unwritten is not None:
        text, line = ran.unwritten
        source = "\n" * (line - 1) + f"raise NotImplementedError({text!r})"
        exec(compile(source, str(tests), "exec"), {})  # noqa: S102 - one line, made here
