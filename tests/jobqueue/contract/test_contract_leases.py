"""The store's contract: taking, acknowledging, failing, giving back, renewing; and who is refused."""

import random

import pytest

from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.errors import TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Bury, Retry, after_failure, after_lapse, unreadable_job
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt


def retried(lease, due_in_s=5.0):
    return Retry(lease.job._replace(attempt=lease.job.attempt + 1, due_at=T0 + due_in_s))


async def test_a_taken_job_is_running_and_nobody_else_gets_it(engine):
    """A claim moves a job, so two workers never hold the same one.

    Did: let one worker take the only ready job, and another ask for nine at the same instant.
    Saw: the first holds it under its token, running; the second got nothing.
    Otherwise: both would have been handed the job.
    """
    lease = (await engine.claimed())[0]
    assert (lease.job, lease.expires_at) == (job(1), T0 + 10.0)
    assert not (
        await engine.other.acknowledge_and_claim(
            "q", [], wanted=9, token="x.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
        )
    ).leases
    view = await engine.store.find("q", lease.job.id)
    assert (view.state, view.at, view.token) == (JobState.RUNNING, T0 + 10.0, lease.token)


async def test_one_round_trip_acknowledges_and_takes(engine, nothing_is_lost):
    first = (await engine.claimed(2))[:2]
    await engine.submit(job(3))
    claim = await engine.claim(5, done=[receipt(lease) for lease in first])
    assert [lease.job.id for lease in claim.leases] == ids([3])
    assert not claim.refused
    assert await engine.depth() == {"running": 1, "done": 2}
    nothing_is_lost(await engine.where())


async def test_nothing_wanted_takes_nothing(engine):
    await engine.submit(job(1))
    assert not (await engine.claim(0)).leases
    assert await engine.depth() == {"ready": 1}


async def test_an_acknowledgement_that_is_repeated_is_refused_and_changes_nothing(engine):
    lease = (await engine.claimed())[0]
    await engine.claim(0, done=[receipt(lease)])
    again = await engine.claim(0, done=[receipt(lease)])
    assert again.refused == [lease.job.id]
    assert await engine.depth() == {"done": 1}


async def test_a_late_worker_is_refused_whatever_it_asks(engine, nothing_is_lost):
    """A worker whose lease lapsed, whose job was reaped and is another's by now, can change nothing.

    Did: a job was taken, reaped and taken again; then its first holder acknowledged, retried, buried, gave back and
    renewed it.
    Saw: each was refused, and the second holder's acknowledgement counted.
    Otherwise: the late acknowledgement would have ended the second holder's run, as with a check of membership only.
    """
    late = (await engine.claimed())[0]
    at = T0 + 11.0
    lapse = after_lapse(late, RetryPolicy(), now=at)
    await engine.store.settle_failed("q", [receipt(late)], [lapse], now=at, lapsed_before=at)
    await engine.store.promote("q", now=T0 + 11.0, limit=9)
    present = (await engine.claim(1, T0 + 11.0)).leases[0]
    assert present.job.attempt == 2

    mine = [receipt(late)]
    assert (await engine.claim(0, T0 + 12.0, done=mine)).refused == [late.job.id]
    assert await engine.store.settle_failed("q", mine, [retried(late)], now=T0 + 12.0) == [late.job.id]
    assert await engine.store.settle_failed("q", mine, [Bury(late.job)], now=T0 + 12.0) == [late.job.id]
    assert await engine.store.give_back("q", mine, now=T0 + 12.0) == [late.job.id]
    assert await engine.store.renew("q", mine, now=T0 + 12.0, lease_s=10.0) == [late.job.id]
    view = await engine.store.find("q", late.job.id)
    assert (view.state, view.token, view.job.attempt) == (JobState.RUNNING, present.token, 2)

    assert not (await engine.claim(0, T0 + 13.0, done=[receipt(present)])).refused
    assert await engine.depth() == {"done": 1}
    nothing_is_lost(await engine.where())


