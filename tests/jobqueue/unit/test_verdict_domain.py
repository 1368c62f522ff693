"""What becomes of a job whose attempt failed, and what is noted about it."""

import random

from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import FAILURES_KEPT, Lease
from jobqueue.domain.retry import RetryBudget, RetryPolicy
from jobqueue.domain.verdict import MESSAGE_LIMIT, Bury, Retry, after_failure, after_lapse, causes_of, noted, redriven
from tests.jobqueue.fakes.jobs import T0, job

POLICY = RetryPolicy(max_attempts=3, base_s=2.0, cap_s=10.0)


def failed(error, attempt=1, budget=None):
    return after_failure(job(1, attempt=attempt), error, POLICY, now=T0, rng=random.Random(3), budget=budget)


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


def test_a_permanent_failure_costs_no_budget_and_an_empty_budget_delays_by_the_cap():
    budget = RetryBudget(ratio=0.0, cap=1.0)
    failed(PermanentError("x"), budget=budget)
    assert budget.balance == 1.0
    assert failed(TransientError("x"), budget=budget).job.due_at <= T0 + 2.0
    assert T0 + 10.0 <= failed(TransientError("x"), budget=budget).job.due_at <= T0 + 12.0


def test_a_lapsed_lease_counts_an_attempt_and_names_the_worker():
    lease = Lease(job(1), "host-7.42", T0)
    verdict = after_lapse(lease, POLICY, now=T0 + 20.0)
    assert isinstance(verdict, Retry)
    assert (verdict.job.attempt, verdict.job.due_at) == (2, T0 + 20.0)
    assert "host-7 stayed silent past the lease of attempt 1" in verdict.job.failures[0].causes[0].message
    poison = after_lapse(Lease(job(1, attempt=3), "w.1", T0), POLICY, now=T0)
    assert isinstance(poison, Bury)


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
