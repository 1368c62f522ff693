"""The plugin that grades: tests run on a virtual clock with a breakable Redis, and a run ends with one line per step.

Works in a plain pytest, in an overlay and in the page. What tests can use is written in `grading/__init__.py`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import inspect
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from grading import clock, describe, hooks, limits, recording, report, spared, summary
from grading import network as network_module
from grading.fixtures import Seeds
from grading.network import Network
from grading.seeds import seeds_for
from grading.steps import GIVEN
from grading.stuck import Stuck
from grading.trace import Callers

EXERCISES = pytest.StashKey[Path]()
"""The folder of the exercises; what lies elsewhere is not graded."""

REPORTS = pytest.StashKey[dict[str, report.ExerciseReport]]()
SEED = pytest.StashKey[int]()
ALONE = pytest.StashKey[bool]()


def _is_graded(config: pytest.Config, path: Path) -> bool:
    return config.stash[EXERCISES] in path.parents


def _place(path: Path) -> describe.Place:
    return describe.Place(path.parent.name, path.parent)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare what others may do with a finished run."""
    pluginmanager.add_hookspecs(hooks)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; in a run of exercises only, let our own summary speak instead of tracebacks."""
    config.addinivalue_line("markers", "step(n, title, stretch=False): the README step that a test grades")
    config.addinivalue_line("markers", "threads: needs real threads, so it cannot run in the page")
    config.addinivalue_line("markers", "processes: starts processes, so it cannot run in the page")
    for given in config.stash[EXERCISES].glob(f"*/{GIVEN}"):
        # Tests of several steps assert here; pytest says what was compared in files that it rewrites.
        pytest.register_assert_rewrite(f"{given.parent.parent.name}.{given.parent.name}.{given.stem}")
    config.stash[REPORTS] = {}
    if os.environ.get("REDRIVE_RECORDING"):
        network_module.kept = []
    base = config.invocation_params.dir
    paths = [Path(base, argument.partition("::")[0]).resolve() for argument in config.args]
    config.stash[ALONE] = bool(paths) and all(path.is_relative_to(config.stash[EXERCISES]) for path in paths)
    if config.stash[ALONE]:
        if config.option.tbstyle == "auto":
            config.option.tbstyle = "no"
            config.option.reportchars = ""
            config.option.verbose = config.option.verbose or -1
        # A warning is the learner's to heed or not; an error out of one would fail code that is right. A forgotten
        # await is told with the step that it breaks.
        config.addinivalue_line("filterwarnings", "ignore")
        # One file that cannot be imported must not keep another exercise from being graded.
        config.option.continue_on_collection_errors = True
        with contextlib.suppress(AttributeError):
            config.option.no_header = True
        spared.spare_the_collector()


# Running


def _run_once(item: pytest.Function, values: dict[str, Any], files: tuple[str, ...]) -> None:
    with limits.real_time_limit(files):
        if not inspect.iscoroutinefunction(item.obj):
            item.obj(**values)
            return
        network = values.get("network") or _network_of(item)

        async def main() -> None:
            if network is None:
                await item.obj(**values)
                return
            await network.open()
            try:
                await item.obj(**values)
            finally:
                await network.close()

        clock.run(main, files)


def _network_of(item: pytest.Function) -> Network | None:
    value = item.funcargs.get("network")
    return value if isinstance(value, Network) else None


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object | None:
    """Run a test under each of its seeds: async ones on the virtual clock, all within the limits."""
    if not _is_graded(pyfuncitem.config, pyfuncitem.path):
        return None
    place = _place(pyfuncitem.path)
    files = (str(place.file),)
    names = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}
    count = getattr(pyfuncitem.obj, "redrive_seeds", None)
    network_module.latest, Callers.files = None, files
    limits.last_words = functools.partial(_say_last_words, pyfuncitem)
    if count is None:
        try:
            _run_once(pyfuncitem, given, files)
        except BaseException:
            inside = given.get("seeds")
            if isinstance(inside, Seeds) and inside.current is not None:
                pyfuncitem.stash[SEED] = inside.current
            raise
        return True
    for seed_ in seeds_for(count):
        pyfuncitem.stash[SEED] = seed_
        values = dict(given)
        if "seed" in values:
            values["seed"] = seed_
        if {"network", "redis"} & set(values):
            fresh = pyfuncitem.funcargs["network"] = Network(seed_)
            values.update(
                {name: value for name, value in (("network", fresh), ("redis", fresh.redis)) if name in values}
            )
        _run_once(pyfuncitem, values, files)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport, config: pytest.Config) -> tuple[str, str, str] | None:
    """Print no dots: the summary says what became of each step."""
    if not config.stash[ALONE] or config.option.tbstyle != "no" or config.option.verbose > 0:
        return None
    counted = report.when == "call" or report.outcome != "passed"
    return report.outcome if counted else "", "", ""


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Print no percentages either."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is not None and session.config.stash[ALONE] and session.config.option.verbose < 0:
        vars(reporter)["_show_progress_info"] = False


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what needs threads or processes where there are none."""
    for name in ("threads", "processes"):
        if sys.platform == "emscripten" and item.get_closest_marker(name):
            pytest.skip(f"needs {name}: run it locally")
    if _is_graded(item.config, item.path) and item.config.stash[ALONE] and item.config.option.tbstyle == "no":
        # pytest would render a traceback for every failure, at 20 ms each, and nobody would see it.
        vars(item)["repr_failure"] = _no_traceback


