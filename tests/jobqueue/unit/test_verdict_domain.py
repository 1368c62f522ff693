"""What becomes of a job whose attempt failed, and what is noted about it."""

import random

import pytest

from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import FAILURES_KEPT, Lease
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import (
    MESSAGE_LIMIT,
    Bury,
    Redeliver,
    Retry,
    after_failure,
    after_lapse,
    causes_of,
    noted,
    redriven,
)
from tests.jobqueue.fakes.jobs import T0, job

POLICY = RetryPolicy(max_attempts=3, base_s=2.0, cap_s=10.0, survive_s=0.0)
DAY_S = 86400.0


def failed(error, attempt=1, policy=POLICY):
    return after_failure(job(1, attempt=attempt), error, policy, now=T0, rng=random.Random(3))


def fails_every(minutes, policy, *, limit=2000, start=None):
    """Fail a job every so many minutes until it is buried; return it."""
    current = start or job(1)
    for number in range(limit):
        now = T0 + number * minutes * 60.0
        verdict = after_failure(current, TransientError("down"), policy, now=now, rng=random.Random(3))
        if isinstance(verdict, Bury):
            return verdict.job
        current = verdict.job
    raise AssertionError("it was never buried")


def test_a_transient_failure_is_scheduled_for_the_next_attempt_within_the_ceiling():
    verdict = failed(TransientError("x"))
    assert isinstance(verdict, Retry)
    assert verdict.job.attempt == 2
    assert T0 <= verdict.job.due_at <= T0 + 2.0
    assert verdict.job.submitted_at == T0


def test_the_last_attempt_and_a_permanent_failure_are_buried_with_the_attempt_they_died_in():
    assert failed(TransientError("x"), attempt=3) == Bury(failed(TransientError("x"), attempt=3).job)
    verdict = failed(PermanentError("x"))
    assert isinstance(verdict, Bury)
    assert (verdict.job.attempt, len(verdict.job.failures)) == (1, 1)


@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_errors_bury_a_job_only_when_the_first_is_older_than_the_outage_to_survive(minutes):
    """A job outlives an outage of the length that the operator declared.

    Did: let every attempt of a job fail, one a minute, one in ten minutes and one an hour, with the default policy.
    Saw: it was buried by the first failure that came 24 hours after the first one, with its first failure on record.
    Otherwise: five attempts bury it within minutes, or nothing ever does.
    """
    dead = fails_every(minutes, RetryPolicy())
    assert dead.failures[-1].at - dead.failures[0].at == DAY_S
    assert dead.attempt == DAY_S / (minutes * 60.0) + 1


def test_an_old_first_failure_does_not_bury_a_job_with_attempts_left():
    dead = fails_every(24 * 60, RetryPolicy(max_attempts=4))
    assert (dead.attempt, dead.failures[-1].at - dead.failures[0].at) == (4, 3 * DAY_S)


def test_a_policy_of_one_attempt_means_never_again():
    assert isinstance(failed(TransientError("x"), policy=RetryPolicy(max_attempts=1)), Bury)


def test_a_redriven_job_has_the_whole_time_again():
    first = fails_every(1, RetryPolicy())
    back = redriven(first, died_at=T0 + DAY_S, now=T0 + 2 * DAY_S)
    again = back
    for number in range(24 * 60):
        now = T0 + 2 * DAY_S + (number + 1) * 60.0
        again = after_failure(again, TransientError("down"), RetryPolicy(), now=now, rng=random.Random(3)).job
        assert again.due_at > now, "it was buried too early"
    assert again.failures[0].at == T0
    verdict = after_failure(again, TransientError("x"), RetryPolicy(), now=T0 + 3 * DAY_S + 60.0, rng=random.Random(3))
    assert isinstance(verdict, Bury)
    assert len(verdict.job.failures) == FAILURES_KEPT


