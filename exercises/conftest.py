"""Grade exercises: give tests a virtual clock and a breakable Redis, and end a run with one line per step.

Works in a plain pytest, and in the page, without the `journal` package. What the fixtures and markers offer is written in
`exercises/harness/__init__.py`.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ENVIRONMENT_SENTENCE = (
    "this pytest cannot grade the exercises: {why}. Use the project's own, `.venv/bin/pytest exercises/<name>`, "
    "which `make site` or `make test` sets up."
)

try:
    import fakeredis  # noqa: F401
    import redis.asyncio  # noqa: F401
except ImportError as error:
    raise pytest.UsageError(ENVIRONMENT_SENTENCE.format(why=f"it has no {error.name}")) from None

from exercises.harness import clock, report
from exercises.harness.network import Network
from exercises.harness.seeds import Seeds, seeds_for

REPORTS = pytest.StashKey[dict[str, report.ExerciseReport]]()
SEED = pytest.StashKey[int]()
ALONE = pytest.StashKey[bool]()


def _place(path: Path) -> report.Place:
    return report.Place(path.parent.name, path.parent)


def pytest_configure(config: pytest.Config) -> None:
    """Declare the markers; in a run of exercises only, let our own summary speak instead of tracebacks."""
    config.addinivalue_line("markers", "step(n, title, stretch=False): the README step that a test grades")
    config.addinivalue_line("markers", "threads: needs real threads, so it cannot run in the page")
    # A forgotten await is reported with the step that it breaks, not as an error of whichever test runs next.
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")
    config.addinivalue_line("filterwarnings", "ignore:coroutine .* was never awaited:RuntimeWarning")
    config.stash[REPORTS] = {}
    base = config.invocation_params.dir
    paths = [Path(base, argument.partition("::")[0]).resolve() for argument in config.args]
    config.stash[ALONE] = bool(paths) and all(path.is_relative_to(HERE) for path in paths)
    if config.stash[ALONE]:
        if config.option.tbstyle == "auto":
            config.option.tbstyle = "no"
            config.option.reportchars = ""
        # One file that cannot be imported must not keep another exercise from being graded.
        config.option.continue_on_collection_errors = True
        with contextlib.suppress(AttributeError):
            config.option.no_header = True


# Running


@pytest.fixture
def seed() -> int:
    """The seed of this run of the test; `for_seeds` replaces it."""
    return seeds_for(1)[0]


@pytest.fixture
def network(seed: int) -> Network:
    """A Redis server of its own behind a seeded network."""
    return Network(seed)


@pytest.fixture
def redis(network: Network) -> Any:
    """A connected `redis.asyncio.Redis` on that server."""
    return network.redis


@pytest.fixture
def seeds() -> Seeds:
    """Iterate over fresh networks: `async for network in seeds(50): …`."""
    return Seeds()


def _run_once(item: pytest.Function, values: dict[str, Any], files: tuple[str, ...]) -> None:
    with clock.real_time_limit(files):
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
    if HERE not in pyfuncitem.path.parents:
        return None
    place = _place(pyfuncitem.path)
    files = (str(place.file),)
    names = inspect.signature(pyfuncitem.obj).parameters
    given = {name: pyfuncitem.funcargs[name] for name in names if name in pyfuncitem.funcargs}
    count = getattr(pyfuncitem.obj, "redrive_seeds", None)
    if count is None:
        pyfuncitem.stash[SEED] = seeds_for(1)[0]
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
        fresh = Network(seed_)
        replacements = {"network": fresh, "redis": fresh.redis, "seed": seed_}
        values.update({name: value for name, value in replacements.items() if name in values})
        if "redis" in values or "network" in values:
            pyfuncitem.funcargs["network"] = fresh
        _run_once(pyfuncitem, values, files)
    return True


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if sys.platform == "emscripten" and item.get_closest_marker("threads"):
        pytest.skip("needs threads: run it locally")


# Reporting


def _report_for(config: pytest.Config, path: Path) -> report.ExerciseReport:
    place = _place(path)
    return config.stash[REPORTS].setdefault(place.slug, report.ExerciseReport(place, report.steps_in(place.tests)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    outcome = yield
    marker = item.get_closest_marker("step")
    if HERE not in item.path.parents or marker is None:
        return outcome
    stretch = bool(marker.kwargs.get("stretch"))
    n, title = (*marker.args, "")[:2]
    if call.excinfo is None:
        if call.when == "call":
            _record(item, n, title, stretch, report.TestResult(item.nodeid, report.PASSED))
        return outcome
    error = call.excinfo.value
    place = _place(item.path)
    if isinstance(error, pytest.skip.Exception):
        _record(item, n, title, stretch, report.TestResult(item.nodeid, report.LOCAL_ONLY, str(error)))
        return outcome
    if isinstance(error, (KeyboardInterrupt, pytest.exit.Exception)):
        return outcome
    unwritten = report.unwritten_step(error, place)
    if unwritten is not None:
        result = report.TestResult(item.nodeid, report.NOT_STARTED, unwritten, report.line_in(error, place))
        if stretch:
            # An optional step that nobody has begun does not make the run red.
            outcome.outcome = "skipped"
            outcome.longrepr = (str(item.path), 0, f"Skipped: {unwritten}")
        elif item.config.stash[ALONE]:
            outcome.longrepr = f"not started: {unwritten}"
    else:
        message = report.describe(error, place, _expected(item))
        result = report.TestResult(
            item.nodeid, report.FAILED, message, report.line_in(error, place), item.stash.get(SEED, None)
        )
        if item.config.option.tbstyle == "no":
            outcome.longrepr = message
    _record(item, n, title, stretch, result)
    return outcome


def _expected(item: pytest.Item) -> str:
    text = inspect.getdoc(getattr(item, "obj", None)) or ""
    first = " ".join(text.split("\n\n")[0].split())
    return first or item.name.removeprefix("test_").replace("_", " ")


def _record(item: pytest.Item, n: int, title: str, stretch: bool, result: report.TestResult) -> None:  # noqa: FBT001
    _report_for(item.config, item.path).add(n, title, result, stretch=stretch)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Any:
    outcome = yield
    path = getattr(collector, "path", None)
    if not outcome.failed or path is None or HERE not in path.parents or not isinstance(collector, pytest.Module):
        return outcome
    excinfo = getattr(getattr(outcome, "call", None), "excinfo", None)
    error: BaseException | None = excinfo.value if excinfo else None
    while error is not None and error.__cause__ is not None:
        error = error.__cause__
    own = _report_for(collector.config, path)
    own.broken, own.broken_line = report.describe_import(error, own.place) if error else (str(outcome.longrepr), None)
    if collector.config.stash[ALONE]:
        outcome.longrepr = own.broken
    return outcome


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    for own in config.stash[REPORTS].values():
        terminalreporter.write_line("")
        for line in own.lines():
            terminalreporter.write_line(line)


def pytest_sessionfinish(session: pytest.Session) -> None:
    reports = list(session.config.stash[REPORTS].values())
    if not reports:
        return
    if target := os.environ.get("REDRIVE_REPORT"):
        report.write_json(target, reports)