def _say_last_words(item: pytest.Function, stuck: Stuck) -> None:
    """Report what is known so far, because the process is about to be ended."""
    marker = item.get_closest_marker("step")
    if marker is not None:
        place = _place(item.path)
        result = _failed(item, stuck, place)
        _record(item, marker, result)
    _finish(item.config)
    text = "\n".join(line for own in item.config.stash[REPORTS].values() for line in ["", *own.lines()])
    capture = item.config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


# Reporting


def _no_traceback(_excinfo: object, **_options: object) -> str:
    return "see the summary"


def _report_for(config: pytest.Config, path: Path) -> report.ExerciseReport:
    reports, place = config.stash[REPORTS], _place(path)
    if place.slug not in reports:
        reports[place.slug] = report.ExerciseReport(place, report.steps_of(place))
    return reports[place.slug]


def _is_broken(config: pytest.Config, path: Path) -> bool:
    own = config.stash[REPORTS].get(_place(path).slug)
    return own is not None and own.broken is not None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Keep what became of a test, in the learner's terms."""
    outcome = yield
    marker = item.get_closest_marker("step")
    if marker is None or not _is_graded(item.config, item.path):
        return outcome
    if call.excinfo is None:
        if call.when == "call":
            _record(item, marker, report.TestResult(item.nodeid, summary.PASSED))
        return outcome
    error = call.excinfo.value
    place = _place(item.path)
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        return outcome
    if isinstance(error, pytest.skip.Exception):
        _record(item, marker, report.TestResult(item.nodeid, summary.LOCAL_ONLY, str(error)))
        return outcome
    line = describe.line_in(error, place)
    unwritten = describe.unwritten_step(error, place)
    if unwritten is not None:
        result = report.TestResult(item.nodeid, summary.NOT_STARTED, f"not started: {unwritten}", line)
        if marker.kwargs.get("stretch"):
            # An optional step that nobody has begun does not make the run red.
            outcome.outcome = "skipped"
            outcome.longrepr = (str(item.path), 0, f"Skipped: {unwritten}")
    else:
        result = _failed(item, error, place)
        for sentence in clock.missing_awaits:
            result.message += f"\nnote      {sentence}: is an `await` missing before its call?"
        result.printed = outcome.capstdout
    if item.config.stash[ALONE] and item.config.option.tbstyle == "no" and outcome.outcome == "failed":
        outcome.longrepr = result.message
    _record(item, marker, result)
    return outcome


