"""Run a learner's tests against implementations that replace the module which the tests import.

Each run is a process of its own: the implementation, what pytest changes in the interpreter, and a call that never
returns all end with it. pytest itself is started once for a file of tests, in a process that then waits and is forked
for each implementation, just before it would collect: a start of pytest takes three times as long as most runs. Without
`fork` (Windows) each run is a pytest in this process, and nothing ends it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import os
import random
import signal
import sys
import types
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from grading import forks, spared

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_CPU_S = 2
"""Seconds of processor time for all tests on one implementation; whatever takes longer has failed."""

LIMIT_S = 8.0
"""The same in real seconds, for what waits and does not work; below the limit of the test that asks."""


@dataclass
class Ran:
    """What the tests said of one implementation.

    Attributes:
        passed: names of the tests that passed.
        failed: the first test that did not, or "" if all passed.
        why: what it said, its line in front; for the reader.
        unwritten: the text of a NotImplementedError of the tests themselves, with its line; None if they are written.
        chance: whether the tests drew from a source that the request's seed decides, so that another seed may give
            another answer.
    """

    passed: list[str] = field(default_factory=list)
    failed: str = ""
    why: str = ""
    unwritten: tuple[str, int] | None = None
    chance: bool = False

    @property
    def accepts(self) -> bool:
        """Whether there are tests and every one of them passed."""
        return bool(self.passed) and not self.failed and self.unwritten is None


@functools.cache
def _compiled(source: str, file: str) -> types.CodeType:
    return compile(source, file, "exec")


def module_from(source: str, file: Path | str, name: str) -> types.ModuleType:
    """Make a module of `source` without putting it where imports look."""
    module = types.ModuleType(name)
    module.__file__ = str(file)
    exec(_compiled(source, str(file)), module.__dict__)  # noqa: S102 - the course's own files
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


@dataclass(frozen=True)
class Request:
    """One run: which tests, on what.

    Attributes:
        prefix: which of the test functions.
        name: what the file of tests imports, such as `exercises.backoff.backoff`.
        source: the text of the module that it gets instead.
        file: where that text is from; "" for a text that is in no file.
        seed: for the random module's own source, and for each `Random()` without a seed, which tests may draw from.
    """

    prefix: str
    name: str
    source: str
    file: str = ""
    seed: int = 0


def examine(tests: Path, request: Request) -> Ran:
    """Run the test functions of the file `tests` whose names begin with the prefix, on one implementation."""
    if not hasattr(os, "fork"):
        return _here(tests, request)
    return _Waiting.on(tests).ask(request)


class _Waiting:
    """A forked process with a pytest that has started and has not collected; one for each file of tests."""

    current: ClassVar[_Waiting | None] = None

    def __init__(self, tests: Path) -> None:
        self.tests = tests
        self.of = self.state(tests)
        (ask_reader, self.ask_writer), (self.answer_reader, answer_writer) = os.pipe(), os.pipe()
        self.process = os.fork()
        if self.process == 0:
            try:
                os.setpgid(0, 0)
                os.close(self.ask_writer)
                os.close(self.answer_reader)
                nowhere = os.open(os.devnull, os.O_RDWR)
                for descriptor in (0, 1, 2):
                    os.dup2(nowhere, descriptor)
                gc.disable()  # every process ends in a moment, and what it inherited is large
                _start(tests, _Forks(tests, ask_reader, answer_writer))
            finally:
                os._exit(0)
        with contextlib.suppress(OSError):
            os.setpgid(self.process, self.process)  # a group of its own, so that a run that it has begun ends with it
        os.close(ask_reader)
        os.close(answer_writer)
        atexit.register(self.end)

    @staticmethod
    def state(tests: Path) -> tuple[Path, int, bytes]:
        """Tell the process that waits, and the text that it would read, from another's."""
        return tests, os.getpid(), tests.read_bytes()

    @classmethod
    def on(cls, tests: Path) -> _Waiting:
        """Return the process that waits to run these tests, as they are now."""
        if cls.current is None or cls.current.of != cls.state(tests):
            if cls.current is not None:
                cls.current.end()
            cls.current = cls(tests)
        return cls.current

    def ask(self, request: Request) -> Ran:
        """Have one implementation examined, in a process of its own."""
        all_of_them = f"all of {request.prefix}*"
        limits = {"cpu_s": LIMIT_CPU_S, "real_s": LIMIT_S}
        try:
            forks.send(self.ask_writer, asdict(request) | {"limits": limits})
            # The process that waits keeps the limit; a second more, in case that it is itself what hangs.
            came = forks.receive(self.answer_reader, LIMIT_S + 1)
        except BaseException as error:
            self.end()
            if isinstance(error, (OSError, EOFError)):
                return Ran(failed=all_of_them, why="which ended the process that runs them")
            raise
        if "late" in came:
            return Ran(failed=all_of_them, why=f"which had not ended after {LIMIT_S:g} s")
        if "ended" in came:
            return Ran(failed=all_of_them, why=f"which took more than {LIMIT_CPU_S} s of processor time, or died")
        found = came["answer"]
        unwritten = found.pop("unwritten")
        return Ran(**found, unwritten=None if unwritten is None else (unwritten[0], unwritten[1]))

    def end(self) -> None:
        """End the process, and a run that it has begun."""
        atexit.unregister(self.end)
        if _Waiting.current is self:
            _Waiting.current = None
        if self.of[1] != os.getpid():
            return
        for descriptor in (self.ask_writer, self.answer_reader):
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


