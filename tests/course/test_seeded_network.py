"""The network proves itself: the same seed gives the same schedule, a missing WATCH shows, a reply can be lost."""

import asyncio

import pytest
import redis.exceptions

from grading import clock
from grading.network import Network, ScriptRefusedError


def on(network, main):
    async def whole():
        await network.open()
        try:
            return await main(network)
        finally:
            await network.close()

    return clock.run(whole)


async def spend(client, *, watch):
    """Take one from a balance if there is one: check, then act."""
    async with client.pipeline() as pipe:
        while True:
            try:
                if watch:
                    await pipe.watch("balance")
                    balance = int(await pipe.get("balance"))
                    pipe.multi()
                else:
                    balance = int(await client.get("balance"))
                if balance < 1:
                    return False
                pipe.decr("balance")
                await pipe.execute()
            except redis.exceptions.WatchError:
                continue
            return True


def race(seed, *, watch):
    async def main(network):
        raw = network.raw()
        await raw.set("balance", 1)
        other = await network.client("other")
        await asyncio.gather(spend(network.redis, watch=watch), spend(other, watch=watch))
        return int(await raw.get("balance"))

    return on(Network(seed), main)


# --8<-- [start:missing-watch]
def test_missing_watch_is_exposed_by_many_seeds_and_watch_passes_all():
    """A check-then-act race is found by schedules, not by luck.

    Did: let two clients spend the same last coin under 50 seeds, by GET and SET, and by WATCH, GET and MULTI/EXEC.
    Saw: the balance below zero under at least ten of the seeds without WATCH, and under none with it.
    Otherwise: the network would not reach into pipelines, and both would pass.
    """
    without = [race(seed, watch=False) for seed in range(1, 51)]
    assert 10 <= sum(balance < 0 for balance in without) <= 50
    assert [race(seed, watch=True) for seed in range(1, 51)] == [0] * 50


# --8<-- [end:missing-watch]


def recorded(seed):
    async def main(network):
        other = await network.client("other")
        await network.raw().set("balance", 3)
        await asyncio.gather(spend(network.redis, watch=True), spend(other, watch=True))
        return [(one.client, one.command, one.reply, one.at_s) for one in network.recording]

    return on(Network(seed), main)


def test_same_seed_gives_the_same_schedule_and_another_seed_another():
    assert recorded(7) == recorded(7)
    assert recorded(7) != recorded(8)


def test_exec_reply_can_be_lost_after_it_took_effect():
    async def main(network):
        network.fail_at(4, effect="reply_lost")  # MULTI, INCR, EXEC, then the wait
        async with network.redis.pipeline() as pipe:
            pipe.incr("count")
            with pytest.raises(redis.exceptions.ConnectionError):
                await pipe.execute()
        return await network.raw().get("count")

    assert on(Network(), main) == b"1"


def test_command_that_never_arrived_changes_nothing_and_the_client_works_again():
    async def main(network):
        network.fail_at(1, effect="never_arrived")
        with pytest.raises(redis.exceptions.ConnectionError):
            await network.redis.incr("count")
        return await network.raw().get("count"), await network.redis.incr("count")

    assert on(Network(), main) == (None, 1)


def test_pipeline_without_transaction_can_be_cut_in_the_middle_and_a_transaction_cannot():
    async def main(network):
        left = {}
        for transaction in (False, True):
            left[transaction] = set()
            async for trial in network.every_point("never_arrived"):

                async def both(client, transaction=transaction):
                    async with client.pipeline(transaction=transaction) as pipe:
                        pipe.incr("one")
                        pipe.incr("two")
                        await pipe.execute()

                await trial.attempt(both(trial.redis))
                left[transaction].add(tuple(await trial.raw().mget("one", "two")))
        return left

    left = on(Network(), main)
    assert (b"1", None) in left[False]
    assert left[True] == {(None, None), (b"1", b"1")}


def test_lost_exec_reply_of_a_watching_pipeline_reads_as_watch_error():
    async def main(network):
        raw = network.raw()
        await raw.set("balance", 5)
        network.fail_at(8, effect="reply_lost")  # WATCH, wait, GET, wait, MULTI, DECR, EXEC, wait
        async with network.redis.pipeline() as pipe:
            await pipe.watch("balance")
            await pipe.get("balance")
            pipe.multi()
            pipe.decr("balance")
            with pytest.raises(redis.exceptions.WatchError):
                await pipe.execute()
        return await raw.get("balance")

    assert on(Network(), main) == b"4"


def test_every_point_breaks_each_send_and_wait_once_and_ends_unbroken():
    async def main(network):
        seen = []
        async for trial in network.every_point("cancelled"):
            outcome = await trial.attempt(trial.redis.incr("count"))
            seen.append((trial.point, outcome.broken, await trial.raw().get("count")))
        return seen

    assert on(Network(), main) == [(1, True, None), (2, True, b"1"), (3, False, b"1")]


def test_fault_meets_only_the_client_it_names():
    async def main(network):
        other = await network.client("other")
        network.fail_at(1, client="other")
        await network.redis.set("key", "1")
        with pytest.raises(redis.exceptions.ConnectionError):
            await other.get("key")
        return network.fired

    assert on(Network(), main) == 1


def test_task_that_is_named_is_cancelled_when_another_reaches_the_point():
    async def main(network):
        victim = asyncio.create_task(asyncio.sleep(100))
        network.cancel_at(2, task=victim)
        await network.redis.get("key")
        await asyncio.sleep(0)
        return victim.cancelled()

    assert on(Network(), main)


def test_script_is_refused_with_a_sentence():
    async def main(network):
        for call in (network.redis.eval("return 1", 0), network.redis.fcall("f", 0)):
            with pytest.raises(ScriptRefusedError, match="WATCH, MULTI and EXEC"):
                await call
        async with network.redis.lock("name"):
            pass

    with pytest.raises(ScriptRefusedError):
        on(Network(), main)


def test_key_expires_in_virtual_time():
    async def main(network):
        await network.redis.set("key", "1", ex=30)
        await asyncio.sleep(29)
        before = await network.redis.get("key")
        await asyncio.sleep(2)
        return before, await network.redis.get("key")

    assert on(Network(), main) == (b"1", None)


def test_recording_holds_commands_and_replies_in_the_order_of_the_server():
    async def main(network):
        await network.redis.set("key", "1")
        network.fail_at(1, effect="reply_lost")
        with pytest.raises(redis.exceptions.ConnectionError):
            await network.redis.incr("key")
        return [(one.command, one.reply) for one in network.recording]

    assert on(Network(), main) == [((b"SET", b"key", b"1"), b"OK"), ((b"INCRBY", b"key", b"1"), 2)]