def _failed(item: pytest.Item, error: BaseException, place: describe.Place) -> report.TestResult:
    seed = item.stash.get(SEED, None)
    told = describe.describe(error, place, _rule(item), seeded=seed is not None)
    result = report.TestResult(item.nodeid, summary.FAILED, told.message, told.line, seed)
    result.function, result.trace = told.function, [row.as_json() for row in told.rows]
    result.hung = isinstance(error, Stuck)
    return result


def _rule(item: pytest.Item) -> str:
    """Read what a test checks from its docstring."""
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    first = " ".join(text.partition("Costs:")[0].split("\n\n")[0].split())
    return first or item.name.partition("[")[0].removeprefix("test_").replace("_", " ")


def _record(item: pytest.Item, marker: pytest.Mark, result: report.TestResult) -> None:
    n, title = (*marker.args, "")[:2]
    stretch = bool(marker.kwargs.get("stretch"))
    _report_for(item.config, item.path).add(n, title, result, stretch=stretch)


def _raise_again(error: BaseException) -> None:
    raise error


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    """Say in one sentence why the learner's file could not be imported."""
    path = getattr(collector, "path", None)
    if path is None or not _is_graded(collector.config, path) or not isinstance(collector, pytest.Module):
        return (yield)
    if _is_broken(collector.config, path):
        # The first step file has said why; the others need not import the learner's file to say it again.
        vars(collector)["collect"] = list
        return (yield)
    outcome: Any
    try:
        with limits.real_time_limit((str(_place(path).file),)):
            outcome = yield
    except (SystemExit, Stuck) as raised:  # pytest would end without a word on the learner's file
        call = pytest.CallInfo[None].from_call(functools.partial(_raise_again, raised), "collect")
        outcome = pytest.CollectReport(collector.nodeid, "failed", None, [])
        outcome.call = call
    if not outcome.failed:
        return outcome
    excinfo = getattr(getattr(outcome, "call", None), "excinfo", None)
    error: BaseException | None = excinfo.value if excinfo else None
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    own = _report_for(collector.config, path)
    own.broken, own.broken_line = describe.describe_import(error, own.place) if error else (str(outcome.longrepr), None)
    if collector.config.stash[ALONE]:
        outcome.longrepr = own.broken
    return outcome


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run nothing of an exercise that cannot be imported, although some of its step files can."""
    items[:] = [item for item in items if not (_is_graded(config, item.path) and _is_broken(config, item.path))]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Notice when the tests imported another file than the one beside them, as pytest does inside another project."""
    for path in {item.path for item in session.items if _is_graded(session.config, item.path)}:
        own = _report_for(session.config, path)
        module = sys.modules.get(f"exercises.{own.place.slug}.{own.place.slug}")
        own.module = getattr(module, "__file__", None)
        if own.module is not None and Path(own.module).resolve() != own.place.file.resolve():
            own.broken = (
                f"the tests imported {own.module}, not {own.place.file}; "
                "run pytest from the folder that holds this exercises/ and its pyproject.toml"
            )


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show one line per step, and the first thing to fix."""
    for number, own in enumerate(config.stash[REPORTS].values()):
        if number:
            terminalreporter.write_line("")
        for line in own.lines():
            terminalreporter.write_line(line)


def _finish(config: pytest.Config) -> None:
    reports = list(config.stash[REPORTS].values())
    if not reports or config.option.collectonly:
        return
    if target := os.environ.get("REDRIVE_REPORT"):
        report.write_json(target, reports)
    if (target := os.environ.get("REDRIVE_RECORDING")) and network_module.kept is not None:
        recording.write_recordings(target, network_module.kept)
    for own in reports:
        told = config.hook.pytest_grading_finished(config=config, report=own)
        own.notes = [line for lines in told for line in lines]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, make a run that graded the wrong file red, and tell the plugins that ask."""
    if any(own.broken for own in session.config.stash[REPORTS].values()) and session.exitstatus == 0:
        session.exitstatus = 1
    _finish(session.config)
    if not gc.isenabled():
        gc.freeze()  # pytest collects five times at its end, over everything
