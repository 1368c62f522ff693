"""The job service sits the learner's exam: what its worker runs, graded by the tests of `backoff`, and run beside it.

The service has no retry loop: a worker decides after each failed attempt, and the job waits in the store. So it sits
the steps that both have, ceiling, jitter and classification; and what the loop does with them is compared by running a
worker.
"""

import asyncio
import random

import pytest

from grading.overlay import grade, stub_text
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from solutions.backoff.backoff import ceiling_s, is_transient
from tests.course.conftest import ROOT
from tests.jobqueue.fakes import virtual_time
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore

SERVICE = f"""
import sys

sys.path.insert(0, {str(ROOT / "src")!r})  # the service of this tree, whichever one is installed
from jobqueue.domain import retry as service


def ceiling_s(attempt, *, base_s, cap_s):
    return service.ceiling_s(attempt, base_s, cap_s)


def full_jitter_s(attempt, *, base_s, cap_s, random):
    return service.full_jitter_s(attempt, base_s, cap_s, random)


def is_transient(error, *, transient=TRANSIENT, permanent=PERMANENT):
    return service.is_transient(error, transient=transient, permanent=permanent)
"""
MISTAKES = {
    1: ("service.ceiling_s(attempt, base_s, cap_s)", "service.ceiling_s(attempt + 1, base_s, cap_s)"),
    2: ("service.full_jitter_s(attempt, base_s, cap_s, random)", "ceiling_s(attempt, base_s=base_s, cap_s=cap_s)"),
    3: ("permanent=permanent)", "permanent=())"),
}
POLICY = RetryPolicy(max_attempts=4, base_s=1.0, cap_s=3.0, survive_s=0.0)
PASS_S = 0.3  # an admission pass, and a claim


def exam(answers):
    """Grade the stub with these functions in the place of its own."""
    stub = stub_text(ROOT, "backoff") or (ROOT / "exercises/backoff/backoff.py").read_text(encoding="utf-8")
    return grade(ROOT, "backoff", stub + answers)


def test_backoff_of_the_service_passes_the_learners_exam():
    """The service's ceiling, jitter and classification are those of the lesson.

    Did: laid the service's three functions over the stub and ran the exercise's tests.
    Saw: steps 1 to 3 passed; the loop and the budgets of steps 4 to 6 are the caller's, which the service has not.
    Otherwise: a step failed, as each does here for its own mistake: a ceiling that doubles once too often, a delay
        without jitter, permanent errors that are not listed.
    """
    assert exam(SERVICE).steps_that("passed") == [1, 2, 3]
    for step, (right, wrong) in MISTAKES.items():
        assert right in SERVICE
        assert step in exam(SERVICE.replace(right, wrong)).steps_that("failed")


def run_in_a_worker(error):
    """Run a job that raises this error each time; return when its attempts began, and the state it ended in."""

    async def scenario():
        store, clock, observer, began = MemoryJobStore(), virtual_time.VirtualClock(), SilentObserver(), []
        handlers = Handlers(POLICY)

        @handlers.handler("flaky")
        async def flaky(_):
            began.append(clock.ticks())
            raise error

        submitter = Submitter(store, clock, observer, lambda: "0" * 32)
        settings = WorkerSettings(queues=("q",), concurrency=1)
        worker = Worker(store, handlers, clock, observer, random.Random(1), worker_id="w", settings=settings)
        worker.start()
        job = await submitter.submit("q", JobRequest("flaky"))
        await asyncio.sleep(60.0)
        view = await store.find("q", job.id)
        await worker.drain()
        return began, view.state

    return virtual_time.run(scenario())


def raised_from(outer, inner):
    outer.__cause__ = inner
    return outer


@pytest.mark.parametrize(
    "error",
    [
        TransientError("down"),
        ConnectionResetError("reset"),
        TimeoutError("late"),
        PermanentError("no"),
        ValueError("bug"),
        raised_from(KeyError("bug"), TransientError("down")),
        raised_from(PermanentError("no"), TransientError("down")),
        ExceptionGroup("all", [TransientError("down"), TimeoutError("late")]),
        ExceptionGroup("all", [TransientError("down"), PermanentError("no")]),
    ],
    ids=repr,
)
def test_a_worker_decides_as_the_learners_functions_do(error):
    """What a worker does with a failed attempt is what the exercise asks for.

    Did: let a real worker run a job that fails with the same error each time, and asked the exercise's solution.
    Saw: where the solution says transient, four attempts, each within its ceiling of the one before; otherwise one.
    Otherwise: the service would teach one set of rules and run another.
    """
    transient = (TransientError, ConnectionError, TimeoutError)
    began, state = run_in_a_worker(error)
    assert state is JobState.DEAD
    if not is_transient(error, transient=transient, permanent=(PermanentError,)):
        assert len(began) == 1
        return
    assert len(began) == POLICY.max_attempts
    for attempt in range(1, POLICY.max_attempts):
        waited_s = began[attempt] - began[attempt - 1]
        assert waited_s <= ceiling_s(attempt, base_s=POLICY.base_s, cap_s=POLICY.cap_s) + PASS_S
