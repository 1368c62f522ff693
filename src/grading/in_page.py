"""Grade an exercise inside the page: what the worker runs in Pyodide, around the same files and the same pytest.

Nothing here decides what is right: `plugin.py` grades, and its report is passed on. This file writes the
learner's code, forgets what an earlier run had imported, bounds what code may print, tells the page which test has
begun (so that the page can end one that never does), and ends loops of the learner's own file by itself.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import importlib
import io
import json
import json.scanner
import os
import sys
import time
import traceback
import zlib
from collections.abc import Callable, Generator
from types import CodeType
from typing import Any, ClassVar

import pytest
from _pytest import capture

from grading import clock, limits, spared, stuck, switches  # noqa: F401 - a test may import switches: a page has it ready
from grading.page_files import ROOT, prepare, prepare_compiled
from grading.plugin import REPORTS
from grading.steps import is_test_file

SETTINGS = "[pytest]\npythonpath = . src\naddopts = --import-mode=importlib\n"

MAX_PRINTED = 10_000
"""Characters kept of what one test, or one sample, prints."""

MAX_MESSAGE = 4_000
MAX_TESTS_PRINTING = 20

__all__ = ["compiled_files", "grade", "prepare", "prepare_compiled", "run_sample", "warm_up"]

Tell = Callable[[str, int | None, str], None]

monitoring: Any = vars(sys)["monitoring"]  # since Python 3.12, which Pyodide is past


def compiled_files(slugs: list[str]) -> str:
    """Return what Python and pytest have compiled below the root, but for learners' files, as JSON."""
    found = {
        path.relative_to(ROOT).as_posix(): base64.b64encode(zlib.compress(path.read_bytes(), 9)).decode()
        for path in sorted(ROOT.rglob("*.pyc"))
        if path.name.partition(".")[0] not in slugs
    }
    return json.dumps(found)


def warm_up() -> None:
    """Import what every grade needs, and keep it out of the collector's way: pytest collects at its end."""
    os.environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "REDRIVE_NO_HISTORY": "1", "PYTHONHASHSEED": "0"}
    prepare({"pytest.ini": SETTINGS})
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    capture.CaptureIO = BoundedIO  # type: ignore[assignment,misc]
    _read_json_in_python()
    limits.real_time_limit = ended_loops
    LoopLimit.prepare()
    gc.collect()
    gc.freeze()


def _read_json_in_python() -> None:
    """Let JSON that is nested too deep raise RecursionError, as elsewhere; the C parser exhausts a page's stack."""
    scanner: Any = json.scanner
    scanner.make_scanner = scanner.py_make_scanner
    vars(json)["_default_decoder"] = json.JSONDecoder()


