"""A worker on a real Cluster whose primary is killed: a replica takes over, and the worker goes on by itself."""

import asyncio
import itertools
import random

import pytest

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from tests.jobqueue.fakes.recording_observer import RecordingObserver
from tests.jobqueue.fakes.valkey_cluster import ValkeyCluster

COUNT = 3000
LIMIT_S = 90.0


@pytest.mark.long
async def test_a_primary_that_is_killed_costs_time_and_no_job_that_its_replica_had():
    """Workers carry on after a failover, and every job that had reached the replica is done.

    Did: 3,000 jobs were stored and known to the replica; the primary was killed while a worker ran them.
    Saw: all 3,000 were done, some of them twice, by the same worker, without a restart.
    Otherwise: jobs would be missing, or the worker would stay silent.
    """
    with ValkeyCluster(primaries=3, replicas=1) as nodes:
        store, clock, observer = RedisJobStore(connect(nodes.url, cluster=True)), SystemClock(), RecordingObserver()
        numbers, ran, finished = itertools.count(1), set(), asyncio.Event()
        handlers = Handlers()

        @handlers.handler("greet")
        async def greet(job):
            await asyncio.sleep(0.02)
            ran.add(job.id)
            if len(ran) == COUNT:
                finished.set()
            if len(ran) == COUNT // 3:
                killed.set()

        killed = asyncio.Event()
        submitter = Submitter(store, clock, observer, lambda: f"{next(numbers):032x}")
        await submitter.submit_many("q", [JobRequest("greet")] * COUNT)
        # The replica must have the submits, or the test would ask for more than asynchronous replication promises.
        client = store._client
        node = client.get_node_from_key(queue_keys("q").ready)
        assert await client.execute_command("WAIT", 1, 5000, target_nodes=node) == 1

        settings = WorkerSettings(queues=("q",), concurrency=20, lease_s=5.0)
        worker = Worker(store, handlers, clock, observer, random.Random(1), worker_id="w", settings=settings)
        worker.start()
        await killed.wait()
        next(each for each in nodes.nodes if each.port == node.port).terminate()
        async with asyncio.timeout(LIMIT_S):
            await finished.wait()
        await worker.drain()
        await store.close()
    assert len(ran) == COUNT
