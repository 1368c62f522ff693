"""What the cards on the worker pool claim: the right pool beside wrong ones, on the network of the exercises."""

import asyncio
from functools import partial

import redis.exceptions

from grading import clock
from grading.network import Network
from solutions.workerpool import workerpool as right
from solutions.workerpool.workerpool import DONE, PROCESSING, READY, Channel
from tests.course.lessons.wrong_programs import wrong

acknowledges_inside_the_try = wrong("solutions/workerpool/wrong/acknowledges_inside_the_try.py")
closes_only_when_all_went_well = wrong("solutions/workerpool/wrong/closes_only_when_all_went_well.py")
gives_back_without_a_look = wrong("solutions/workerpool/wrong/gives_back_without_a_look.py")
handler_error_ends_the_worker = wrong("solutions/workerpool/wrong/handler_error_ends_the_worker.py")
looks_and_then_takes = wrong("solutions/workerpool/wrong/looks_and_then_takes.py")
takes_before_there_is_room = wrong("solutions/workerpool/wrong/takes_before_there_is_room.py")
takes_one_more_after_stop = wrong("solutions/workerpool/wrong/takes_one_more_after_stop.py")


def on_a_network(scenario, seed=1):
    """Run `scenario(network)` in virtual time, on a fake Redis behind the exercises' network."""

    async def main():
        network = Network(seed)
        await network.open()
        try:
            return await scenario(network)
        finally:
            await network.close()

    return clock.run(main)


async def submit(network, count):
    for number in range(1, count + 1):
        await network.raw().lpush(READY, f"job-{number}")


async def long_job(_job):
    await asyncio.sleep(1000)


async def ignore(_job, _error):
    return None


def test_taking_before_there_is_room_holds_one_job_too_many():
    """Waiting for room before the take keeps the pool within capacity + workers.

    Did: ran 30 long jobs with capacity 10 and 4 workers, once waiting for room first, once taking first.
    Saw: 14 jobs taken from Redis with room first, 15 with the take first.
    Otherwise: both would hold the same number.
    """

    def taken_by(pool):
        async def scenario(network):
            await submit(network, 30)
            running = asyncio.create_task(
                pool.run_pool(network.redis, long_job, ignore, workers=4, capacity=10, stop=asyncio.Event())
            )
            await asyncio.sleep(5)
            taken = await network.raw().llen(PROCESSING)
            running.cancel()
            await asyncio.wait([running])
            return taken

        return on_a_network(scenario)

    assert taken_by(right) == 14
    assert taken_by(takes_before_there_is_room) == 15


def test_one_bad_job_ends_a_task_group_without_a_try():
    """Without a try around the handler, one job that raises cancels the workers beside it.

    Did: ran four jobs at once of which one raises a KeyError, with a pool that catches nothing and with the right one.
    Saw: the first was left with three handlers cancelled and nothing done; the second did the other three.
    Otherwise: the other workers would have gone on.
    """

    def cancelled_by(pool):
        cancelled = []

        async def handler(job):
            try:
                await asyncio.sleep(1 if job == b"job-1" else 2)
            except asyncio.CancelledError:
                cancelled.append(job)
                raise
            if job == b"job-1":
                raise KeyError(job)

        async def scenario(network):
            await submit(network, 4)
            running = pool.run_pool(network.redis, handler, ignore, workers=4, capacity=1, stop=asyncio.Event())
            await asyncio.wait([asyncio.ensure_future(running)])
            return len(cancelled), await network.raw().scard(DONE)

        return on_a_network(scenario)

    assert cancelled_by(handler_error_ends_the_worker) == (3, 0)
    assert cancelled_by(right) == (0, 3)


def test_acknowledgement_inside_the_try_fails_a_job_that_was_done():
    """An acknowledgement inside the handler's try turns a lost reply into a failed job.

    Did: lost the reply of the first acknowledgement, of a job whose handler had returned.
    Saw: inside the try, on_failure was called for it and it is in DONE and FAILED; outside, it was not, and is in DONE.
    Otherwise: both would treat it alike.
    """

    def told_by(pool):
        failed = []

        async def handler(_job):
            return None

        async def on_failure(job, _error):
            failed.append(job)

        async def scenario(network):
            raw, channel = network.raw(), Channel(1)
            await raw.lpush(PROCESSING, "job-1")
            await channel.put(b"job-1")
            channel.close()
            network.fail_at(5, effect="reply_lost")  # MULTI, LREM, SADD, EXEC, and the wait for their replies
            working = asyncio.ensure_future(pool.work(network.redis, channel, handler, on_failure, workers=1))
            await asyncio.wait([working])
            assert network.fired == 1
            return failed, [key for key in (right.DONE, right.FAILED) if await raw.sismember(key, "job-1")]

        return on_a_network(scenario)

    assert told_by(acknowledges_inside_the_try) == ([b"job-1"], [right.DONE, right.FAILED])
    assert told_by(right) == ([], [right.DONE])