class BoundedIO(io.TextIOWrapper):
    """Where pytest keeps what code prints: all of it up to a limit, and a note that the rest was dropped."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="UTF-8", newline="", write_through=True)
        self.kept = 0

    def write(self, text: str) -> int:
        """Keep what fits."""
        room = MAX_PRINTED - self.kept
        if room > 0:
            super().write(text[:room])
            if len(text) >= room:
                super().write(f"\n… (the rest is not kept: one test may print {MAX_PRINTED:,} characters)\n")
            self.kept += len(text)
        return len(text)

    def truncate(self, size: int | None = None) -> int:
        """Begin again, as pytest does after each test."""
        self.kept = 0
        return super().truncate(size)

    def getvalue(self) -> str:
        """Return what was kept."""
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8", "replace")


class LoopLimit:
    """End a loop of the learner's own file that never ends by itself, where no signal can.

    Each jump of that file is counted by `sys.monitoring`; every 2,000 of them the time is looked at. A loop inside a
    library (`sum(count())`) is not seen: the page ends the whole worker then.
    """

    tool = 3
    later_s = 0.5
    """What is left to a test once another one had to be ended: the run is red already."""

    current: LoopLimit | None = None
    has_rung = False
    watched: ClassVar[set[CodeType]] = set()

    def __init__(self, files: tuple[str, ...]) -> None:
        self.files = files
        self.stuck: BaseException | None = None
        self.jumps = 0
        self.restart()

    def restart(self) -> None:
        """Count from zero; a test that runs many scenarios does so for each."""
        self.limit_s = self.later_s if LoopLimit.has_rung else clock.MAX_REAL_S
        self.ends_at = time.perf_counter() + self.limit_s

    @classmethod
    def prepare(cls) -> None:
        """Claim the tool; once, since freeing it would cost as much as many tests."""
        monitoring.use_tool_id(cls.tool, "endless loops")
        monitoring.register_callback(cls.tool, monitoring.events.PY_START, cls.enter)
        monitoring.register_callback(cls.tool, monitoring.events.JUMP, cls.jump)

    @classmethod
    def look_for_code(cls) -> None:
        """Look at whatever begins to run, until it is the learner's file that is imported."""
        cls.watched.clear()
        monitoring.restart_events()
        monitoring.set_events(cls.tool, monitoring.events.PY_START)

    @classmethod
    def look_no_more(cls) -> None:
        """Leave other code alone."""
        monitoring.set_events(cls.tool, 0)

    @classmethod
    def enter(cls, code: CodeType, _offset: int) -> Any:
        """Count the jumps of the learner's file and of every function in it, once the file begins to run."""
        if cls.current is not None and code.co_filename in cls.current.files:
            cls.look_no_more()
            waiting = [code]
            while waiting:
                one = waiting.pop()
                cls.watched.add(one)
                monitoring.set_local_events(cls.tool, one, monitoring.events.JUMP)
                waiting.extend(part for part in one.co_consts if isinstance(part, CodeType))
        return monitoring.DISABLE

    @classmethod
    def jump(cls, _code: CodeType, _from: int, _to: int) -> None:
        """Count one, and look at the time now and then."""
        limit = cls.current
        if limit is not None:
            limit.jumps += 1
            if limit.jumps % 2_000 == 0 and time.perf_counter() > limit.ends_at:
                limit.ring(sys._getframe(1))  # where the loop stands

    def ring(self, frame: Any) -> None:
        """Raise what the clock raises when its own alarm rings."""
        loop = _running_loop()
        virtual = isinstance(loop, clock.VirtualLoop)
        if self.stuck is None:
            LoopLimit.has_rung = True
            if virtual and loop.turns >= limits.MANY_TURNS:
                self.stuck = loop.stuck(f"for {self.limit_s:g} real seconds")
            else:
                self.stuck = stuck.Stuck(
                    f"it was still running after {self.limit_s:g} real seconds: an endless loop, or a call that blocks",
                    stuck.frame_in(frame, lambda path: path in self.files),
                    stuck.frame_in(frame, is_test_file),
                )
        if virtual:
            loop.overdue = loop.overdue or self.stuck
        # Again after half a second: a bare `except:` in a loop may swallow the first.
        self.ends_at = time.perf_counter() + 0.5
        assert self.stuck is not None
        raise self.stuck


def _running_loop() -> Any:
    return asyncio._get_running_loop()


@contextlib.contextmanager
def ended_loops(files: tuple[str, ...]) -> Generator[None]:
    """Stand in for `limits.real_time_limit`, which needs a signal."""
    if LoopLimit.current is not None:
        yield
        return
    limit = LoopLimit.current = LoopLimit(files)
    clock.limit = limit  # the virtual loop restarts it for each scenario
    try:
        yield
    except BaseException:
        if limit.stuck is not None:
            raise limit.stuck from None
        raise
    else:
        if limit.stuck is not None:
            raise limit.stuck
    finally:
        clock.limit = None
        LoopLimit.current = None


class Told:
    """Tell the page of each test that begins, and keep what tests printed."""

    def __init__(self, tell: Tell) -> None:
        self.tell = tell
        self.step: int | None = None
        self.steps = "{}"
        self.printed: list[dict[str, str]] = []
        self.errors: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Say which test begins, and how the steps stand."""
        marker = item.get_closest_marker("step")
        step = marker.args[0] if marker and marker.args else None
        if step != self.step:
            self.step, self.steps = step, json.dumps(_steps_so_far(item.config))
        self.tell(item.name, step, self.steps)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what the test printed."""
        if report.when == "call" and report.capstdout and len(self.printed) < MAX_TESTS_PRINTING:
            self.printed.append(
                {"test": report.nodeid.rpartition("::")[2], "text": report.capstdout[: MAX_PRINTED + 200]}
            )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep what the file printed while it was imported, and why it could not be."""
        if report.capstdout:
            self.printed.append({"test": "import", "text": report.capstdout[: MAX_PRINTED + 200]})
        if report.failed:
            self.errors.append(str(report.longrepr)[:MAX_MESSAGE])


def _steps_so_far(config: pytest.Config) -> dict[int, str]:
    reports = config.stash.get(REPORTS, {})
    return {n: step.outcome for own in reports.values() for n, step in own.steps.items()}


def _forget(slug: str) -> None:
    """Forget what an earlier run imported from the exercises, and the learner's compiled file."""
    inside = str(ROOT / "exercises")
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        # The packages too, or `from exercises.backoff import backoff` would find the earlier module in one of them.
        if file.startswith(inside) or name.partition(".")[0] == "exercises":
            del sys.modules[name]
    for stale in (ROOT / "exercises" / slug / "__pycache__").glob(f"{slug}.*"):
        stale.unlink()
    importlib.invalidate_caches()


