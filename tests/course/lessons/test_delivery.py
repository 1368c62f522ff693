"""Show what the lesson on the job queue says of taking, dying and recovering, on a real server with real processes."""

import asyncio
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import redis
import redis.asyncio

from grading import clock
from grading.network import Network
from solutions.deadletter.deadletter import READY, SCHEDULED, acknowledge, processing, recover, submit, take
from solutions.simulations.deadletter import many_deaths

SOLUTIONS = Path(__file__).parents[3] / "solutions"
WORKER = SOLUTIONS / "simulations" / "killed_worker.py"


@pytest.fixture
def valkey(valkey_url):
    """Return a client of a real Valkey server that lives as long as the test."""
    client = redis.Redis.from_url(valkey_url)
    yield client
    client.close()


def kill_while_it_holds_a_job(url, how):
    """Start a worker process, wait until it holds the next entry, kill it with SIGKILL, and return that entry."""
    with subprocess.Popen(
        [sys.executable, WORKER, url, READY, processing("w1"), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as worker:
        entry = worker.stdout.readline().strip()
        worker.kill()
    return entry


def on_a_loop(url, scenario):
    """Run `scenario(client)` with an asyncio client of the server."""

    async def main():
        async with redis.asyncio.Redis.from_url(url) as client:
            return await scenario(client)

    return asyncio.run(main())


def everything(valkey):
    """Return every list entry that the server holds anywhere."""
    return [entry for key in valkey.scan_iter() if valkey.type(key) == b"list" for entry in valkey.lrange(key, 0, -1)]


def test_popped_job_is_gone_with_its_worker(valkey, valkey_url):
    """A pop is at-most-once.

    Did: a worker process took the only job from a real Valkey with RPOP, and was killed (SIGKILL) before it was done.
    Saw: the server holds no key at all; nothing can run the job again.
    Otherwise: the entry would still be in some key after the kill.
    """
    valkey.lpush(READY, "job-1")
    assert kill_while_it_holds_a_job(valkey_url, "pop") == b"job-1"
    assert valkey.keys() == []


def test_moved_job_outlives_its_worker(valkey, valkey_url):
    """A move into a processing list is recoverable.

    Did: a worker process took the only job from a real Valkey with LMOVE, and was killed (SIGKILL) before it was done.
    Saw: the entry is in the dead worker's processing list, unchanged.
    Otherwise: no key would hold the entry, as after a pop.
    """
    valkey.lpush(READY, "job-1")
    assert kill_while_it_holds_a_job(valkey_url, "move") == b"job-1"
    assert everything(valkey) == [b"job-1"]
    assert valkey.lrange(processing("w1"), 0, -1) == [b"job-1"]


def test_a_pop_loses_the_job_and_a_move_does_not(valkey, valkey_url):
    """A pop is at-most-once; a move into a processing list is at-least-once, and recoverable.

    Did: killed two worker processes (SIGKILL) between taking a job and acknowledging it, one that took with RPOP and
      one that took with LMOVE, and gave what the processing list held to a second worker, on a real Valkey.
    Saw: the second worker got the moved job, and the popped one was in no key.
    Otherwise: both jobs would have been found, or neither.
    """
    valkey.lpush(READY, "popped", "moved")
    killed = [kill_while_it_holds_a_job(valkey_url, how) for how in ("pop", "move")]
    assert killed == [b"popped", b"moved"]
    assert everything(valkey) == [b"moved"]
    valkey.lmove(processing("w1"), READY, "RIGHT", "RIGHT")
    second = [on_a_loop(valkey_url, lambda client: take(client, "w2")) for _ in range(2)]
    assert second == [b"moved", None]


def test_what_a_killed_worker_held_is_recovered_and_run(valkey, valkey_url):
    """A recovered job is run by the next worker.

    Did: killed a worker process that had moved a job into its processing list, recovered that list, made the job due,
      took it as a second worker and acknowledged it.
    Saw: the second worker took the job with one failed attempt on its record, and the queue was empty in the end.
    Otherwise: the second worker would find nothing to take, or the job would be left in a key.
    """
    on_a_loop(valkey_url, lambda client: submit(client, "job-1", {"n": 1}, now_s=100.0))
    kill_while_it_holds_a_job(valkey_url, "move")

    async def second_worker(client):
        moved = await recover(client, "w1", now_s=160.0, delay_s=0.0, max_attempts=3)
        ((due, _score),) = await client.zpopmin(SCHEDULED)
        await client.lpush(READY, due)
        entry = await take(client, "w2")
        return moved, entry, await acknowledge(client, "w2", entry)

    moved, entry, acknowledged = on_a_loop(valkey_url, second_worker)
    assert (moved, acknowledged) == (1, True)
    assert b"WorkerLostError" in entry
    assert everything(valkey) == []


def test_two_reapers_move_each_job_once():
    """Two reapers at the same time move each job once.

    Did: two clients recovered the same dead worker's three jobs at the same time, under 20 seeded schedules.
    Saw: three jobs are scheduled and none is held, and the two callers together counted three, under every schedule.
    Otherwise: a job would be there twice, or the counts would add up to more than three.
    """

    async def two_reapers(seed):
        network = Network(seed)
        reapers = [await network.client(f"reaper {number}") for number in (1, 2)]
        for n in (1, 2, 3):
            await submit(reapers[0], f"job-{n}", n, now_s=100.0)
            await take(reapers[0], "w1")
        counts = await asyncio.gather(
            *(recover(client, "w1", now_s=160.0, delay_s=0.0, max_attempts=3) for client in reapers)
        )
        raw = network.raw()
        left = await raw.zcard(SCHEDULED), await raw.llen(processing("w1"))
        await network.close()
        return sum(counts), *left

    for seed in range(1, 21):
        assert clock.run(lambda seed=seed: two_reapers(seed)) == (3, 3, 0)


def test_acknowledgement_finds_its_entry_by_value(valkey, valkey_url):
    """Without an id in the entry, an acknowledgement cannot tell two equal jobs apart.

    Did: put the same payload twice into a list as bare bytes, and removed one by value with LREM; submitted the same
      payload as two jobs with ids, took both as one worker, and acknowledged the second.
    Saw: LREM with count 0 removed both bare ones; of the two jobs the first is still held, and only that one.
    Otherwise: both removals would take out one entry, or the two jobs would be equal entries.
    """
    valkey.rpush("bare", "5 points", "5 points")
    assert valkey.lrem("bare", 0, "5 points") == 2

    async def two_equal_payloads(client):
        for job_id in ("job-1", "job-2"):
            await submit(client, job_id, "5 points", now_s=100.0)
        first, second = [await take(client, "w1") for _ in range(2)]
        await acknowledge(client, "w1", second)
        return first, second, await client.lrange(processing("w1"), 0, -1)

    first, second, held = on_a_loop(valkey_url, two_equal_payloads)
    assert first != second
    assert held == [first]


def test_full_channel_holds_its_feeder_back():
    """A bounded channel is the backpressure.

    Did: ran the lesson's program: it puts a hundred lines into an `asyncio.Queue` that is never read, once with
      room for three and once without a limit.
    Saw: with room for three it had read four lines, three in the queue and one that it held, and waited; without a
      limit it had read all hundred.
    Otherwise: it would have read all hundred both times.
    """
    lines_read = runpy.run_path(str(SOLUTIONS / "examples/lessons/bounded_buffer.py"))["lines_read"]
    assert asyncio.run(lines_read(3)) == 4
    assert asyncio.run(lines_read(0)) == 100


def test_move_keeps_the_order_of_submission(valkey, valkey_url):
    """Pushed left and taken right, the oldest job is next.

    Did: submitted three jobs and took them with two workers in turn, on a real Valkey.
    Saw: they came in the order of their submission.
    Otherwise: the newest would have come first, and the oldest would starve under load.
    """

    async def in_turn(client):
        for n in (1, 2, 3):
            await submit(client, f"job-{n}", None, now_s=100.0 + n)
        return [await take(client, worker) for worker in ("w1", "w2", "w1")]

    entries = on_a_loop(valkey_url, in_turn)
    assert [entry.split(b'"')[3] for entry in entries] == [b"job-1", b"job-2", b"job-3"]


def test_guard_on_the_id_makes_at_least_once_harmless():
    """A pop loses jobs, a move repeats some, and a guard on the job's id does neither.

    Did: ran 1,000 jobs on a fake Redis with workers that die, seeded, in 3 % of attempts before the effect and in 2 %
      right after it: popped, moved, and moved with effect, mark and acknowledgement in one MULTI/EXEC.
    Saw: lost 28, 0 and 0 jobs; doubled 0, 16 and 0 effects.
    Otherwise: the move would lose jobs too, or the guarded handler would double some.
    """
    tallies = [many_deaths("pop"), many_deaths("move"), many_deaths("move", guarded=True)]
    assert [tally.lost for tally in tallies] == [28, 0, 0]
    assert [tally.doubled for tally in tallies] == [0, 16, 0]
    assert all(tally.deaths > 40 for tally in tallies)
