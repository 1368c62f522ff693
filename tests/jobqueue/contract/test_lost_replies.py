"""A reply that is lost makes the client send the command again; each move must bear that, on a real server."""

import random

import pytest
import redis

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from tests.jobqueue.fakes.jobs import T0, job, receipt
from tests.jobqueue.faults.proxy import Proxy


@pytest.fixture
def proxied(valkey):
    """Return a function that makes a store behind a proxy; the server holds nothing."""
    with redis.Redis.from_url(valkey.url) as wipe:
        wipe.flushall()
    with Proxy(valkey.socket_path, random.Random(0)) as proxy:
        yield proxy


async def test_a_submit_whose_reply_is_lost_is_sent_again_and_makes_one_job(proxied):
    """The service's client repeats a command after a lost reply, and the repetition makes no second job.

    Did: submitted a job through a connection that broke in the middle of the reply, with the client of the service.
    Saw: the submit returned without an error, the client had connected a second time, and one job was ready.
    Otherwise: two jobs would be ready, or the caller would get an error for a job that was accepted.
    """
    store = RedisJobStore(connect(proxied.url, cluster=False))
    await store.submit("another", [job(2, queue="another")], now=T0, key_for_s=100.0)  # the server knows the script now
    connections = proxied.connections
    proxied.lose("reply")
    await store.submit("q", [job(1)], now=T0, key_for_s=100.0)
    assert proxied.connections > connections
    assert (await store.stats("q", now=T0)).depth["ready"] == 1
    await store.close()


async def test_an_acknowledgement_whose_reply_is_lost_counts_once(proxied):
    store = RedisJobStore(connect(proxied.url, cluster=False))
    await store.submit("q", [job(1), job(2)], now=T0, key_for_s=100.0)
    claim = await store.acknowledge_and_claim(
        "q", [], wanted=1, token="w.1", now=T0, lease_s=10.0, done_max=9, succeeded={}
    )
    proxied.lose("reply")
    repeated = await store.acknowledge_and_claim(
        "q", [receipt(claim.leases[0])], wanted=0, token="w.2", now=T0, lease_s=10.0, done_max=9, succeeded={}
    )
    stats = await store.stats("q", now=T0)
    assert (list(repeated.refused), stats.depth["done"], stats.depth["ready"]) == ([job(1).id], 1, 1)
    await store.close()
