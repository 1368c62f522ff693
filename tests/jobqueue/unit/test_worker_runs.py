"""A worker on virtual time: what it runs, how attempts end, what a failing store changes."""

import asyncio

import pytest

from jobqueue.domain import defaults
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from tests.jobqueue.fakes.jobs import ids, job


async def test_every_job_is_run_once_and_done(bench):
    ran = []

    @bench.handlers.handler("greet")
    async def greet(each):
        ran.append(each.data["n"])

    await bench.submit(*(job(n, payload=b'{"n":%d}' % n) for n in range(100)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    assert sorted(ran) == list(range(100))
    assert await bench.depth() == {"done": 100}
    assert bench.observer.outcomes() == {"done": 100}
    await worker.drain()


async def test_a_job_submitted_to_an_idle_worker_starts_at_once(bench):
    started_at = []

    @bench.handlers.handler("greet")
    async def greet(each):
        started_at.append(asyncio.get_running_loop().time())

    worker = bench.worker()
    worker.start()
    await asyncio.sleep(0.5)
    await bench.submit(job(1))
    await asyncio.sleep(0.5)
    assert started_at == [0.5]
    await worker.drain()


async def test_no_more_than_the_limit_run_at_once_and_little_is_taken_ahead_of_slow_jobs(bench):
    running, most, held = 0, 0, 0

    @bench.handlers.handler("greet")
    async def greet(each):
        nonlocal running, most, held
        running += 1
        most = max(most, running)
        await asyncio.sleep(10.0)
        held = max(held, (await bench.depth())["running"])
        running -= 1

    await bench.submit(*(job(n) for n in range(40)))
    worker = bench.worker(concurrency=4, prefetch=500)
    worker.start()
    await asyncio.sleep(101.0)
    assert most == 4
    assert held <= 4 + 2 * 4
    assert await bench.depth() == {"done": 40}
    await worker.drain()


async def test_more_is_sent_for_while_jobs_that_never_wait_are_still_held(bench):
    """A worker of fast jobs takes the next ones while it runs the last: worker and store do not take turns.

    Did: ran 2,000 jobs that never let go of the loop through 50 slots, and noted at each trip what was still held.
    Saw: at least 50 jobs, once the first trips had told the pace, until the queue was empty.
    Otherwise: each trip would leave with nothing held, and the slots would idle while the store works.
    """
    ahead = []

    @bench.handlers.handler("greet")
    async def greet(each):
        pass  # it never lets go of the loop

    async def acknowledge_and_claim(*args, **named):
        ahead.append(worker.status().ahead)
        return await bench.memory.acknowledge_and_claim(*args, **named)

    bench.store.acknowledge_and_claim = acknowledge_and_claim
    await bench.submit(*(job(n) for n in range(2000)))
    worker = bench.worker(concurrency=50, prefetch=200)
    worker.start()
    await asyncio.sleep(1.0)
    assert (await bench.depth())["done"] == defaults.DONE_MAX
    assert bench.observer.outcomes() == {"done": 2000}
    # A trip is due when a hundred are left, and each slot may start one more before it leaves. The first trips find
    # nothing held, and neither do the last.
    assert min(ahead[2:-3]) >= 100 - 50, ahead
    await worker.drain()


async def test_a_transient_failure_is_retried_with_growing_delays_until_it_succeeds(bench):
    attempts = []

    @bench.handlers.handler("greet")
    async def greet(each):
        attempts.append(each.attempt)
        if each.attempt < 3:
            raise TransientError(f"not yet, attempt {each.attempt}")

    await bench.submit(job(1))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(10.0)
    assert attempts == [1, 2, 3]
    assert bench.observer.outcomes() == {"retried": 2, "done": 1}
    view = await bench.memory.find("q", job(1).id)
    assert [failure.causes[0].message for failure in view.job.failures] == [
        "not yet, attempt 1",
        "not yet, attempt 2",
    ]
    await worker.drain()


async def test_a_permanent_failure_is_dead_at_once_with_its_error_chain(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        try:
            each.data["name"]
        except KeyError as error:
            raise PermanentError("no name") from error

    await bench.submit(job(1))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    dead = (await bench.memory.dead("q", start=0, limit=9))[0]
    assert [cause.type for cause in dead.job.failures[0].causes] == [
        "jobqueue.domain.errors.PermanentError",
        "KeyError",
    ]
    await worker.drain()


async def test_attempts_that_are_used_up_end_dead(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        raise ConnectionError("refused")

    await bench.submit(job(1))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(60.0)
    dead = (await bench.memory.dead("q", start=0, limit=9))[0]
    assert [failure.attempt for failure in dead.job.failures] == [1, 2, 3]
    assert bench.observer.outcomes() == {"retried": 2, "dead": 1}
    await worker.drain()


@pytest.mark.parametrize("kind", ["nobody-knows", ""])
async def test_an_unknown_job_type_is_dead_with_its_reason(bench, kind):
    await bench.submit(job(1, kind=kind))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    dead = (await bench.memory.dead("q", start=0, limit=9))[0]
    assert dead.job.failures[0].causes[0].type == "jobqueue.domain.errors.UnknownJobType"
    await worker.drain()


@pytest.mark.parametrize(("raw", "kind"), [(b"rubbish", "unreadable"), (b'[1,"greet",1,1.0,1.0]\n{broken', "greet")])
async def test_what_cannot_be_decoded_is_dead_and_does_not_loop(bench, raw, kind):
    @bench.handlers.handler("greet")
    async def greet(each):
        assert each.data is not None

    await bench.submit(job(1), job(2))
    bench.memory.queue("q").records[job(1).id] = raw
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    dead = (await bench.memory.dead("q", start=0, limit=9))[0]
    assert (dead.job.type, "UndecodableRecord" in dead.job.failures[0].causes[0].type) == (kind, True)
    assert await bench.depth() == {"done": 1, "dead": 1}
    await worker.drain()


async def test_an_attempt_that_takes_too_long_is_stopped_and_retried(bench):
    stopped = []

    @bench.handlers.handler(
        "greet", timeout_s=2.0, policy=RetryPolicy(max_attempts=2, base_s=1.0, cap_s=1.0, survive_s=0.0)
    )
    async def greet(each):
        try:
            await asyncio.sleep(3600.0)
        except asyncio.CancelledError:
            stopped.append(asyncio.get_running_loop().time())
            raise

    await bench.submit(job(1))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(20.0)
    assert 2.0 <= stopped[0] <= 2.2
    dead = (await bench.memory.dead("q", start=0, limit=9))[0]
    assert [failure.causes[0].type for failure in dead.job.failures] == ["jobqueue.domain.errors.JobTimedOut"] * 2
    await worker.drain()


async def test_a_handler_that_cancels_itself_fails_its_job_and_not_its_lane(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        if each.data["n"] == 1:
            raise asyncio.CancelledError

    await bench.submit(job(1), *(job(n, payload=b'{"n":2}') for n in range(2, 9)))
    worker = bench.worker(concurrency=1)
    worker.start()
    await asyncio.sleep(2.0)
    assert await bench.depth() == {"done": 7, "dead": 1}
    await worker.drain()


async def test_retries_that_nothing_pays_for_wait_and_lose_no_attempt(bench):
    @bench.handlers.handler("greet", policy=RetryPolicy(max_attempts=2, base_s=1.0, cap_s=50.0))
    async def greet(each):
        if each.attempt == 1:
            raise TransientError("down")

    await bench.submit(*(job(n) for n in range(20)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    assert await bench.depth() == {"scheduled": 16, "done": 4}, "three were saved up and earned a fourth"
    await asyncio.sleep(120.0)
    assert await bench.depth() == {"done": 20}
    await worker.drain()


async def test_a_store_that_fails_for_a_while_costs_time_and_no_job(bench):
    ran = []

    @bench.handlers.handler("greet")
    async def greet(each):
        ran.append(each.id)
        await asyncio.sleep(0.2)

    await bench.submit(*(job(n) for n in range(50)))
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(0.3)
    bench.store.breaks("*", 10_000)
    await asyncio.sleep(3.0)
    assert bench.observer.failures
    assert worker.status().silent_s > 2.0
    bench.store.repair()
    await asyncio.sleep(60.0)
    assert await bench.depth() == {"done": 50}
    assert sorted(set(ran)) == sorted(ids(range(50)))
    assert worker.status().silent_s < 1.0
    await worker.drain()


async def test_a_lost_reply_to_an_exchange_costs_a_lease_and_no_job(bench):
    @bench.handlers.handler("greet")
    async def greet(each):
        pass

    await bench.submit(*(job(n) for n in range(20)))
    bench.store.breaks("acknowledge_and_claim", 1, after=True)
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    assert (await bench.depth())["running"] == 4
    await asyncio.sleep(15.0)
    assert await bench.depth() == {"done": 20}
    assert bench.observer.moves["reaped"] == 4
    await worker.drain()


async def test_several_queues_are_served_in_turn(bench):
    order = []

    @bench.handlers.handler("greet")
    async def greet(each):
        order.append(each.queue)
        await asyncio.sleep(1.0)

    for queue in ("a", "b"):
        await bench.submit(*(job(n, queue=queue) for n in range(20)), queue=queue)
    worker = bench.worker(queues=("a", "b"), concurrency=2)
    worker.start()
    await asyncio.sleep(30.0)
    assert sorted(order) == ["a"] * 20 + ["b"] * 20
    assert 6 <= order[:20].count("a") <= 14
    assert (await bench.memory.find("b", job(3).id)).state is JobState.DONE
    await worker.drain()