def _bounded(report: dict[str, Any]) -> dict[str, Any]:
    def cut(text: str | None) -> str | None:
        return text if text is None or len(text) <= MAX_MESSAGE else text[:MAX_MESSAGE] + " … (cut)"

    report["broken"] = cut(report["broken"])
    for step in report["steps"]:
        for test in step["tests"]:
            test["message"], test["printed"] = cut(test["message"]), ""
    return report


def grade(slug: str, code: str, tell: Tell) -> str:
    """Run `pytest exercises/<slug>` on `code` as the learner's file; return the engine's report and more as JSON.

    Keys: `report` (that of `REDRIVE_REPORT`, or null when pytest wrote none), `printed`, `error` (why there is none),
    `exit` (pytest's), `ms`.
    """
    began = time.perf_counter()
    _forget(slug)
    LoopLimit.has_rung = False
    LoopLimit.look_for_code()
    prepare({f"exercises/{slug}/{slug}.py": code})
    target = ROOT / "report.json"
    target.unlink(missing_ok=True)
    os.environ["REDRIVE_REPORT"] = str(target)
    told, error = Told(tell), None
    arguments = [f"exercises/{slug}", "--color=no", "--capture=sys", "-q", *spared.without(spared.UNUSED_PLUGINS)]
    said = io.StringIO()
    exit_code: int | None = None
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            exit_code = int(pytest.main(arguments, plugins=[told]))
    except SystemExit as left:
        error = f"your code ended the run with SystemExit({left.code!r}) before a step could be graded"
    except BaseException as raised:  # noqa: BLE001 - whatever it was, the page has to say so
        error = f"your code ended the run: {''.join(traceback.format_exception_only(raised)).strip()}"
    LoopLimit.look_no_more()
    report = json.loads(target.read_text(encoding="utf-8")) if target.exists() else None
    if report is None and error is None:
        error = "\n".join(told.errors) or said.getvalue().strip()[-MAX_MESSAGE:] or f"pytest ended with {exit_code}"
    if exit_code == pytest.ExitCode.INTERRUPTED and report is not None and not report["broken"]:
        error = "your code raised KeyboardInterrupt, which ends the whole run; the steps below were graded before that"
    return json.dumps(
        {
            "report": _bounded(report) if report else None,
            "printed": told.printed,
            "error": error,
            "exit": exit_code,
            "ms": round((time.perf_counter() - began) * 1000),
        }
    )


@contextlib.contextmanager
def _asyncio_on_virtual_time() -> Generator[None]:
    """Let `asyncio.run` work from synchronous code, as exercises do it: the page's own loop cannot be entered twice."""
    kept = asyncio.run
    vars(asyncio)["run"] = lambda main, **_options: clock.run(lambda: main)
    try:
        yield
    finally:
        vars(asyncio)["run"] = kept


def lay_over_stub(stub: str, code: str) -> str:
    """Return the stub with the learner's code in it, or why that can't be done, as JSON."""
    from grading.lay_over import lay_over  # noqa: PLC0415 - few visits need it

    try:
        return json.dumps({"text": lay_over(stub, code, "your code"), "error": None})
    except (SyntaxError, ValueError) as error:
        return json.dumps({"text": None, "error": str(error)})


def run_sample(code: str) -> str:
    """Run a lesson's sample as a program and return what it printed, and its error, as JSON."""
    said = BoundedIO()
    error = None
    began = time.perf_counter()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), _asyncio_on_virtual_time():
        try:
            exec(compile(code, "sample.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - the reader's own page
        except SystemExit as left:
            error = None if left.code in (None, 0) else f"SystemExit: {left.code}"
        except BaseException as raised:  # noqa: BLE001 - shown to the reader
            error = "".join(traceback.format_exception_only(raised)).strip()
    return json.dumps({"printed": said.getvalue(), "error": error, "ms": round((time.perf_counter() - began) * 1000)})
