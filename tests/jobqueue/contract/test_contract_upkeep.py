"""The store's contract: promoting, trimming, looking, cancelling and re-driving."""

import pytest

from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.job import JobState
from jobqueue.domain.verdict import Bury, Retry, redriven
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt


async def bury(engine, count, at=T0):
    """Submit, take and bury that many jobs; return them."""
    leases = await engine.claimed(count, at=at)
    receipts = [receipt(lease) for lease in leases]
    await engine.store.settle_failed("q", receipts, [Bury(lease.job) for lease in leases], now=at)
    return [lease.job for lease in leases]


async def test_only_what_is_due_is_promoted_earliest_first_and_up_to_the_limit(engine):
    await engine.submit(*(job(number, due_in_s=10.0 - number) for number in range(5)))
    assert await engine.store.promote("q", now=T0 + 8.0, limit=2) == 2
    assert await engine.other.promote("q", now=T0 + 8.0, limit=9) == 1
    assert await engine.store.promote("q", now=T0 + 8.0, limit=9) == 0
    assert (await engine.where())["ready"] == ids([4, 3, 2])
    assert await engine.depth() == {"ready": 3, "scheduled": 2}


async def test_done_jobs_beyond_number_or_age_are_removed_oldest_first(engine, nothing_is_lost):
    for number in range(6):
        await engine.submit(job(number))
        lease = (await engine.claim(1, T0 + number)).leases[0]
        await engine.claim(0, T0 + number, done=[receipt(lease)])
    keep = {"done_for_s": 100.0, "done_max": 4, "dead_for_s": 1.0, "dead_max": 1}
    assert await engine.store.trim("q", now=T0 + 6.0, limit=1, **keep) == 1
    assert await engine.store.trim("q", now=T0 + 6.0, limit=9, **keep) == 1
    assert (await engine.where())["done"] == ids([2, 3, 4, 5])
    assert await engine.store.trim("q", now=T0 + 103.5, limit=9, **keep) == 2
    assert (await engine.where())["done"] == ids([4, 5])
    nothing_is_lost(await engine.where())


async def test_an_acknowledgement_keeps_only_the_latest_done_jobs(engine, nothing_is_lost):
    for number in range(8):
        await engine.submit(job(number))
        lease = (await engine.claim(1, T0 + number)).leases[0]
        await engine.claim(0, T0 + number, done=[receipt(lease)])
    assert (await engine.where())["done"] == ids(range(2, 8))
    nothing_is_lost(await engine.where())


async def test_dead_jobs_are_trimmed_by_their_own_retention(engine, nothing_is_lost):
    await bury(engine, 5)
    keep = {"done_for_s": 0.0, "done_max": 0, "dead_for_s": 50.0, "dead_max": 3}
    assert await engine.store.trim("q", now=T0 + 1.0, limit=9, **keep) == 2
    assert await engine.store.trim("q", now=T0 + 51.0, limit=9, **keep) == 3
    assert await engine.depth() == {}
    nothing_is_lost(await engine.where())


async def test_a_job_is_found_in_each_state(engine):
    assert await engine.store.find("q", job(1).id) is None
    await engine.submit(job(1, due_in_s=5.0))
    seen = [(await engine.store.find("q", job(1).id)).state]
    await engine.store.promote("q", now=T0 + 5.0, limit=9)
    seen.append((await engine.store.find("q", job(1).id)).state)
    lease = (await engine.claim(1, T0 + 5.0)).leases[0]
    seen.append((await engine.store.find("q", job(1).id)).state)
    await engine.claim(0, T0 + 6.0, done=[receipt(lease)])
    view = await engine.store.find("q", job(1).id)
    assert [*seen, view.state] == ["scheduled", "ready", "running", "done"]
    assert view.at == T0 + 6.0


async def test_looking_at_an_undecodable_record_says_so(engine):
    await engine.submit(job(1))
    await engine.plant(job(1).id, b"rubbish")
    with pytest.raises(UndecodableRecord, match="rubbish"):
        await engine.store.find("q", job(1).id)
    assert (await engine.store.stats("q", now=T0)).oldest_ready_age_s == 0.0


