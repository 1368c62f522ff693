"""What cards on queues and pools predict, each shown with the wrong program beside the right one."""

import asyncio
import json

import pytest

from grading import clock
from grading.network import Network
from solutions.deadletter import deadletter
from solutions.simulations.redis_facts import payload_of
from solutions.workerpool import workerpool as right
from solutions.workerpool.workerpool import FAILED, PROCESSING, READY, Channel
from tests.course.lessons.wrong_programs import wrong

POINTS = "{orders}:points"

mark_is_not_watched = wrong("solutions/deadletter/wrong/mark_is_not_watched.py")
acknowledges_before_on_failure = wrong("solutions/workerpool/wrong/acknowledges_before_on_failure.py")


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


def test_bytes_that_are_no_text_fail_before_json_is_looked_at():
    """`except JSONDecodeError` doesn't catch bytes that aren't text.

    Did: gave two bytes that aren't text to the exercise's decoder and to `json.loads`; asked what the error is.
    Saw: UnicodeDecodeError from both, which isn't a JSONDecodeError; both are ValueErrors.
    Otherwise: the narrower clause would have been enough.
    """
    with pytest.raises(UnicodeDecodeError):
        json.loads(b"\xff\xff")
    with pytest.raises(UnicodeDecodeError) as caught:
        payload_of(b"\xff\xff")
    assert not isinstance(caught.value, json.JSONDecodeError)
    assert isinstance(caught.value, ValueError)
    assert issubclass(json.JSONDecodeError, ValueError)


def test_mark_that_is_read_and_not_watched_doubles_the_effect():
    """What was read has to be watched.

    Did: let two workers handle the same job at the same time under 20 seeds, with and without a watch on the mark.
    Saw: without it the effect is there twice under some seeds; with it once under every seed.
    Otherwise: a look at the mark inside the loop would have been enough.
    """

    def credit(pipe, job):
        pipe.incrby(POINTS, job["payload"])

    def points_with(module, seed):
        async def scenario(network):
            other = await network.client("other")
            await module.submit(network.redis, "job-1", 5, now_s=100.0)
            entry = await module.take(network.redis, "w1")
            await network.raw().lpush(module.processing("w2"), entry)
            await asyncio.gather(
                module.handle_once(network.redis, "w1", entry, credit), module.handle_once(other, "w2", entry, credit)
            )
            return int(await network.raw().get(POINTS))

        return on_a_network(scenario, seed)

    assert 10 in {points_with(mark_is_not_watched, seed) for seed in range(1, 21)}
    assert {points_with(deadletter, seed) for seed in range(1, 21)} == {5}


def test_feeder_without_a_limit_leaves_nothing_for_the_others():
    """A feeder without a limit empties the queue, and its crash strands all of it.

    Did: let a feeder run with room for 1,000 jobs and with room for 2, on a queue of 30; then another pool took one.
    Saw: nothing left for the other pool, and 30 jobs in processing; with room for 2 it got a job.
    Otherwise: both would have left the other pool its share.
    """

    def left_by(capacity):
        async def scenario(network):
            for number in range(30):
                await network.raw().lpush(READY, f"job-{number}")
            other = await network.client("other")
            feeding = asyncio.ensure_future(right.feed(network.redis, Channel(capacity), asyncio.Event()))
            await asyncio.sleep(10)
            held = await network.raw().llen(PROCESSING)
            got = await right.take(other)
            feeding.cancel()
            await asyncio.wait([feeding])
            return held, got

        return on_a_network(scenario)

    assert left_by(1_000) == (30, None)
    assert left_by(2) == (2, b"job-2")


def test_acknowledging_before_on_failure_can_swallow_a_failure():
    """`on_failure` comes before the acknowledgement, or a crash in between leaves a failure without a record.

    Did: cancelled a worker at each send and receive, after its handler had raised; in both orders.
    Saw: acknowledged first, at one moment the job is in FAILED and `on_failure` has not run; otherwise at none.
    Otherwise: the order would not matter.
    """

    def silent_failures(pool):
        found = 0
        for k in range(1, 7):

            async def scenario(network, k=k):
                told, channel = [], Channel(1)
                await network.raw().lpush(PROCESSING, "job-1")
                await channel.put(b"job-1")
                channel.close()

                async def handler(_job):
                    raise KeyError("no such account")

                async def on_failure(job, _error):
                    told.append(job)

                working = asyncio.ensure_future(pool.work(network.redis, channel, handler, on_failure, workers=1))
                network.cancel_at(k, task=working)
                await asyncio.wait([working])
                return bool(await network.raw().sismember(FAILED, "job-1")) and not told

            found += on_a_network(scenario)
        return found

    assert silent_failures(acknowledges_before_on_failure) > 0
    assert silent_failures(right) == 0


def test_cancelled_feeder_drops_the_job_that_was_on_its_way():
    """A feeder that is cancelled throws a reply away; one that is told to stop does not.

    Did: took a job while the feeder was cancelled at the reply, and while stop was set at the same moment.
    Saw: cancelled, the job is in processing and in no channel; stopped, it is in the channel.
    Otherwise: both would leave the job where a worker finds it.
    """

    def held_after(*, cancelled):
        async def scenario(network):
            await network.raw().lpush(READY, "job-1")
            channel, stop = Channel(2), asyncio.Event()
            feeding = asyncio.ensure_future(right.feed(network.redis, channel, stop))
            if cancelled:
                network.cancel_at(2, task=feeding)  # the command is sent, the reply is on its way
            else:
                await asyncio.sleep(0)
                stop.set()
            await asyncio.wait([feeding])
            return await network.raw().llen(PROCESSING), len(channel)

        return on_a_network(scenario)

    assert held_after(cancelled=True) == (1, 0)
    assert held_after(cancelled=False) == (1, 1)


def test_given_back_jobs_are_next_in_their_order():
    """What is given back goes to the end it came from, the newest first, so that the oldest is next.

    Did: gave j1 and j2 back to a queue that holds j3, and pushed them to the other end of another.
    Saw: j1, j2, j3 are taken; from the other queue j3 first.
    Otherwise: a deployment would not change the order in either case.
    """

    async def given_back(network):
        raw = network.raw()
        await raw.lpush(READY, "j3")
        await raw.lpush(PROCESSING, "j1", "j2")
        await right.give_back(network.redis, [b"j1", b"j2"])
        return [await right.take(network.redis) for _ in range(3)]

    async def at_the_wrong_end(network):
        raw = network.raw()
        await raw.lpush(READY, "j3")
        for job in ("j1", "j2"):
            await raw.lpush(READY, job)
        return [await right.take(network.redis) for _ in range(3)]

    assert on_a_network(given_back) == [b"j1", b"j2", b"j3"]
    assert on_a_network(at_the_wrong_end) == [b"j3", b"j1", b"j2"]
