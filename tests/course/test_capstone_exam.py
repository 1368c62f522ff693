"""The job service sits the learner's exam: its own ceiling and jitter, graded by the tests of `backoff`."""

from journal.overlay import grade, stub_text
from tests.course.conftest import ROOT

SERVICE = """
from jobqueue.domain import retry as service


def ceiling_s(attempt, *, base_s, cap_s):
    return service.ceiling_s(attempt, base_s, cap_s)


def full_jitter_s(attempt, *, base_s, cap_s, random):
    return service.full_jitter_s(attempt, base_s, cap_s, random)
"""
WITHOUT_JITTER = SERVICE.replace(
    "service.full_jitter_s(attempt, base_s, cap_s, random)", "ceiling_s(attempt, base_s=base_s, cap_s=cap_s)"
)


def exam(answers):
    """Grade the stub with these functions in the place of its own."""
    stub = stub_text(ROOT, "backoff") or (ROOT / "exercises/backoff/backoff.py").read_text(encoding="utf-8")
    return grade(ROOT, "backoff", stub + answers)


def test_backoff_of_the_service_passes_the_learners_exam():
    """The service computes delays as its lesson teaches them.

    Did: laid the service's ceiling and jitter over the stub and ran `pytest exercises/backoff`.
    Saw: steps 1 and 2 passed.
    Otherwise: a step failed, as step 2 does for a delay without jitter.
    """
    assert exam(SERVICE).steps_that("passed")[:2] == [1, 2]
    assert 2 in exam(WITHOUT_JITTER).steps_that("failed")