def test_feeder_that_closes_only_at_the_end_leaves_its_workers_waiting():
    """A feeder that closes after its loop does not close when the loop is left by an error.

    Did: broke the connection in a take, with workers at the channel, and looked again an hour later.
    Saw: the workers still wait; with the close in a `finally`, they had ended.
    Otherwise: the error would have ended the workers, too.
    """

    def ended_with(pool):
        async def scenario(network):
            channel = Channel(2)
            working = asyncio.ensure_future(pool.work(network.redis, channel, long_job, ignore, workers=2))
            network.fail_at(1)
            feeding = asyncio.ensure_future(pool.feed(network.redis, channel, asyncio.Event()))
            await asyncio.wait([feeding])
            assert isinstance(feeding.exception(), redis.exceptions.ConnectionError)
            await asyncio.wait([working], timeout=3000)
            ended = working.done()
            working.cancel()
            await asyncio.wait([working])
            return ended

        return on_a_network(scenario)

    assert not ended_with(closes_only_when_all_went_well)
    assert ended_with(right)


def test_stop_seen_before_the_wait_takes_one_more():
    """A feeder that looks at stop and then waits for room takes a job after stop.

    Did: set stop while the feeder waited at a full channel, and then let one job out of the channel.
    Saw: looking before the wait, a third job was taken; looking after it, none.
    Otherwise: both would leave the same number in READY.
    """

    def taken_by(pool):
        async def scenario(network):
            await submit(network, 5)
            channel, stop = Channel(2), asyncio.Event()
            feeding = asyncio.ensure_future(pool.feed(network.redis, channel, stop))
            await asyncio.sleep(1)
            stop.set()
            await channel.get()
            await asyncio.wait([feeding])
            return await network.raw().llen(PROCESSING)

        return on_a_network(scenario)

    assert taken_by(takes_one_more_after_stop) == 3
    assert taken_by(right) == 2


def test_looking_and_then_taking_gives_one_job_to_two_pools():
    """Reading which job is next and then removing it lets two pools have it.

    Did: let two clients take at the same time from a queue of two jobs, under 20 seeds of latency.
    Saw: looking first, both got the same job under most seeds; with LMOVE they never did.
    Otherwise: two commands would be as safe as one.
    """

    def doubles_of(pool):
        async def scenario(network):
            await submit(network, 2)
            other = await network.client("other")
            one, two = await asyncio.gather(pool.take(network.redis), pool.take(other))
            return one == two

        return sum(on_a_network(scenario, seed) for seed in range(1, 21))

    assert doubles_of(looks_and_then_takes) > 10
    assert doubles_of(right) == 0


def test_cancelling_a_worker_in_its_acknowledgement_makes_its_job_done_and_ready():
    """A worker that is cancelled between EXEC and its reply has acknowledged without knowing it.

    Did: cancelled a task that waited for the replies of an acknowledgement, and gave its job back without a look.
    Saw: the job is in DONE and in READY. With a look into PROCESSING, it is in DONE alone.
    Otherwise: the cancelled acknowledgement would have taken no effect.
    """

    async def scenario(network, pool):
        raw = network.raw()
        await raw.lpush(PROCESSING, "job-1")
        acknowledging = asyncio.ensure_future(right.acknowledge(network.redis, b"job-1", DONE))
        network.cancel_at(5, task=acknowledging)
        await asyncio.wait([acknowledging])
        assert acknowledging.cancelled()
        await pool.give_back(network.redis, [b"job-1"])
        return await raw.smembers(DONE), await raw.lrange(READY, 0, -1)

    assert on_a_network(partial(scenario, pool=gives_back_without_a_look)) == ({b"job-1"}, [b"job-1"])
    assert on_a_network(partial(scenario, pool=right)) == ({b"job-1"}, [])
