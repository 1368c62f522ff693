"""What else speaks to a real server: effects that commit with the job id, blocking submits, waits, restarts."""

import asyncio
import itertools
import threading

import pytest
import redis.asyncio

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_effects import once
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.errors import InvalidJob, StoreFull, StoreRefused, StoreUnavailable
from jobqueue.domain.verdict import Bury, unreadable_job
from tests.jobqueue.fakes.jobs import T0, ids, job


@pytest.fixture
def address(valkey):
    with redis.Redis.from_url(valkey.url) as wipe:
        wipe.flushall()
    return valkey.url


async def test_an_effect_happens_once_however_often_its_job_comes(address):
    """An effect that commits with the job id happens once, though the job is delivered many times and at once.

    Did: 20 runs of the same job, at the same time, each added 5 to an account through `once`.
    Saw: the account held 5, and exactly one run was told that it had committed.
    Otherwise: the account would hold 10 or more.
    """
    async with connect(address, cluster=False) as client:

        def deposit(pipeline):
            pipeline.incrby("account", 5)

        committed = await asyncio.gather(*(once(client, job(1), deposit, tag="account") for _ in range(20)))
        assert sum(committed) == 1
        assert await client.get("account") == b"5"
        assert await once(client, job(2), deposit, tag="account")
        assert await client.get("account") == b"10"


async def test_a_worker_full_of_handlers_has_a_connection_left_for_its_marks(address):
    client = connect(address, cluster=False)
    pool = client.connection_pool
    held = [await pool.get_connection() for _ in range(100)]  # what a default worker's handlers can hold at once
    try:
        assert await client.ping()
    finally:
        for connection in held:
            await pool.release(connection)
        await client.aclose()


async def test_a_failing_effect_leaves_no_mark(address):
    async with connect(address, cluster=False) as client:

        def broken(pipeline):
            pipeline.incrby("account", 5)
            raise ValueError("the handler's own error")

        with pytest.raises(ValueError, match="own error"):
            await once(client, job(1), broken, tag="account")
        assert await client.keys("*") == []


async def test_a_waiting_worker_is_woken_by_a_submit_and_gets_the_job_in_the_same_reply(address):
    client, other = connect(address, cluster=False), connect(address, cluster=False)
    waiting, submitting = RedisJobStore(client), RedisJobStore(other)
    wait = asyncio.create_task(waiting.wait_and_claim("q", wanted=5, token="w.1", now=T0, lease_s=10.0, wait_s=30.0))
    while not (await other.info("clients"))["blocked_clients"]:
        await asyncio.sleep(0)
    await submitting.submit("q", [job(1), job(2)], now=T0, key_for_s=1.0)
    claim = await wait
    assert [lease.job.id for lease in claim.leases] == ids([1, 2])
    assert (await submitting.find("q", job(1).id)).token == "w.1"
    await waiting.close()
    await submitting.close()


def test_the_blocking_submitter_stores_what_the_other_one_would(address):
    numbers = itertools.count(1)
    with BlockingSubmitter(address, lambda: f"{next(numbers):032x}") as submitter:
        assert submitter.submit("q", "greet", {"name": "ü"}) == (f"{1:032x}", True)
        first = submitter.submit("q", "greet", key="k", delay_s=60.0)
        assert submitter.submit("q", "greet", key="k") == (first.id, False)
        with pytest.raises(InvalidJob):
            submitter.submit("no queue", "greet")
        threads = [threading.Thread(target=submitter.submit, args=("q", "greet")) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    async def look():
        store = RedisJobStore(connect(address, cluster=False))
        claim = await store.acknowledge_and_claim(
            "q", [], wanted=1, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
        )
        stats = await store.stats("q", now=T0)
        await store.close()
        return claim.leases[0].job, stats.depth

    stored, depth = asyncio.run(look())
    assert stored.data == {"name": "ü"}
    assert (depth["ready"], depth["scheduled"], depth["running"]) == (8, 1, 1)


def test_the_blocking_submitter_connects_anew_after_a_restart(tmp_path):
    numbers = itertools.count(1)
    server = EmbeddedValkey(tmp_path)
    server.start()
    submitter = BlockingSubmitter(server.url, lambda: f"{next(numbers):032x}")
    submitter.submit("q", "greet")
    server.kill()
    with pytest.raises(StoreUnavailable):
        submitter.submit("q", "greet")
    with EmbeddedValkey(tmp_path) as again:
        assert submitter.submit("q", "greet").stored
        with redis.Redis.from_url(again.url) as client:
            assert client.llen(queue_keys("q").ready) == 2
    submitter.close()


async def test_a_full_server_refuses_submits_and_still_lets_workers_finish(address):
    """A server that is out of memory takes no more jobs in, and still lets jobs out.

    Did: set the memory limit of a real Valkey to one byte while a worker held a job and another was waiting.
    Saw: a submit was refused as full; the worker's acknowledgement was accepted, and it got the next job.
    Otherwise: the queue would stand still until somebody frees memory.
    """
    client = connect(address, cluster=False)
    store = RedisJobStore(client)
    await store.submit("q", [job(1), job(2)], now=T0, key_for_s=1.0)
    claim = await store.acknowledge_and_claim(
        "q", [], wanted=1, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
    )
    await client.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFull, match="full"):
            await store.submit("q", [job(3)], now=T0, key_for_s=1.0)
        lease = claim.leases[0]
        done = await store.acknowledge_and_claim(
            "q", [(lease.job.id, lease.token)], wanted=1, token="w.2", now=T0, lease_s=1.0, done_max=1000, succeeded={}
        )
        assert not done.refused
        assert [each.job.id for each in done.leases] == ids([2])
    finally:
        await client.config_set("maxmemory", 0)
    await store.close()


