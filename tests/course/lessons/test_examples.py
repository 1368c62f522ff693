"""The four standard-library examples run by themselves and end in the numbers that the lessons quote."""

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[3] / "solutions" / "examples"

PRINTED = {
    "jobqueue": """\
submitted: 6
done after pop: 5
lost by pop: 1
recovered: 1
recovered again: 0
done after take: 6
lost by take: 0
delivered twice: 1
late acknowledgements accepted: 0
""",
    "workerpool": """\
done: 43, failed: 7, most in flight: 7
drained: taken 16, finished 16, left 34, lost 0
""",
    "retry": """\
ceilings: 0.1 0.2 0.4 6.4 10 10
flaky: paid after 0.485 s of waiting
permanent: charge failed after 1 attempt
busiest 100 ms of 1000 clients: 1000 without jitter, 404 with full jitter
""",
    "metrics": """\
jobs_total{queue="mail",status="ok"} 4000
series with unsorted labels: 2
users: 5000, series: 101, logins counted: 5000
series in the earlier snapshot: 1
""",
}


def run(name: str, folder: Path) -> str:
    """Run an example as a reader would, from another folder, with nothing but the interpreter (-I -S)."""
    ended = subprocess.run(
        [sys.executable, "-I", "-S", str(EXAMPLES / f"{name}.py")],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def example(name: str, folder: Path) -> None:
    assert run(name, folder) == PRINTED[name]


def test_jobqueue_example_loses_by_pop_and_not_by_take(tmp_path):
    """A move into a processing list survives a crash, a pop does not.

    Did: ran solutions/examples/jobqueue.py, in which a worker dies in the middle of one of six jobs.
    Saw: one job lost by pop; by take none lost, one recovered (a second recovery finds nothing), one delivered twice.
    Otherwise: "lost by pop" would be 0, or "lost by take" more than 0.
    """
    example("jobqueue", tmp_path)


def test_workerpool_example_never_holds_more_than_its_bound_and_drains(tmp_path):
    """Backpressure bounds what is taken, and a drain loses nothing.

    Did: ran solutions/examples/workerpool.py: 50 jobs, 3 workers, a channel of 4; then the same, stopped after 10.
    Saw: never more than 7 (4 + 3) in flight, 7 failed jobs cost no worker; stopped, everything taken was finished.
    Otherwise: more than 7 would be in flight, or taken and finished would differ after the drain.
    """
    example("workerpool", tmp_path)


def test_a_handler_of_the_workerpool_example_may_raise_anything(monkeypatch):
    from solutions.examples import workerpool

    async def missing(item):
        raise KeyError(item)

    monkeypatch.setattr(workerpool, "handle", missing)
    pool = asyncio.run(workerpool.run(jobs=5, workers=2, capacity=2))
    assert pool.failed == [1, 2, 3, 4, 5]


def test_retry_example_flattens_the_herd_and_gives_up_at_once_on_the_permanent(tmp_path):
    """Jitter spreads retries, and a permanent cause ends them.

    Did: ran solutions/examples/retry.py: 1,000 clients that fail together, and a call whose cause is permanent.
    Saw: the busiest 100 ms has 1,000 of them without jitter and 404 with full jitter; the permanent one is tried once.
    Otherwise: both peaks would be alike, or the permanent error would be tried again.
    """
    example("retry", tmp_path)


def test_metrics_example_counts_exactly_in_a_bounded_number_of_series(tmp_path):
    """One key for one series, a bound on series, and no increment lost.

    Did: ran solutions/examples/metrics.py: 4 threads, 1,000 increments each in two orders of labels; then 5,000 users.
    Saw: one series with 4,000 (two with unsorted labels); 101 series for 5,000 users, all of them counted.
    Otherwise: there would be two series for one label set, 5,000 for the users, or fewer counts than increments.
    """
    example("metrics", tmp_path)


@pytest.mark.parametrize("name", PRINTED)
def test_example_is_one_short_file_of_the_standard_library(name):
    """Short enough to read in one go, and nothing to install."""
    text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 150

    tree = ast.parse(text)
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names


def test_every_example_is_tested():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(PRINTED)