def test_a_lapsed_lease_counts_an_attempt_and_names_the_worker():
    lease = Lease(job(1), "host-7.42", T0)
    verdict = after_lapse(lease, POLICY, now=T0 + 20.0)
    assert isinstance(verdict, Redeliver)
    assert (verdict.job.attempt, verdict.job.due_at) == (2, T0 + 20.0)
    assert "host-7 stayed silent past the lease of attempt 1" in verdict.job.failures[0].causes[0].message


@pytest.mark.parametrize(("max_attempts", "lapses"), [(1, 1), (5, 5), (50, FAILURES_KEPT - 1)])
def test_a_job_that_kills_its_workers_is_dead_after_so_many_lapses_whatever_the_time(max_attempts, lapses):
    """The outage to survive does not keep a job alive that kills its workers.

    Did: let the lease of a job lapse again and again, within seconds, with 24 h to survive.
    Saw: it was dead after as many lapses as the policy has attempts.
    Otherwise: it would take down a worker every few seconds for a day.
    """
    policy, current = RetryPolicy(max_attempts=max_attempts), job(1)
    for number in range(1, lapses + 1):
        verdict = after_lapse(Lease(current, f"w.{number}", T0), policy, now=T0 + number)
        assert isinstance(verdict, Bury) is (number == lapses)
        current = verdict.job


def test_a_lapse_after_many_errors_does_not_bury():
    failing = job(1)
    for number in range(40):
        failing = after_failure(failing, TransientError("x"), RetryPolicy(), now=T0 + number, rng=random.Random(3)).job
    assert isinstance(after_lapse(Lease(failing, "w.1", T0), RetryPolicy(), now=T0 + 50.0), Redeliver)


def test_of_many_failures_the_first_and_the_last_are_kept():
    kept = job(1)
    for attempt in range(1, 101):
        kept = noted(kept._replace(attempt=attempt), ValueError("x"), T0 + attempt)
    assert len(kept.failures) == FAILURES_KEPT
    assert [kept.failures[0].attempt, kept.failures[1].attempt, kept.failures[-1].attempt] == [1, 82, 100]


def test_the_error_chain_is_outermost_first_and_bounded():
    try:
        try:
            raise KeyError("inner")
        except KeyError as inner:
            raise TransientError("outer") from inner
    except TransientError as error:
        causes = causes_of(error)
    assert [cause.type for cause in causes] == ["jobqueue.domain.errors.TransientError", "KeyError"]
    group = ExceptionGroup("all", [ValueError(str(n)) for n in range(50)])
    assert len(causes_of(group)) == 8
    looped = ValueError("x")
    looped.__context__ = looped
    assert len(causes_of(looped)) == 1


class NoFaults(LookupError):  # noqa: N818
    """An error with a length of 0, which Python takes for false."""

    def __len__(self):
        return 0


def test_a_cause_that_is_false_stays_in_the_chain():
    error = RuntimeError("outer")
    error.__cause__ = NoFaults("inner")
    assert [cause.message for cause in causes_of(error)] == ["outer", "inner"]
    error = RuntimeError("outer")
    error.__context__ = NoFaults("inner")
    assert [cause.message for cause in causes_of(error)] == ["outer", "inner"]


def test_a_message_is_shortened_printable_and_never_fails_the_failure():
    class Unprintable(Exception):  # noqa: N818
        def __str__(self):
            raise RuntimeError("no")

    assert len(causes_of(ValueError("x" * 10_000))[0].message) == MESSAGE_LIMIT
    assert "no message: RuntimeError" in causes_of(Unprintable())[0].message
    causes_of(ValueError("\udcff"))[0].message.encode()


def test_a_redriven_job_begins_at_attempt_one_and_keeps_its_history():
    dead = noted(job(1, attempt=3), ValueError("x"), T0 + 5.0)
    back = redriven(dead, died_at=T0 + 5.0, now=T0 + 60.0)
    assert (back.attempt, back.failures, back.due_at) == (1, dead.failures, T0 + 60.0)
    assert back.redriven == ((T0 + 60.0, T0 + 5.0, 3),)
    for _ in range(50):
        back = redriven(back, died_at=T0, now=T0)
    assert len(back.redriven) == FAILURES_KEPT
