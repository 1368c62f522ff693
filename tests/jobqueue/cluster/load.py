"""Load on a Cluster: a producer that repeats what was not acknowledged, and queues whose slots every primary has."""

import asyncio
import threading
import uuid
from contextlib import contextmanager

import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.redis_keys import queue_keys
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.domain.errors import StoreUnavailable
from tests.jobqueue.faults.ledger import Ledger

PRIMARIES = 3


class Producer(threading.Thread):
    """Submits batches with keys to each queue in turn, each batch until it is acknowledged, until it is told to end."""

    def __init__(self, url, queues, *, batch=50, pause_s=0.05):
        super().__init__(daemon=True)
        self.url, self.queues, self.batch, self.pause_s = url, queues, batch, pause_s
        self.acknowledged = {queue: [] for queue in queues}  # ids, in order
        self.repeated, self.ending, self.error = 0, False, None

    def run(self):
        asyncio.run(self._submit())

    async def _submit(self):
        store = RedisJobStore(connect(self.url, cluster=True))
        submitter = Submitter(store, SystemClock(), SilentObserver(), lambda: uuid.uuid4().hex)
        number = 0
        while not self.ending:
            for queue in self.queues:
                jobs = [JobRequest("counted", b'{"s":0.005}', key=f"{number}-{n}") for n in range(self.batch)]
                while True:
                    try:
                        results = await submitter.submit_many(queue, jobs)
                    except StoreUnavailable:
                        self.repeated += 1
                        await asyncio.sleep(0.05)
                    else:
                        break
                self.acknowledged[queue] += [result.id for result in results]
            number += 1
            await asyncio.sleep(self.pause_s)
        await store.close()


def queues_on_each_primary(client):
    """Return six names, two of whose slots belong to each primary as the cluster was laid out."""
    chosen = {number: [] for number in range(PRIMARIES)}
    for n in range(1000):
        slot = client.cluster("KEYSLOT", queue_keys(f"q{n}").ready)
        owner = min(PRIMARIES - 1, slot // (16384 // PRIMARIES))
        if len(chosen[owner]) < 2:
            chosen[owner].append(f"q{n}")
    return [queue for pair in chosen.values() for queue in pair]


@contextmanager
def ledger_of(cluster, queue, notes_url):
    """Yield a ledger of a queue on a cluster, whose notes are on a server of their own."""
    book = Ledger(notes_url, queue)
    retry = Retry(ConstantBackoff(0.1), 50)
    book.client = redis.RedisCluster(host="127.0.0.1", port=cluster.nodes[0].port, retry=retry)
    try:
        yield book
    finally:
        book.close()