class _Forks:
    """A plugin for the pytest that waits: where it would collect, it forks for each request, and the child goes on."""

    def __init__(self, tests: Path, requests: int, answers: int) -> None:
        self.tests, self.requests, self.answers = tests, requests, answers
        self.listener = _Listener(tests)
        self.place: contextlib.AbstractContextManager[None] = contextlib.nullcontext()

    def pytest_collection(self, session: pytest.Session) -> bool:
        """Serve until the one who asks has gone; returns in the children alone."""
        session.config.pluginmanager.register(self.listener)
        _rewrite_once(self.tests, session.config)
        request, self.answers = forks.serve(
            self.requests, self.answers, before=lambda one: _compiled(one["source"], one["file"]), apart=False
        )
        del request["limits"]
        self.begin(Request(**request))
        # All that pytest would do to find this one file, the folders on the way to it left out.
        session.items.extend(session.genitems(pytest.Module.from_parent(session, path=self.tests)))
        session.testscollected = len(session.items)
        session.config.hook.pytest_collection_finish(session=session)
        return True

    def begin(self, request: Request) -> None:
        """Put the implementation in its place, for the rest of this process."""
        self.place = self.listener.on(request)
        self.place.__enter__()

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """Answer, and leave pytest where it stands."""
        self.listener.note_chance()
        forks.send(self.answers, asdict(self.listener.ran))
        os._exit(0)


def _rewrite_once(tests: Path, config: pytest.Config) -> None:
    """Let pytest rewrite the asserts of the tests now, so that the children need not: it is half of their work."""
    from _pytest.assertion import rewrite  # noqa: PLC0415 - private: where it is otherwise, it takes longer

    original: Any = getattr(rewrite, "_rewrite_test", None)
    if original is None:
        return
    with contextlib.suppress(Exception):  # the child meets the same, and tells it
        kept = original(tests, config)
        vars(rewrite)["_rewrite_test"] = lambda file, config: kept if file == tests else original(file, config)


def _no_traceback(_excinfo: object, **_options: object) -> str:
    return ""


class _Listener:
    def __init__(self, tests: Path) -> None:
        self.tests = tests
        self.prefix = ""
        self.ran = Ran()
        self.state: object = None

    @contextlib.contextmanager
    def on(self, request: Request) -> Iterator[None]:
        """Run the tests that are asked for on one implementation inside this, with chance as the seed decides."""
        self.prefix = request.prefix
        state, original = random.getstate(), random.Random
        with in_place_of(request.name, module_from(request.source, request.file, request.name)):
            random.seed(request.seed)
            self.state = random.getstate()
            random.Random = self.seeded(request.seed)  # type: ignore[misc]
            try:
                yield
            finally:
                self.note_chance()
                random.Random = original  # type: ignore[misc]
                random.setstate(state)

    def seeded(self, seed: int) -> type[random.Random]:
        """Return a `Random` that is given a seed where the tests give it none, so that no verdict is by chance."""
        hidden, ran = random.Random(seed), self.ran

        class Random(random.Random):
            def __init__(self, x: Any = None) -> None:
                if x is None:
                    ran.chance = True
                super().__init__(hidden.getrandbits(64) if x is None else x)

        return Random

    def note_chance(self) -> None:
        self.ran.chance = self.ran.chance or random.getstate() != self.state

    @pytest.hookimpl(tryfirst=True)
    def pytest_pycollect_makeitem(self, name: str) -> list[pytest.Item] | None:
        return None if name.startswith(self.prefix) else []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        # pytest would render a traceback that nobody sees, which takes longer than everything else.
        vars(item)["repr_failure"] = _no_traceback
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


def _start(tests: Path, plugin: object) -> None:
    """Run a pytest of its own on the tests, with no more plugins than it needs."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    sys.modules.pop(tests.stem, None)
    arguments = [
        str(tests),
        "--rootdir",
        str(tests.parent),
        "-c",
        os.devnull,
        "--noconftest",
        "--import-mode=importlib",
    ]
    arguments += ["-x", "-s", "-o", "python_functions=test_*", "-o", "python_classes="]
    arguments += ["-o", f"python_files={tests.name}"]  # and no other file's asserts are rewritten
    arguments += spared.without((*spared.UNUSED_PLUGINS, *spared.PRINTING_PLUGINS))
    pytest.main(arguments, plugins=[plugin])


def _here(tests: Path, request: Request) -> Ran:
    """Run a pytest in this process, and put back what it changes."""
    listener = _Listener(tests)
    environment = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    bytecode, kept = sys.dont_write_bytecode, sys.modules.get(tests.stem)
    try:
        with listener.on(request):
            _start(tests, listener)
    finally:
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