async def test_a_full_server_renews_leases_and_hands_out_jobs_to_who_waits(address):
    """Out of memory must not cost a worker its leases.

    Did: with a memory limit of one byte, renewed a lease and waited for jobs, once with one ready and once with none.
    Saw: the lease ends later; the ready job was taken; the wait for nothing was refused as StoreFull.
    Otherwise: the job would be leased to nobody until its lease lapses, and live workers would lose theirs.
    """
    client = redis.asyncio.Redis.from_url(address)
    store = RedisJobStore(client)
    await store.submit("q", [job(1), job(2)], now=T0, key_for_s=1.0)
    lease = (
        await store.acknowledge_and_claim(
            "q", [], wanted=1, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
        )
    ).leases[0]
    await client.config_set("maxmemory", 1)
    try:
        assert await store.renew("q", [(lease.job.id, lease.token)], now=T0, lease_s=9.0) == []
        assert (await store.find("q", lease.job.id)).at == T0 + 9.0
        claim = await store.wait_and_claim("q", wanted=5, token="w.2", now=T0, lease_s=1.0, wait_s=1.0)
        assert [each.job.id for each in claim.leases] == ids([2])
        with pytest.raises(StoreFull):
            await store.wait_and_claim("q", wanted=5, token="w.3", now=T0, lease_s=1.0, wait_s=1.0)
    finally:
        await client.config_set("maxmemory", 0)
    await store.close()


async def test_a_key_of_the_wrong_type_is_refused_and_not_retried(address):
    client = connect(address, cluster=False)
    store = RedisJobStore(client)
    await client.set(queue_keys("q").records, "not a hash")
    with pytest.raises(StoreRefused, match="WRONGTYPE"):
        await store.submit("q", [job(1)], now=T0, key_for_s=1.0)
    await store.close()


async def test_scripts_are_sent_again_to_a_server_that_lost_them(address):
    client = connect(address, cluster=False)
    store = RedisJobStore(client)
    await store.submit("q", [job(1), job(2)], now=T0, key_for_s=1.0)
    await client.script_flush()
    claim = await store.wait_and_claim("q", wanted=1, token="w.1", now=T0, lease_s=1.0, wait_s=1.0)
    assert [lease.job.id for lease in claim.leases] == ids([1])
    await client.script_flush()
    assert await store.promote("q", now=T0, limit=1) == 0
    await store.close()


def test_an_embedded_server_is_found_by_the_next_process_and_keeps_its_data(tmp_path):
    with EmbeddedValkey(tmp_path / "data") as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("kept", "yes")
        other = EmbeddedValkey(tmp_path / "data")
        other.start()
        assert other.pid is None
        other.stop()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()
    with EmbeddedValkey(tmp_path / "data") as again, redis.Redis.from_url(again.url) as client:
        assert client.get("kept") == b"yes"


def test_a_folder_whose_path_is_too_long_for_a_socket_is_refused_before_anything_starts(tmp_path):
    folder = tmp_path / ("x" * 120)
    with pytest.raises(StoreUnavailable, match="choose a shorter one"):
        EmbeddedValkey(folder).start()
    assert not folder.exists()


async def test_a_command_larger_than_the_sockets_buffer_leaves_whole(address):
    store = RedisJobStore(connect(address, cluster=False))
    payload = b'"%s"' % (b"x" * 20_000_000)
    await store.submit("q", [job(1, payload=payload), job(2)], now=T0, key_for_s=1.0)
    claim = await store.acknowledge_and_claim(
        "q", [], wanted=2, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
    )
    assert [len(lease.job.payload) for lease in claim.leases] == [20_000_002, 7]
    await store.close()


async def test_an_id_that_is_no_text_is_buried_and_holds_nobody_up(address):
    client = connect(address, cluster=False)
    store, keys = RedisJobStore(client), queue_keys("q")
    await client.hset(keys.records, b"\xff\xfe", b"[1]")
    await client.rpush(keys.ready, b"\xff\xfe", b"no record at all")
    await store.submit("q", [job(1)], now=T0, key_for_s=1.0)
    claim = await store.acknowledge_and_claim(
        "q", [], wanted=9, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
    )
    assert [lease.job.id for lease in claim.leases] == ids([1])
    broken = claim.unreadable[0]
    verdict = Bury(unreadable_job(broken.id, "q", broken.raw, broken.problem, T0))
    assert await store.settle_failed("q", [Receipt(broken.id, broken.token)], [verdict], now=T0) == []
    dead = await store.dead("q", start=0, limit=9)
    assert [(each.job.id, each.job.payload) for each in dead] == [("\udcff\udcfe", b"[1]")]
    assert await store.redrive("q", [dead[0].job], now=T0) == [True]
    await store.close()
