"""One suite, four engines: memory (the model), fakeredis, a real Valkey on a Unix socket, and a real Cluster (long)."""

import asyncio
import inspect
import tempfile
from pathlib import Path

import fakeredis
import pytest
import redis.asyncio

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.redis_keys import queue_keys
from tests.jobqueue.fakes.jobs import T0, job
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore
from tests.jobqueue.fakes.valkey_cluster import ValkeyCluster

LEASE_S = 10.0
DONE_MAX = 6


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run `async def` tests on a loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}

    async def run():
        try:
            await pyfuncitem.obj(**arguments)
        finally:
            if engine := arguments.get("engine"):
                await engine.store.close()
                await engine.other.close()

    asyncio.run(run())
    return True


class Engine:
    """A store under test, with words that keep the tests short. Time is what the test says it is."""

    def __init__(self, store, other, plant, where):
        self.store = store  # what one process holds
        self.other = other  # what a second process holds, on the same data
        self.plant = plant  # puts bytes in place of a record
        self.where = where  # returns {structure: ids}
        self.claims = 0

    async def submit(self, *jobs, at=T0):
        return await self.store.submit("q", jobs, now=at, key_for_s=100.0)

    async def claim(self, wanted=10, at=T0, lease_s=LEASE_S, done=(), succeeded=None):
        self.claims += 1
        return await self.store.acknowledge_and_claim(
            "q",
            done,
            wanted=wanted,
            token=f"w.{self.claims}",
            now=at,
            lease_s=lease_s,
            done_max=DONE_MAX,
            succeeded=succeeded or {},
        )

    async def claimed(self, count=1, at=T0):
        """Submit that many jobs and claim them; return the leases."""
        await self.submit(*(job(number) for number in range(1, count + 1)), at=at)
        return (await self.claim(count, at)).leases

    async def depth(self, at=T0):
        stats = await self.store.stats("q", now=at)
        return {state.value: count for state, count in stats.depth.items() if count}

    async def state(self, job_id):
        view = await self.store.find("q", job_id)
        return view.state if view else None


def memory_engine():
    store = MemoryJobStore()

    async def plant(job_id, raw):
        store.queue("q").records[job_id] = raw

    async def where():
        q = store.queue("q")
        return {
            "records": sorted(q.records),
            "ready": list(q.ready),
            "scheduled": sorted(q.scheduled.score),
            "retries": sorted(q.retries.score),
            "retry_order": sorted(job_id for ranked in q.retry_order.values() for job_id in ranked.score),
            "leases": sorted(q.leases.score),
            "tokens": sorted(q.tokens),
            "done": sorted(q.done.score),
            "dead": sorted(q.dead.score),
        }

    return Engine(store, store, plant, where)


def redis_engine(client, second):
    keys = queue_keys("q")

    async def plant(job_id, raw):
        await client.hset(keys.records, job_id, raw)

    async def where():
        found = {
            "records": await client.hkeys(keys.records),
            "ready": await client.lrange(keys.ready, 0, -1),
            "scheduled": await client.zrange(keys.scheduled, 0, -1),
            "retries": await client.zrange(keys.retries, 0, -1),
            "retry_order": [member.rpartition(b"\0")[2] for member in await client.zrange(keys.retry_order, 0, -1)],
            "leases": await client.zrange(keys.leases, 0, -1),
            "tokens": await client.hkeys(keys.tokens),
            "done": await client.zrange(keys.done, 0, -1),
            "dead": await client.zrange(keys.dead, 0, -1),
        }
        names = {name: [raw.decode() for raw in raws] for name, raws in found.items()}
        return {name: ids if name == "ready" else sorted(ids) for name, ids in names.items()}

    return Engine(RedisJobStore(client), RedisJobStore(second), plant, where)


@pytest.fixture(scope="session")
def valkey():
    """A Valkey server for the whole session, without a file."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), append_only=False) as server:
        yield server


@pytest.fixture(scope="session")
def cluster():
    """A Cluster of three primaries for the whole session."""
    with ValkeyCluster() as nodes:
        yield nodes


@pytest.fixture
def engine(request):
    """The engine of this parameter; async tests make their clients inside their own loop."""
    if request.param == "memory":
        return memory_engine()
    if request.param == "fakeredis":
        server = fakeredis.FakeServer()
        return redis_engine(fakeredis.FakeAsyncRedis(server=server), fakeredis.FakeAsyncRedis(server=server))
    if request.param == "cluster":
        nodes = request.getfixturevalue("cluster")
        for client in nodes.clients():
            client.flushall()
            client.close()
        return redis_engine(connect(nodes.url, cluster=True), connect(nodes.url, cluster=True))
    address = request.getfixturevalue("valkey").url
    with redis.Redis.from_url(address) as wipe:
        wipe.flushall()
    return redis_engine(connect(address, cluster=False), connect(address, cluster=False))


def pytest_generate_tests(metafunc):
    """Run each test that asks for an engine on all of them."""
    if "engine" in metafunc.fixturenames:
        engines = ["memory", "fakeredis", "valkey", pytest.param("cluster", marks=pytest.mark.long)]
        metafunc.parametrize("engine", engines, indirect=True)


def check_nothing_is_lost(where):
    """Every record is in exactly one structure, and every lease has its token."""
    structures = ("ready", "scheduled", "retries", "leases", "done", "dead")
    placed = sorted(job_id for name in structures for job_id in where[name])
    assert placed == where["records"], f"each job in exactly one place, got {where}"
    assert where["leases"] == where["tokens"]
    assert where["retries"] == where["retry_order"]


@pytest.fixture
def nothing_is_lost():
    return check_nothing_is_lost