@pytest.mark.parametrize("due_in_s", [0.0, 60.0])
async def test_a_job_that_does_not_run_yet_is_cancelled_once(engine, due_in_s, nothing_is_lost):
    waiting = job(1, due_in_s=due_in_s)
    await engine.submit(waiting, job(2))
    seen = await engine.store.find("q", waiting.id)
    assert await engine.store.cancel("q", seen, waiting, now=T0 + 1.0)
    assert not await engine.other.cancel("q", seen, waiting, now=T0 + 1.0)
    assert await engine.state(waiting.id) == JobState.DEAD
    assert [lease.job.id for lease in (await engine.claim()).leases] == ids([2])
    nothing_is_lost(await engine.where())


async def test_a_job_that_was_taken_meanwhile_is_not_cancelled(engine):
    await engine.submit(job(1))
    seen = await engine.store.find("q", job(1).id)
    await engine.claim()
    assert not await engine.store.cancel("q", seen, job(1), now=T0)
    assert await engine.state(job(1).id) == JobState.RUNNING


async def test_a_job_that_has_changed_since_it_was_seen_is_not_cancelled(engine):
    await engine.submit(job(1))
    seen = await engine.store.find("q", job(1).id)
    lease = (await engine.claim()).leases[0]
    second = lease.job._replace(attempt=2, due_at=T0 + 9.0)
    await engine.store.settle_failed("q", [receipt(lease)], [Retry(second)], now=T0)
    assert not await engine.store.cancel("q", seen, job(1), now=T0)
    assert (await engine.store.find("q", job(1).id)).job.attempt == 2


async def test_the_dead_are_listed_longest_dead_first_page_by_page(engine):
    await bury(engine, 3)
    await engine.submit(job(9))
    lease = (await engine.claim()).leases[0]
    await engine.store.settle_failed("q", [receipt(lease)], [Bury(lease.job)], now=T0 + 7.0)
    first = await engine.store.dead("q", start=0, limit=3)
    rest = await engine.store.dead("q", start=3, limit=3)
    assert [dead.job.id for dead in (*first, *rest)] == ids([1, 2, 3, 9])
    assert rest[0].died_at == T0 + 7.0
    assert await engine.store.dead("q", start=4, limit=3) == []


async def test_a_dead_job_is_sent_back_once_with_its_provenance(engine, nothing_is_lost):
    jobs = await bury(engine, 2)
    back = [redriven(each, died_at=T0, now=T0 + 60.0) for each in jobs]
    assert await engine.store.redrive("q", [*back, job(77)], now=T0 + 60.0) == [True, True, False]
    assert await engine.other.redrive("q", back, now=T0 + 61.0) == [False, False]
    leases = (await engine.claim(9, T0 + 60.0)).leases
    assert [lease.job for lease in leases] == back
    assert leases[0].job.redriven[0] == (T0 + 60.0, T0, 1)
    nothing_is_lost(await engine.where())


async def test_stats_count_every_state_and_tell_ages(engine):
    await bury(engine, 1)
    await engine.submit(job(2), job(3), job(4), job(5, due_in_s=3.0))
    leases = (await engine.claim(2)).leases
    await engine.claim(0, done=[receipt(leases[0])])
    stats = await engine.store.stats("q", now=T0 + 8.0)
    assert {state.value: count for state, count in stats.depth.items()} == {
        "scheduled": 1,
        "ready": 1,
        "running": 1,
        "done": 1,
        "dead": 1,
    }
    assert (stats.oldest_ready_age_s, stats.oldest_due_age_s) == (8.0, 5.0)


async def test_an_empty_queue_has_stats(engine):
    stats = await engine.store.stats("never-used", now=T0)
    assert set(stats.depth.values()) == {0}
    assert (stats.oldest_ready_age_s, stats.oldest_due_age_s) == (0.0, 0.0)
    await engine.store.ping()
