"""The job service sits the learner's exam: its own retry rules, graded by the tests of `backoff`.

Shapes that differ by design are joined here: the service's loop is given a policy, a clock and a sleep, where the
learner's takes numbers and uses the running loop; its budget is told how many retries a success pays for, where the
learner's is told how many successes a retry costs.
"""

from grading.overlay import grade, stub_text
from tests.course.conftest import ROOT

SERVICE = """
import asyncio

from jobqueue.domain import retry as service


def ceiling_s(attempt, *, base_s, cap_s):
    return service.ceiling_s(attempt, base_s, cap_s)


def full_jitter_s(attempt, *, base_s, cap_s, random):
    return service.full_jitter_s(attempt, base_s, cap_s, random)


def is_transient(error, *, transient=TRANSIENT, permanent=PERMANENT):
    return service.is_transient(error, transient=transient, permanent=permanent)


async def retry(
    operation, *, attempts, base_s, cap_s, random, deadline_at=math.inf, classify=is_transient, budget=None
):
    return await service.retry(
        operation,
        policy=service.RetryPolicy(attempts, base_s, cap_s),
        rng=random,
        now=asyncio.get_running_loop().time,
        sleep=asyncio.sleep,
        deadline_at=deadline_at,
        classify=classify,
        budget=budget,
    )


class RetryBudget(service.RetryBudget):
    def __init__(self, *, cap, cost):
        if cost < 1:
            raise ValueError(f"cost must be at least 1, got {cost}")
        super().__init__(ratio=1 / cost, cap=cap / cost)
"""
MISTAKES = {
    2: ("service.full_jitter_s(attempt, base_s, cap_s, random)", "ceiling_s(attempt, base_s=base_s, cap_s=cap_s)"),
    3: ("permanent=permanent)", "permanent=())"),
    4: ("deadline_at=deadline_at", "deadline_at=math.inf"),
    5: ("ratio=1 / cost", "ratio=1"),
}


def exam(answers):
    """Grade the stub with these functions in the place of its own."""
    stub = stub_text(ROOT, "backoff") or (ROOT / "exercises/backoff/backoff.py").read_text(encoding="utf-8")
    return grade(ROOT, "backoff", stub + answers)


def test_backoff_of_the_service_passes_the_learners_exam():
    """The service retries as its lesson teaches it.

    Did: laid the service's ceiling, jitter, classification, loop and budget over the stub and ran the exercise's tests.
    Saw: steps 1 to 5 passed; step 6, a budget in Redis, is one that the service has no use for.
    Otherwise: a step failed, as each does here for its own mistake: a delay without jitter, permanent errors that
        nobody lists, a deadline that is not passed on, a budget where every success pays for a retry.
    """
    assert exam(SERVICE).steps_that("passed") == [1, 2, 3, 4, 5]
    spoilt = SERVICE
    for right, wrong in MISTAKES.values():
        assert right in spoilt
        spoilt = spoilt.replace(right, wrong)
    assert exam(spoilt).steps_that("failed") == list(MISTAKES)