async def test_a_retry_is_scheduled_with_the_next_attempt(engine):
    lease = (await engine.claimed())[0]
    policy = RetryPolicy(max_attempts=3, base_s=1.0, cap_s=8.0)
    verdict = after_failure(lease.job, TransientError("no route"), policy, now=T0 + 1.0, rng=random.Random(1))
    assert await engine.store.settle_failed("q", [receipt(lease)], [verdict], now=T0 + 1.0) == []
    view = await engine.store.find("q", lease.job.id)
    assert (view.state, view.job) == (JobState.SCHEDULED, verdict.job)
    assert view.job.attempt == 2
    assert view.job.failures[0].causes[0].message == "no route"


async def test_a_batch_of_verdicts_settles_each_its_way(engine, nothing_is_lost):
    one, two, three = await engine.claimed(3)
    stranger = Receipt(three.job.id, "someone.else")
    refused = await engine.store.settle_failed(
        "q",
        [receipt(one), receipt(two), stranger],
        [retried(one), Bury(two.job), retried(three)],
        now=T0 + 2.0,
    )
    assert refused == [three.job.id]
    assert await engine.depth() == {"scheduled": 1, "dead": 1, "running": 1}
    assert (await engine.store.find("q", two.job.id)).at == T0 + 2.0
    nothing_is_lost(await engine.where())


async def test_jobs_given_back_are_at_the_head_in_their_order_and_keep_their_attempt(engine):
    leases = await engine.claimed(3)
    await engine.submit(job(4))
    assert await engine.store.give_back("q", [receipt(lease) for lease in leases], now=T0) == []
    assert [lease.job for lease in (await engine.claim(9)).leases] == [job(1), job(2), job(3), job(4)]


async def test_a_renewed_lease_ends_later_and_is_not_reaped(engine):
    lease = (await engine.claimed())[0]
    assert await engine.store.renew("q", [receipt(lease)], now=T0 + 9.0, lease_s=10.0) == []
    assert not (await engine.store.lapsed("q", before=T0 + 18.0, limit=9)).leases
    assert (await engine.store.lapsed("q", before=T0 + 20.0, limit=9)).leases[0].expires_at == T0 + 19.0


async def test_renewal_tells_exactly_which_leases_are_lost(engine):
    one, two = await engine.claimed(2)
    await engine.claim(0, done=[receipt(one)])
    assert await engine.store.renew("q", [receipt(one), receipt(two)], now=T0 + 1.0, lease_s=10.0) == [one.job.id]


async def test_two_reapers_find_the_same_job_and_one_wins(engine, nothing_is_lost):
    """Of two reapers that list a lapsed job at the same time, one moves it.

    Did: two processes listed the same lapsed lease, and both carried out their verdict.
    Saw: the first one's was done, the second one's refused, and the job was there once, with attempt 2.
    Otherwise: the job would be scheduled twice, or its attempt counted twice.
    """
    await engine.claimed()
    at = T0 + 11.0
    seen = [await store.lapsed("q", before=at, limit=9) for store in (engine.store, engine.other)]
    refused = []
    for store, lapsed in zip((engine.store, engine.other), seen, strict=True):
        lease = lapsed.leases[0]
        verdict = after_lapse(lease, RetryPolicy(), now=at)
        refused.append(await store.settle_failed("q", [receipt(lease)], [verdict], now=at, lapsed_before=at))
    assert refused == [[], ids([1])[:1]]
    assert (await engine.store.find("q", job(1).id)).job.attempt == 2
    assert await engine.depth() == {"scheduled": 1}
    nothing_is_lost(await engine.where())


async def test_a_worker_that_renews_between_list_and_move_keeps_its_job(engine):
    """A heartbeat that arrives between the reaper's look and its move saves the job.

    Did: listed a lapsed lease, let its worker renew it, and then carried out the reaper's verdict.
    Saw: the verdict was refused, and the job was still running.
    Otherwise: the job would be scheduled for another attempt while its worker is at it.
    """
    lease = (await engine.claimed())[0]
    lapsed = (await engine.store.lapsed("q", before=T0 + 11.0, limit=9)).leases[0]
    await engine.store.renew("q", [receipt(lease)], now=T0 + 11.0, lease_s=10.0)
    verdict = after_lapse(lapsed, RetryPolicy(), now=T0 + 11.0)
    refused = await engine.store.settle_failed(
        "q", [receipt(lapsed)], [verdict], now=T0 + 11.0, lapsed_before=T0 + 11.0
    )
    assert refused == [lease.job.id]
    assert await engine.state(lease.job.id) == JobState.RUNNING


