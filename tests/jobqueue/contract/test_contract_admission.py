"""Retries wait apart from delayed jobs, and an admission spends an allowance once."""

from jobqueue.domain.admission import AdmissionPolicy, Allowance, Attempts
from jobqueue.domain.errors import TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.verdict import Bury, Redeliver, Retry, noted
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt

POLICY = AdmissionPolicy()


async def fail(engine, *jobs, due_in_s=1.0, at=T0):
    """Submit, claim and fail these jobs; each is a retry that is due after so many seconds."""
    await engine.submit(*jobs, at=at)
    leases = (await engine.claim(len(jobs), at)).leases
    verdicts = [
        Retry(noted(lease.job, TransientError("x"), at)._replace(attempt=2, due_at=at + due_in_s)) for lease in leases
    ]
    assert await engine.store.settle_failed("q", [receipt(lease) for lease in leases], verdicts, now=at) == []
    return [verdict.job for verdict in verdicts]


async def admit(engine, seen, limit, at=T0 + 2.0, store=None):
    _, allowance = POLICY.admit(seen.allowance, seen.counted, limit, now=at)
    return await (store or engine.store).admit_retries("q", seen, allowance=allowance, now=at, limit=limit)


async def test_a_retry_is_scheduled_and_is_not_promoted(engine, nothing_is_lost):
    (retried,) = await fail(engine, job(1))
    assert await engine.store.promote("q", now=T0 + 100.0, limit=9) == 0
    view = await engine.store.find("q", job(1).id)
    assert (view.state, view.job, view.at) == (JobState.SCHEDULED, retried, retried.due_at)
    stats = await engine.store.stats("q", now=T0)
    assert (stats.depth[JobState.SCHEDULED], stats.retries) == (1, 1)
    nothing_is_lost(await engine.where())


async def test_a_redelivered_job_waits_for_no_admission(engine):
    await engine.submit(job(1))
    lease = (await engine.claim()).leases[0]
    verdict = Redeliver(lease.job._replace(attempt=2, due_at=T0 + 1.0))
    await engine.store.settle_failed("q", [receipt(lease)], [verdict], now=T0 + 1.0)
    assert await engine.store.due_retries("q", now=T0 + 5.0) == []
    assert await engine.store.promote("q", now=T0 + 5.0, limit=9) == 1


async def test_due_retries_are_listed_by_type_with_what_was_counted(engine):
    await fail(engine, job(1), job(2), job(3, kind="mail"))
    await fail(engine, job(4, kind="slow"), due_in_s=50.0)
    await engine.submit(job(5))
    done = (await engine.claim()).leases[0]
    await engine.claim(0, done=[receipt(done)], succeeded={"greet": 1})
    assert await engine.store.due_retries("q", now=T0 + 0.5) == []
    greet, mail = await engine.store.due_retries("q", now=T0 + 1.0)
    assert greet == ("greet", 2, Attempts(1, 2), None, b"")
    assert mail == ("mail", 1, Attempts(0, 1), None, b"")


async def test_the_earliest_retries_are_admitted_and_their_type_alone(engine, nothing_is_lost):
    await fail(engine, job(1), due_in_s=1.5)
    await fail(engine, job(2, kind="mail"), due_in_s=0.1)
    await fail(engine, job(3), job(4), due_in_s=0.5)
    greet = (await engine.store.due_retries("q", now=T0 + 2.0))[0]
    assert await admit(engine, greet, 2) == 2
    assert (await engine.where())["ready"] == ids([3, 4])
    assert (await engine.where())["retries"] == ids([1, 2])
    nothing_is_lost(await engine.where())


async def test_a_retry_that_is_not_due_is_not_admitted(engine):
    await fail(engine, job(1))
    await fail(engine, job(2), due_in_s=5.0)
    seen = (await engine.store.due_retries("q", now=T0 + 2.0))[0]
    assert await admit(engine, seen, 9) == 1
    assert (await engine.where())["retries"] == ids([2])


async def test_of_two_processes_one_spends_the_allowance(engine, nothing_is_lost):
    """However many workers a fleet has, an allowance is spent once.

    Did: two processes looked at the same allowance, and both admitted the retry that it pays for.
    Saw: the first one's was moved, the second one's refused, and a later look shows what was spent.
    Otherwise: a fleet of ten would put ten times the retries on a dependency that is down.
    """
    await fail(engine, job(1), job(2), job(3))
    seen = (await engine.store.due_retries("q", now=T0 + 2.0))[0]
    assert await admit(engine, seen, 1) == 1
    assert await admit(engine, seen, 1, store=engine.other) == 0
    assert (await engine.where())["ready"] == ids([1])
    later = (await engine.store.due_retries("q", now=T0 + 2.0))[0]
    assert (later.due, later.allowance) == (2, Allowance(T0 + 2.0, Attempts(0, 3), saved=2.0))
    assert await admit(engine, later, 2) == 2
    nothing_is_lost(await engine.where())


async def test_a_cancelled_retry_is_dead_and_never_admitted(engine, nothing_is_lost):
    await fail(engine, job(1))
    seen = await engine.store.find("q", job(1).id)
    assert await engine.store.cancel("q", seen, noted(seen.job, ValueError("x"), T0), now=T0)
    assert await engine.state(job(1).id) == JobState.DEAD
    assert await engine.store.due_retries("q", now=T0 + 9.0) == []
    nothing_is_lost(await engine.where())


async def test_only_retries_count_as_failed_and_only_what_was_acknowledged_as_succeeded(engine):
    await fail(engine, job(1))
    await engine.submit(job(2), job(3))
    two, three = (await engine.claim()).leases
    await engine.store.settle_failed("q", [receipt(two)], [Bury(two.job)], now=T0)
    await engine.claim(0, done=[receipt(two)], succeeded={"greet": 1})  # refused: it is not running
    await engine.claim(0, done=[receipt(three)], succeeded={"greet": 1})
    assert (await engine.store.due_retries("q", now=T0 + 2.0))[0].counted == Attempts(1, 1)
