"""Every connection reset once a second, under load: nothing is lost, nothing takes effect twice, all is drained."""

import asyncio
import itertools
import threading
import time
import uuid

import grpc
import pytest

from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.entrypoints.cli.serve import uvloop_if_installed
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.faults.processes import ROOT
from tests.jobqueue.faults.proxy import Proxy
from tests.jobqueue.faults.test_broken_connections import submit_stubbornly

LOOPS = ["asyncio", "uvloop"] if uvloop_if_installed() else ["asyncio"]
MAY_REPEAT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}
EVERY_S = 1.0
PAUSE_S = 0.01


class Producer(threading.Thread):
    """Submits at a steady rate until it is told to end, each job under a key of its own until it is acknowledged."""

    def __init__(self, prefix):
        super().__init__(daemon=True)
        self.ending, self.repeated, self.keys = False, 0, (f"{prefix}{n}" for n in itertools.count())
        self.ids = []

    def note(self, job_id, tries):
        self.ids.append(job_id)
        self.repeated += tries > 1


class ThroughTheFront(Producer):
    """Calls the front, whose connection to the producer is reset, too."""

    def __init__(self, address):
        super().__init__("front")
        self.address = address

    def run(self):
        asyncio.run(self._submit())

    async def _submit(self):
        async with connect(self.address) as stub:
            while not self.ending:
                self.note(*await self._stubbornly(stub, next(self.keys)))
                await asyncio.sleep(PAUSE_S)

    async def _stubbornly(self, stub, key):
        """As `submit_stubbornly`."""
        job = pb.NewJob(type="counted", payload_json=b'{"s":0.01}', idempotency_key=key)
        for tries in range(1, 1000):
            try:
                answer = await stub.Submit(pb.SubmitRequest(job=job), timeout=10, wait_for_ready=True)
            except grpc.aio.AioRpcError as error:
                if error.code() not in MAY_REPEAT:
                    raise
                await asyncio.sleep(PAUSE_S)
            else:
                return answer.id, tries
        raise AssertionError(f"never acknowledged: {key}")


class ToTheStore(Producer):
    """Writes to the store, as a blocking program does."""

    def __init__(self, url):
        super().__init__("store")
        self.url = url

    def run(self):
        with BlockingSubmitter(self.url, lambda: uuid.uuid4().hex) as submitter:
            while not self.ending:
                self.note(*submit_stubbornly(submitter, next(self.keys)))
                time.sleep(PAUSE_S)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
@pytest.mark.parametrize("loop", LOOPS)
def test_resets_every_second_under_load_lose_no_job(loop, folder, processes, valkey, ledger, rng, scaled):
    """A network that resets every connection once a second costs repetitions, and no job.

    Did: ran a front, a worker on each event loop and two producers, all behind proxies; for a minute of steady submits
        reset all of their connections once a second.
    Saw: jobs took effect between any two resets; in the end each job that was acknowledged was done with exactly one
        effect, none was dead, and worker and front drained with status 0.
    Otherwise: a client would go on with a dead connection, a lost reply would make a job run twice in effect, or jobs
        would stay claimed by nobody.
    """
    (folder / "hidden").mkdir()
    (folder / "hidden" / "uvloop.py").write_text("raise ImportError('this worker runs on the loop of asyncio')\n")
    book, resets = ledger(valkey.url), scaled(60, 5)
    settings = {"JOBQUEUE_LEASE_S": "2", "JOBQUEUE_CONCURRENCY": "20"}
    with Proxy(valkey.socket_path, rng) as to_store, Proxy(folder / "front", rng) as to_front:
        front = processes.start(
            "serve",
            "--no-worker",
            JOBQUEUE_REDIS_URL=to_store.url,
            JOBQUEUE_LISTEN=f"unix:{folder}/front",
        )
        hide = {"PYTHONPATH": f"{folder}/hidden:{ROOT}"} if loop == "asyncio" else {}
        worker = processes.worker(to_store.url, **settings, **hide)
        assert worker.logged("working")["loop"] == loop
        front.logged("listening")
        producers = [ThroughTheFront(to_front.url.removeprefix("redis://")), ToTheStore(to_store.url)]
        for producer in producers:
            producer.start()
        for _ in range(resets):
            due, before = time.monotonic() + EVERY_S, book.effects()
            assert to_store.reset() > 0
            to_front.reset()
            book.wait(lambda _, before=before: book.effects() > before, 30, "working after a reset")
            time.sleep(max(0.0, due - time.monotonic()))
        for producer in producers:
            producer.ending = True
            producer.join(60)
            assert not producer.is_alive()
        book.wait_until_settled(60)
        assert (worker.drain(), front.drain()) == (0, 0)
        broken = to_store.broken + to_front.broken
    ids = [job_id for producer in producers for job_id in producer.ids]
    seen = book.check(ids)
    repeated = [producer.repeated for producer in producers]
    print(f"{loop}: {resets} resets of {broken} connections, {repeated} submits repeated: {seen}")
    assert len(set(ids)) == len(ids) == seen["done"], seen
    assert seen["dead"] == 0
    assert len(ids) > 5 * resets, "the load was not steady"
    assert to_front.broken >= resets // 2
    assert to_store.broken >= 2 * resets
