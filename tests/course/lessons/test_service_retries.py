"""What the lessons of Day 137 claim about waits and classification, shown on the job service's own functions."""

import math
import time
from random import Random

import pytest

from jobqueue.domain.errors import PermanentError, UndecodableRecord
from jobqueue.domain.job import Job
from jobqueue.domain.retry import ceiling_s, full_jitter_s, is_transient

BOUNDS = {"base_s": 0.5, "cap_s": 60.0}


def test_uncapped_doubling_overflows_and_capped_doubling_does_not():
    """The service's ceiling is right for every attempt, and immediate.

    Did: asked the service for the ceilings of attempts 1,025 and 10**9, at which a float power overflows.
    Saw: 60.0 for both, in under a millisecond.
    Otherwise: OverflowError, or an answer that takes time and memory.
    """
    for attempt in (1_025, 10**9):
        best_s = math.inf
        for _ in range(5):
            started_at = time.perf_counter()
            assert ceiling_s(attempt, **BOUNDS) == 60.0
            best_s = min(best_s, time.perf_counter() - started_at)
        assert best_s < 0.001


def test_first_ceiling_is_the_base_and_the_last_is_the_cap():
    """Attempts count from 1, so the first wait is bounded by the base itself.

    Did: listed the service's ceilings of attempts 1 to 9 for base 0.5 s and cap 60 s.
    Saw: 0.5, 1, 2, 4, 8, 16, 32, 60, 60.
    Otherwise: the list would begin with 1, or go on to 64.
    """
    assert [ceiling_s(n, **BOUNDS) for n in range(1, 10)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


def test_full_jitter_draws_from_zero_to_the_ceiling():
    """Full jitter is uniform from zero to the ceiling, not a little around the ceiling.

    Did: drew 10,000 of the service's waits with a ceiling of 8 s (seed 4), and counted them by tenths of the ceiling.
    Saw: between 900 and 1,100 in each tenth, the first and the last included.
    Otherwise: the lower tenths would be empty.
    """
    rng = Random(4)
    tenths = [0] * 10
    for _ in range(10_000):
        tenths[int(full_jitter_s(4, 1.0, 60.0, rng) / 0.8)] += 1
    assert all(900 < count < 1_100 for count in tenths), tenths


def test_wait_is_drawn_from_the_source_that_is_passed_in():
    """The same seed gives the same waits.

    Did: drew ten of the service's waits twice with seed 7 and once with seed 8.
    Saw: the first two lists are equal, the third differs.
    Otherwise: waits drawn from another source would differ each time.
    """
    first, second, other = ([full_jitter_s(n, 0.5, 60.0, Random(seed)) for n in range(1, 11)] for seed in (7, 7, 8))
    assert first == second
    assert first != other


class DriverError(Exception):
    """An error of a driver, which wraps what the network raised."""


def raised(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


def test_nearest_classified_error_decides():
    """What is wrapped counts, unless something nearer is classified.

    Did: asked the service about a DriverError raised from a TimeoutError, and a PermanentError raised from one.
    Saw: transient for the first (nothing nearer is known), permanent for the second.
    Otherwise: looking at the outermost error alone, or at the root alone, would give the same answer to both.
    """
    assert is_transient(raised(DriverError(), TimeoutError()))
    assert not is_transient(raised(PermanentError(), TimeoutError()))


def test_suppressed_context_is_not_followed():
    """`raise … from None` is believed.

    Did: raised a DriverError while a TimeoutError was being handled, once plainly and once `from None`.
    Saw: transient the first time, permanent the second; the TimeoutError is stored as context in both.
    Otherwise: both would be transient.
    """
    outcomes = []
    for suppressed in (False, True):
        try:
            try:
                raise TimeoutError
            except TimeoutError:
                if suppressed:
                    raise DriverError from None
                raise DriverError  # noqa: B904 - the implicit context is the point
        except DriverError as error:
            outcomes.append((type(error.__context__), is_transient(error)))
    assert outcomes == [(TimeoutError, True), (TimeoutError, False)]


def test_one_permanent_member_makes_a_group_permanent():
    """A batch that cannot succeed as a whole is not retried as a whole.

    Did: asked the service about a group of two TimeoutErrors, and about one of a TimeoutError and a PermanentError.
    Saw: transient, then permanent.
    Otherwise: "any transient member" would retry the malformed one forever.
    """
    assert is_transient(ExceptionGroup("batch", [TimeoutError(), TimeoutError()]))
    assert not is_transient(ExceptionGroup("batch", [TimeoutError(), PermanentError()]))


def test_what_nobody_has_classified_is_permanent():
    """An error that is in no list, and has nothing behind it, is not retried.

    Did: asked the service about a ZeroDivisionError and about an error of our own.
    Saw: permanent, both.
    Otherwise: a bug would be retried until its attempts were used up.
    """
    assert not is_transient(ZeroDivisionError())
    assert not is_transient(DriverError())


def test_undecodable_payload_is_permanent():
    """A payload that is not JSON fails the same way each time.

    Did: read the data of a job whose payload is cut off in the middle, and asked the service about the error.
    Saw: UndecodableRecord, which is permanent: the job is dead after one attempt.
    Otherwise: it would be retried until its attempts were used up.
    """
    job = Job("1", "orders", "mail", b'{"job": "mail", "to"', 1, 0.0, 0.0)
    with pytest.raises(UndecodableRecord) as caught:
        _ = job.data
    assert not is_transient(caught.value)