@pytest.mark.parametrize("skew_s", [-0.4, 0.4])
async def test_a_clock_that_is_wrong_by_less_than_the_slack_reaps_nobody_who_renews(engine, skew_s):
    lease = (await engine.claimed())[0]
    for beat in range(1, 20):
        at = T0 + beat * 10.0 / 3
        reaper_now = at + skew_s
        assert not (await engine.other.lapsed("q", before=reaper_now - 0.5, limit=9)).leases
        assert await engine.store.renew("q", [receipt(lease)], now=at, lease_s=10.0) == []


async def test_a_crash_between_take_and_acknowledge_loses_nothing(engine, nothing_is_lost):
    await engine.claimed(3)  # and here the worker dies
    at = T0 + 10.6
    lapsed = (await engine.other.lapsed("q", before=at - 0.5, limit=9)).leases
    verdicts = [after_lapse(lease, RetryPolicy(), now=at) for lease in lapsed]
    await engine.other.settle_failed(
        "q", [receipt(lease) for lease in lapsed], verdicts, now=at, lapsed_before=at - 0.5
    )
    assert await engine.other.promote("q", now=at, limit=9) == 3
    again = (await engine.claim(9, at)).leases
    assert sorted((lease.job.id, lease.job.attempt) for lease in again) == [(job_id, 2) for job_id in ids([1, 2, 3])]
    nothing_is_lost(await engine.where())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe",
        b"{}",
        b"[1]",
        b'[1,"greet",1,1.0',
        b'[1,"greet",1,1.0,1.0]',
        b'[99,"greet",1,1.0,1.0]\n{}',
        b'[1,"greet",0,1.0,1.0]\n{}',
        b"[1,7,1,1.0,1.0]\n{}",
        b'[1,"greet",1,1.0,1.0,{"f":[[1]]}]\n{}',
        b'[1,"greet",1,1.0,1.0,7]\n{}',
        b"[" * 100_000,
    ],
)
async def test_an_undecodable_record_is_taken_buried_as_it_is_and_does_not_loop(engine, raw, nothing_is_lost):
    """Bytes that are no record cannot hold up the jobs behind them.

    Did: planted bytes that are no record under a ready job's id, took, and buried what could not be read.
    Saw: the job behind it was handed out; the bytes are a dead letter, unchanged, with the reason.
    Otherwise: the claim would fail for ever, or the bytes would be gone.
    """
    await engine.submit(job(1), job(2))
    await engine.plant(job(1).id, raw)
    claim = await engine.claim()
    assert [lease.job for lease in claim.leases] == [job(2)]
    broken = claim.unreadable[0]
    assert (broken.id, broken.raw) == (job(1).id, raw)
    verdict = Bury(unreadable_job(broken.id, "q", broken.raw, broken.problem, T0))
    assert await engine.store.settle_failed("q", [Receipt(broken.id, broken.token)], [verdict], now=T0) == []
    dead = (await engine.store.dead("q", start=0, limit=9))[0]
    assert (dead.job.type, dead.job.payload) == ("unreadable", raw)
    assert "UndecodableRecord" in dead.job.failures[0].causes[0].type
    assert await engine.depth() == {"running": 1, "dead": 1}
    nothing_is_lost(await engine.where())


async def test_an_undecodable_record_whose_worker_died_is_listed_for_the_reaper(engine):
    await engine.claimed()
    await engine.plant(job(1).id, b"rubbish")
    lapsed = await engine.store.lapsed("q", before=T0 + 20.0, limit=9)
    assert not lapsed.leases
    assert lapsed.unreadable[0].raw == b"rubbish"


async def test_waiting_brings_what_is_ready(engine):
    await engine.submit(job(1), job(2))
    claim = await engine.store.wait_and_claim("q", wanted=1, token="w.1", now=T0, lease_s=10.0, wait_s=0.1)
    assert [lease.job.id for lease in claim.leases] == ids([1])
    assert await engine.depth() == {"ready": 1, "running": 1}


async def test_waiting_for_an_empty_queue_ends_with_nothing(engine):
    claim = await engine.store.wait_and_claim("q", wanted=1, token="w.1", now=T0, lease_s=10.0, wait_s=0.01)
    assert (list(claim.leases), list(claim.refused)) == ([], [])
