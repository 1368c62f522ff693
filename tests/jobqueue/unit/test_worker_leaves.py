"""A worker that drains, is cancelled, or loses its leases: nothing stays behind."""

import asyncio

from jobqueue.application.heartbeat import Heartbeat
from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.job import JobState
from jobqueue.domain.verdict import Retry
from tests.jobqueue.fakes.jobs import ids, job, receipt


async def test_a_drain_finishes_what_runs_and_gives_back_the_rest_in_order(bench):
    """Draining finishes running jobs within the grace period and puts the others back where they came from.

    Did: a worker with 4 slots and a full buffer was drained; its jobs took 2 s, the grace period was 10 s.
    Saw: the running ones were done, all others ready again in their order with attempt 1, and nothing was running.
    Otherwise: jobs would stay running until their lease lapses, or lose their place, or count an attempt.
    """

    @bench.handlers.handler("greet")
    async def greet(each):
        await asyncio.sleep(2.0)

    await bench.submit(*(job(n) for n in range(30)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    assert worker.status().ahead > 0
    done_before = (await bench.depth())["done"]
    await worker.drain(grace_s=10.0)
    depth = await bench.depth()
    assert depth == {"done": done_before + 4, "ready": 26 - done_before}
    assert list(bench.memory.queue("q").ready) == ids(range(30))[done_before + 4 :]
    assert (worker.status().running, worker.status().draining) == (0, True)


async def test_what_does_not_finish_in_time_is_cancelled_and_given_back_without_counting(bench):
    cancelled = []

    @bench.handlers.handler("greet")
    async def greet(each):
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            cancelled.append(each.id)
            raise

    await bench.submit(job(1), job(2))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    await worker.drain(grace_s=3.0)
    assert sorted(cancelled) == ids([1, 2])
    assert await bench.depth() == {"ready": 2}
    assert (await bench.memory.find("q", job(1).id)).job.attempt == 1
    assert bench.observer.outcomes() == {"given_back": 2}


async def test_a_handler_that_finishes_while_it_is_cancelled_is_done(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)

    await bench.submit(job(1))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    await worker.drain(grace_s=20.0)
    assert await bench.depth() == {"done": 1}


async def test_a_handler_that_ignores_cancellation_does_not_hold_up_the_drain(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        while True:
            try:
                await asyncio.sleep(3600.0)
            except asyncio.CancelledError:
                if asyncio.get_running_loop().time() > 100.0:
                    raise

    await bench.submit(job(1))
    worker = bench.worker(grace_s=1.0)
    worker.start()
    await asyncio.sleep(1.0)
    async with asyncio.timeout(30.0):
        await worker.drain()
    assert await bench.depth() == {"running": 1}
    await asyncio.sleep(100.0)


async def test_an_idle_worker_drains_within_its_wait_and_twice_is_once(bench):
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    began = asyncio.get_running_loop().time()
    await asyncio.gather(worker.drain(), worker.drain())
    assert asyncio.get_running_loop().time() - began < 2.0


async def test_jobs_that_arrive_while_draining_are_left_to_others(bench):
    ran = []

    @bench.handlers.handler("greet")
    async def greet(each):
        ran.append(each.id)

    worker = bench.worker()
    worker.start()
    await asyncio.sleep(0.1)
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0)
    await bench.submit(job(1), job(2), job(3))
    await draining
    assert ran == []
    assert list(bench.memory.queue("q").ready) == ids([1, 2, 3])


async def test_a_store_that_is_down_during_a_drain_is_asked_again(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        await asyncio.sleep(2.0)

    await bench.submit(*(job(n) for n in range(10)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    bench.store.breaks("*", 6)
    await worker.drain()
    assert "running" not in await bench.depth()


async def test_a_store_that_stays_down_does_not_hold_up_the_drain_for_ever(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        await asyncio.sleep(2.0)

    await bench.submit(*(job(n) for n in range(10)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    bench.store.breaks("*", 10**9)
    async with asyncio.timeout(120.0):
        await worker.drain()


async def test_a_long_job_keeps_its_lease_as_long_as_its_worker_lives(bench):
    """A lease need not be as long as the job, because the heartbeat renews it.

    Did: ran a job of 500 s under leases of 10 s, beside a second worker that reaps.
    Saw: the job was done once, and nothing was reaped.
    Otherwise: the second worker would run the job as well.
    """

    @bench.handlers.handler("greet", timeout_s=1000.0)
    async def greet(each):
        await asyncio.sleep(500.0)

    await bench.submit(job(1))
    one, two = bench.worker("one"), bench.worker("two")
    one.start()
    two.start()
    await asyncio.sleep(510.0)
    assert bench.observer.outcomes() == {"done": 1}
    assert bench.observer.moves["reaped"] == 0
    await asyncio.gather(one.drain(), two.drain())


async def test_a_worker_whose_lease_was_lost_stops_the_job_and_changes_nothing(bench):
    """A job whose lease another holds is stopped where it runs, and its end counts for nothing.

    Did: a running job was reaped from outside and taken by another; then the worker's heartbeat came.
    Saw: the handler was cancelled, the outcome was "lost", and the other's hold was untouched.
    Otherwise: two workers would go on with the same job, and the first to end would speak for both.
    """
    cancelled = []

    @bench.handlers.handler("greet")
    async def greet(each):
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            cancelled.append(each.id)
            raise

    await bench.submit(job(1))
    worker = bench.worker(lease_s=15.0)
    worker.start()
    await asyncio.sleep(1.0)
    view = await bench.memory.find("q", job(1).id)
    now = bench.clock.now()
    stolen = view.job._replace(attempt=2, due_at=now + 600.0)
    token = bench.memory.queue("q").tokens[job(1).id]
    await bench.memory.settle_failed(
        "q", [type("R", (), {"id": job(1).id, "token": token})()], [Retry(stolen)], now=now
    )
    await asyncio.sleep(20.0)
    assert cancelled == ids([1])
    assert bench.observer.outcomes() == {"lost": 1}
    assert bench.observer.lost == ids([1])
    assert (await bench.memory.find("q", job(1).id)).state is JobState.SCHEDULED
    await worker.drain()


async def test_lost_leases_of_jobs_not_yet_started_leave_the_buffer(bench):
    worker = bench.worker()
    traffic = worker._traffic[0]
    await bench.submit(job(1), job(2))
    claim = await bench.memory.acknowledge_and_claim(
        "q", [], wanted=2, token="w.1", now=bench.clock.now() - 20.0, lease_s=15.0, done_max=1000, succeeded={}
    )
    traffic.buffer.extend(claim.leases)
    await bench.memory.acknowledge_and_claim(
        "q", [receipt(claim.leases[0])], wanted=0, token="w.2", now=0.0, lease_s=1.0, done_max=1000, succeeded={}
    )
    await Heartbeat(bench.store, bench.observer, [traffic], [], 15.0).run_once(bench.clock.now())
    assert [lease.job.id for lease in traffic.buffer] == ids([2])
    assert bench.observer.lost == ids([1])


async def test_a_worker_that_lost_everything_it_held_takes_more(bench):
    """A worker that was suspended past its lease goes on when it comes back.

    Did: all that a busy worker held, running and ahead, was reaped from outside, with more jobs ready; then its
        heartbeat came, late.
    Saw: it stopped those, and did all the others.
    Otherwise: it would wait for a slot to take the next job from a buffer that is empty for ever.
    """

    @bench.handlers.handler("greet")
    async def greet(_):
        await asyncio.sleep(0.01)

    await bench.submit(*(job(number) for number in range(1, 1001)))
    worker = bench.worker(concurrency=10)
    traffic = worker._traffic[0]
    worker.start()
    await asyncio.sleep(0.1)
    while len(traffic.buffer) <= traffic._prefetch.low:
        await asyncio.sleep(0.001)
    q, now = bench.memory.queue("q"), bench.clock.now()
    held = [Receipt(job_id, token) for job_id, token in q.tokens.items()]
    later = [Retry((await bench.memory.find("q", each.id)).job._replace(due_at=now + 9999.0)) for each in held]
    await bench.memory.settle_failed("q", held, later, now=now)
    await Heartbeat(bench.store, bench.observer, [traffic], worker._slots, 15.0).run_once(now + 30.0)
    await asyncio.sleep(100.0)
    assert await bench.depth() == {"scheduled": len(held), "done": 1000 - len(held)}
    await worker.drain()


async def test_leases_taken_a_moment_ago_are_not_renewed(bench):
    worker = bench.worker()
    traffic = worker._traffic[0]
    await bench.submit(job(1))
    claim = await bench.memory.acknowledge_and_claim(
        "q", [], wanted=2, token="w.1", now=bench.clock.now(), lease_s=15.0, done_max=1000, succeeded={}
    )
    traffic.buffer.extend(claim.leases)
    await Heartbeat(bench.store, bench.observer, [traffic], [], 15.0).run_once(bench.clock.now() + 2.0)
    assert "renew" not in bench.store.calls
    await Heartbeat(bench.store, bench.observer, [traffic], [], 15.0).run_once(bench.clock.now() + 4.0)
    assert "renew" in bench.store.calls


async def test_the_jobs_of_a_worker_that_vanished_are_done_within_lease_and_two_seconds(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        await asyncio.sleep(0.02)

    await bench.submit(*(job(n) for n in range(100)))
    gone, heir = bench.worker("gone"), bench.worker("heir")
    gone.start()
    await asyncio.sleep(0.1)
    for tasks in gone._tasks.values():
        for task in tasks:
            task.cancel()
    assert "running" in await bench.depth()
    heir.start()
    await asyncio.sleep(15.0 + 2.0)
    assert await bench.depth() == {"done": 100}
    await heir.drain()
