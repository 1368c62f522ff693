"""What cards on tools say: when a signal's handler runs, what the import linter refuses, which tags git describes."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from jobqueue.entrypoints.process_signals import stop_on_signal
from solutions.simulations.tags import ANNOTATED, LIGHTWEIGHT

ROOT = Path(__file__).parents[3]


def test_loops_handler_runs_between_steps_and_signals_own_inside_one():
    """A handler of `signal.signal` interrupts a step of a task; one of the event loop waits for its end.

    Did: sent this process SIGTERM in the middle of a task's step, with a handler of `signal.signal` and with the
      service's, which asks the event loop.
    Saw: the handler of `signal.signal` had run before the step ended; the service's ran only after the step.
    Otherwise: both would run at the same moment, and either might touch what a task is in the middle of.
    """

    @contextlib.contextmanager
    def by_signal_itself(_loop):
        ran = []
        before = signal.signal(signal.SIGTERM, lambda *_: ran.append("handler"))
        try:
            yield lambda: bool(ran)
        finally:
            signal.signal(signal.SIGTERM, before)

    @contextlib.contextmanager
    def by_the_service(loop):
        with stop_on_signal(loop, 60.0) as stop:
            yield stop.is_set

    def ran_inside_the_step(handled):
        async def main():
            with handled(asyncio.get_running_loop()) as has_run:
                os.kill(os.getpid(), signal.SIGTERM)
                for _ in range(10_000):
                    pass  # the step continues; the interpreter looks for signals at each jump
                inside = has_run()
                while not has_run():
                    await asyncio.sleep(0)
                return inside

        return asyncio.run(main())

    assert ran_inside_the_step(by_signal_itself)
    assert not ran_inside_the_step(by_the_service)


def test_import_against_the_arrows_is_refused(tmp_path):
    """The domain may not import redis, and an entry point may not reach for an adapter: only `main` joins them.

    Did: ran lint-imports on a copy of the packages, as they are and with one such import in each of the two.
    Saw: nothing at first; then both imports, named with their modules.
    Otherwise: the arrows would be a drawing.
    """
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("node_modules", "__pycache__", "web"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)

    def linted():
        done = subprocess.run(
            [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "src"), "COLUMNS": "200"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = linted()
    assert code == 0, said
    for module, line in (
        ("domain/retry.py", "import redis"),
        ("entrypoints/process_signals.py", "import jobqueue.adapters.redis_job_store"),
    ):
        file = tmp_path / "src/jobqueue" / module
        file.write_text(file.read_text() + f"\n{line}\n")
    code, said = linted()
    assert code == 1
    assert "jobqueue.domain.retry -> redis" in said
    assert "jobqueue.entrypoints.process_signals -> jobqueue.adapters.redis_job_store" in said


def test_describe_ignores_a_lightweight_tag(tmp_path):
    """`git describe` looks at annotated tags only.

    Did: tagged a commit v0.5.0 without -a, described it, and did the same with -a.
    Saw: refused with the first; v0.5.0 with the second.
    Otherwise: both would be described alike.
    """

    def git(*words):
        who = ["-c", "user.name=t", "-c", "user.email=t@t.invalid"]
        return subprocess.run(["git", *who, *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "all")
    git(*LIGHTWEIGHT)
    assert git("describe").returncode != 0
    git("tag", "-d", "v0.5.0")
    git(*ANNOTATED)
    assert git("describe").stdout.strip() == "v0.5.0"
