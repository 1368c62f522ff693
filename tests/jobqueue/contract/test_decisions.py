"""What decisions promise that no other test would notice: each fails if its decision is reversed."""

import os
import pickle

import click
import pytest
import redis

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.domain.errors import UndecodableRecord
from jobqueue.domain.job import Job
from jobqueue.main import cli
from tests.jobqueue.fakes.jobs import T0, job, receipt

KEYS = queue_keys("q")


@pytest.fixture
def server(valkey):
    """Return a plain client of an empty server."""
    with redis.Redis.from_url(valkey.url) as client:
        client.flushall()
        yield client


@pytest.fixture
def store(server, valkey):
    return RedisJobStore(connect(valkey.url, cluster=False))


async def submitted(store, count):
    await store.submit("q", [job(number) for number in range(1, count + 1)], now=T0, key_for_s=1.0)


async def claimed(store, wanted, done=(), token="w.1"):
    return await store.acknowledge_and_claim(
        "q", done, wanted=wanted, token=token, now=T0, lease_s=10.0, done_max=1_000, succeeded={}
    )


async def test_ready_jobs_wait_in_a_list(server, store):
    """What is ready is a list of ids, from which a job is moved.

    Did: submitted two jobs on a real Valkey, and asked for the type and the content of what holds them.
    Saw: a list that holds the two ids, in the order of the submits.
    Otherwise: a stream, whose entries have ids of their own and cannot be moved.
    """
    await submitted(store, 2)
    assert server.type(KEYS.ready) == b"list"
    assert server.lrange(KEYS.ready, 0, -1) == [job(1).id.encode(), job(2).id.encode()]
    await store.close()


async def test_a_queue_has_as_many_keys_with_a_thousand_jobs_as_with_one(server, store):
    """All records of a queue are in one hash.

    Did: counted the server's keys with one job of a queue, and with 1,000.
    Saw: the same number, and a hash of 1,000 records.
    Otherwise: each job would bring a key of its own.
    """
    await submitted(store, 1)
    before = server.dbsize()
    await submitted(store, 1_000)
    assert server.dbsize() == before
    assert server.hlen(KEYS.records) == 1_000
    await store.close()


async def test_one_call_acknowledges_what_is_done_and_claims_the_next(server, store):
    """Claims and acknowledgements travel together.

    Did: claimed ten of thirty jobs, then acknowledged the ten and claimed ten more, and counted the script calls.
    Saw: one call for the second exchange, with ten done and ten more running.
    Otherwise: two calls, or one for each job.
    """
    await submitted(store, 30)
    first = await claimed(store, 10)
    before = scripts_run(server)
    second = await claimed(store, 10, done=[receipt(lease) for lease in first.leases], token="w.2")
    assert scripts_run(server) - before == 1
    assert (server.zcard(KEYS.done), len(second.leases)) == (10, 10)
    await store.close()


def scripts_run(server):
    stats = server.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval", "fcall"))


class Intruder:
    """What a pickle may hold: something that runs when it is read."""

    def __reduce__(self):
        return os.putenv, ("JOBQUEUE_TEST_INTRUDER", "was here")


def test_reading_a_payload_runs_nothing_of_its_senders():
    """A payload is JSON, so reading it cannot run code.

    Did: gave a job a payload that is a pickle, which would run code when it is loaded, and read the payload.
    Saw: UndecodableRecord.
    Otherwise: the payload would have been read, and its code would have run.
    """
    with pytest.raises(UndecodableRecord):
        _ = Job("1", "q", "mail", pickle.dumps(Intruder()), 1, T0, T0).data


def test_no_command_pauses_a_queue():
    """Pausing a queue is stopping its workers; there is no state for it.

    Did: listed the commands of `jobqueue`.
    Saw: none whose name has "pause" in it.
    Otherwise: there would be a state that every claim has to ask for.
    """
    names = cli.list_commands(click.Context(cli))
    assert "submit" in names
    assert [name for name in names if "pause" in name] == []
