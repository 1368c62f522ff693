"""Heartbeats that are lost or have no answer: a lease survives two in a row, whenever it was claimed."""

import asyncio

import pytest

from jobqueue.domain.errors import StoreUnavailable
from jobqueue.domain.job import JobState
from tests.jobqueue.fakes.jobs import job

LEASE_S = 15.0
PHASES = 100
APART_S = 0.06  # so that the claims are spread over two heartbeat intervals


def runs_for(bench, seconds):
    @bench.handlers.handler("greet", timeout_s=1000.0)
    async def greet(_):
        await asyncio.sleep(seconds)


async def shortest_life(bench, until_s):
    """Look at all leases ten times a second until that instant, and return the least time that one had to live."""
    shortest = LEASE_S
    while bench.clock.ticks() < until_s:
        ends = bench.memory.queue("q").leases.score.values()
        shortest = min([shortest, *(at - bench.clock.now() for at in ends)])
        await asyncio.sleep(0.1)
    return shortest


@pytest.mark.parametrize("fault", ["breaks", "hangs"])
@pytest.mark.parametrize("first_lost", range(3))
async def test_a_lease_survives_two_lost_heartbeats_in_a_row_whenever_it_was_claimed(bench, fault, first_lost):
    """Two lost heartbeats must not cost a worker its job.

    Did: claimed 100 long jobs one after the other, spread over several heartbeats, then lost two heartbeats in a row,
        refused or without an answer; three times, so that the first lost one came at another age of the leases.
    Saw: every lease had time left until the next heartbeat renewed it, and the reaper moved nothing.
    Otherwise: a lease that is renewed only from its second heartbeat on would lapse, and its job would run twice.
    """
    runs_for(bench, 100.0)
    worker = bench.worker(concurrency=PHASES, lease_s=LEASE_S)
    worker.start()
    for number in range(PHASES):
        await bench.submit(job(number))
        await asyncio.sleep(APART_S)
    for _ in range(first_lost):
        before = bench.store.calls.count("renew")
        while bench.store.calls.count("renew") == before:
            await asyncio.sleep(0.1)
    getattr(bench.store, fault)("renew", 2)
    assert await shortest_life(bench, bench.clock.ticks() + 2 * LEASE_S) > 0.0
    assert bench.observer.moves["reaped"] == 0
    assert len(bench.observer.failures) == 2
    await worker.drain(grace_s=100.0)
    assert bench.observer.outcomes() == {"done": PHASES}


@pytest.mark.parametrize("claimed_after_s", [phase * LEASE_S / PHASES for phase in range(PHASES)])
async def test_a_new_lease_survives_the_loss_of_its_first_two_heartbeats(bench, claimed_after_s):
    """The same for a lease that no heartbeat has renewed yet: the phase of its claim is what differs."""
    runs_for(bench, 3 * LEASE_S)
    worker = bench.worker(concurrency=1, lease_s=LEASE_S)
    worker.start()
    await asyncio.sleep(claimed_after_s)
    bench.store.breaks("renew", 2)  # the job's lease is the only one, so these are its first two
    await bench.submit(job(1))
    await asyncio.sleep(0.001)
    assert await shortest_life(bench, bench.clock.ticks() + 2 * LEASE_S) > 0.0
    assert bench.observer.moves["reaped"] == 0
    assert (await bench.memory.find("q", job(1).id)).state is JobState.RUNNING
    await worker.drain(grace_s=100.0)


async def test_a_heartbeat_without_an_answer_is_abandoned_before_the_next_is_due(bench):
    runs_for(bench, 100.0)
    worker = bench.worker(concurrency=1, lease_s=LEASE_S)
    worker.start()
    await bench.submit(job(1))
    bench.store.hangs("renew", 1)
    await asyncio.sleep(2 * LEASE_S / 5)
    (where, error), *_ = bench.observer.failures
    assert (where, str(error)) == ("heartbeat", "no answer within 2.7 s; tried again")
    await asyncio.sleep(LEASE_S / 5)
    assert bench.store.calls.count("renew") >= 2
    await worker.drain(grace_s=100.0)


async def test_a_queue_without_an_answer_does_not_cost_another_its_leases(bench):
    """On a Cluster each queue may be on another server."""
    runs_for(bench, 3 * LEASE_S)
    worker = bench.worker(queues=("away", "q"), lease_s=LEASE_S)
    worker.start()
    await bench.submit(job(1, queue="away"), queue="away")
    await bench.submit(job(2))
    renew = bench.memory.renew

    async def one_is_away(queue, *args, **kwargs):
        if queue == "away":
            await asyncio.get_running_loop().create_future()
        return await renew(queue, *args, **kwargs)

    bench.memory.renew = one_is_away
    assert await shortest_life(bench, bench.clock.ticks() + 2 * LEASE_S) > 0.0
    bench.memory.renew = renew
    await worker.drain(grace_s=100.0)


async def test_renewals_that_fail_for_several_queues_are_reported_together(bench):
    runs_for(bench, LEASE_S)
    worker = bench.worker(queues=("q", "r"), lease_s=LEASE_S)
    worker.start()
    await bench.submit(job(1))
    await bench.submit(job(2, queue="r"), queue="r")
    await asyncio.sleep(0.001)
    bench.store.breaks("renew", 2)
    await asyncio.sleep(2 * LEASE_S / 5)
    ((where, error),) = bench.observer.failures
    assert where == "heartbeat"
    assert isinstance(error, ExceptionGroup)
    assert [type(each) for each in error.exceptions] == [StoreUnavailable] * 2
    await worker.drain(grace_s=100.0)
