"""The queue of the lesson, next to ours: what two lists keep, and what they cannot."""

import fakeredis
import pytest

from jobqueue.adapters.plain_list_store import PlainListStore, plain_keys
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.errors import StoreRefused
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Bury, Retry, after_lapse
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt


@pytest.fixture
def server():
    return fakeredis.FakeServer()


class Two:
    """Two workers on one server, each with a client of its own, and a client to look with."""

    def __init__(self, server, store):
        self.clients = [fakeredis.FakeAsyncRedis(server=server) for _ in range(3)]
        self.one, self.two = store(self.clients[0]), store(self.clients[1])
        self.look = self.clients[2]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        for client in self.clients:
            await client.aclose()


async def take(store, token, wanted=1, done=(), now=T0):
    return await store.exchange("q", done, wanted=wanted, token=token, now=now, lease_s=10.0)


async def submit(store, *jobs):
    return await store.submit("q", jobs, now=T0, key_for_s=1.0)


async def test_jobs_come_out_in_their_order_and_leave_when_acknowledged(server):
    async with Two(server, PlainListStore) as both:
        await submit(both.one, job(1), job(2), job(3))
        first = await both.one.wait("q", wanted=1, token="a.1", now=T0, lease_s=1.0, wait_s=1.0)
        rest = await take(both.one, "a.2", 9, [receipt(lease) for lease in first.leases])
        assert [lease.job for lease in (*first.leases, *rest.leases)] == [job(1), job(2), job(3)]
        assert await both.look.llen(plain_keys("q").processing + "a") == 2


async def test_a_move_into_a_processing_list_survives_the_worker_and_a_pop_does_not(server):
    """A job moved into a list is still in Redis when its worker dies; a popped one is gone.

    Did: a worker moved one job into its processing list and popped another, then died; `recover` was called.
    Saw: the moved job came back, the popped one was nowhere.
    Otherwise: a plain pop would deliver at least once, and nobody would need the second list.
    """
    async with Two(server, PlainListStore) as both:
        await submit(both.one, job(1), job(2))
        await take(both.one, "a.1")
        await both.look.rpop(plain_keys("q").waiting)
        assert await both.two.recover("q", "a") == 1
        again = await take(both.two, "b.1", 9)
        assert [lease.job.id for lease in again.leases] == ids([1])


async def late_acknowledgement(both, recover):
    """Worker a takes a job and stalls; it is recovered and taken by b; then a acknowledges, and b dies.

    Return whether the job can still be found by whoever recovers b's jobs.
    """
    await submit(both.one, job(1))
    stalled = (await take(both.one, "a.1")).leases[0]
    await recover(stalled)
    present = (await take(both.two, "b.1", now=T0 + 20.0)).leases[0]
    answer = await take(both.one, "a.2", 0, [receipt(stalled)], now=T0 + 20.0)
    return present, answer


async def test_a_late_worker_is_refused_by_tokens_and_not_by_lists(server):
    """With lease tokens a late worker hears that its acknowledgement was refused; with lists it hears that all is well.

    Did: the same late acknowledgement was sent to both stores.
    Saw: the plain store refused nothing, ours refused it.
    Otherwise: either both would refuse, or both would let the late worker believe that its run counted.
    """
    async with Two(server, PlainListStore) as both:
        _, answer = await late_acknowledgement(both, lambda _: both.two.recover("q", "a"))
        assert list(answer.refused) == []
    async with Two(fakeredis.FakeServer(), RedisJobStore) as both:

        async def reap(lease):
            verdict = after_lapse(lease, RetryPolicy(), now=T0 + 11.0)
            await both.two.fail("q", [receipt(lease)], [verdict], now=T0 + 11.0, lapsed_before=T0 + 11.0)
            await both.two.promote("q", now=T0 + 11.0, limit=1)

        _, answer = await late_acknowledgement(both, reap)
        assert list(answer.refused) == [job(1).id]


async def test_recover_on_a_living_worker_runs_its_job_twice(server):
    async with Two(server, PlainListStore) as both:
        await submit(both.one, job(1))
        await take(both.one, "a.1")
        await both.two.recover("q", "a")
        assert [lease.job.id for lease in (await take(both.two, "b.1")).leases] == ids([1])


async def test_a_repeated_submit_makes_a_second_job(server):
    async with Two(server, PlainListStore) as both:
        await submit(both.one, job(1))
        await submit(both.one, job(1))
        assert len((await take(both.one, "a.1", 9)).leases) == 2


async def test_failures_are_pushed_at_once_or_buried_and_given_back_jobs_are_next(server):
    async with Two(server, PlainListStore) as both:
        await submit(both.one, job(1), job(2), job(3))
        one, two, three = (await take(both.one, "a.1", 3)).leases
        await both.one.give_back("q", [receipt(two), receipt(three)], now=T0)
        retried = one.job._replace(attempt=2)
        await both.one.fail("q", [receipt(one)], [Retry(retried)], now=T0)
        again = (await take(both.one, "a.2", 9)).leases
        assert [lease.job for lease in again] == [job(2), job(3), retried]
        await both.one.fail("q", [receipt(again[0])], [Bury(job(2))], now=T0)
        assert await both.look.llen(plain_keys("q").buried) == 1
        assert await both.one.renew("q", [receipt(again[1])], now=T0, lease_s=1.0) == []


async def test_delays_and_keys_are_refused_and_rubbish_is_shown(server):
    async with Two(server, PlainListStore) as both:
        with pytest.raises(StoreRefused, match="neither delays nor idempotency keys"):
            await submit(both.one, job(1, due_in_s=5.0))
        await both.look.lpush(plain_keys("q").waiting, b"rubbish")
        broken = (await take(both.one, "a.1")).unreadable[0]
        assert broken.raw == b""
        await both.one.fail("q", [Receipt(broken.id, broken.token)], [Bury(job(9))], now=T0)
        assert await both.look.llen(plain_keys("q").buried) == 1
        assert not (await both.one.wait("q", wanted=1, token="a.1", now=T0, lease_s=1.0, wait_s=0.01)).leases
