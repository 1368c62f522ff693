"""A server that is out of memory: no submit gets in, nothing is lost, and workers go on."""

import asyncio
import time
import uuid

import grpc
import pytest

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

ROOM = 3_000_000
PADDING = "x" * 1000
LEASE_S = 1.0


class Caller:
    """Submits over gRPC with keys, and remembers what was acknowledged and what was refused."""

    def __init__(self, stub):
        self.stub, self.acknowledged, self.refused = stub, {}, []

    async def submit(self, seconds, key=""):
        key = key or uuid.uuid4().hex
        payload = f'{{"s": {seconds}, "padding": "{PADDING}"}}'.encode()
        new = pb.NewJob(type="counted", payload_json=payload, idempotency_key=key)
        try:
            self.acknowledged[key] = (await self.stub.Submit(pb.SubmitRequest(job=new), timeout=10)).id
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED or "full" not in (error.details() or ""):
                raise
            self.refused.append(key)
            return False
        return True


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(300)
def test_a_full_server_refuses_submits_and_is_drained(folder, processes, valkey, ledger, scaled):
    """Out of memory is an answer, not an accident: submits are refused, workers finish, and nothing is lost.

    Did: submitted over gRPC to a server with a memory limit and no eviction until it was full, then started a worker
        while every write that needs memory was refused, with jobs that outlast their lease unless it is renewed; then
        lifted the limit and submitted what had been refused again.
    Saw: RESOURCE_EXHAUSTED for each submit past the limit, and none of those was stored; the worker ran every job once,
        renewed its leases, and lost none; after the limit was lifted all that had been refused went through.
    Otherwise: a claim or a renewal that needs memory would fail, and live workers' jobs would be taken from them.
    """

    async def fill(address):
        async with connect(address) as stub:
            caller = Caller(stub)
            for number in range(scaled(3000, 600)):
                await caller.submit(3 * LEASE_S if number % 100 == 0 else 0.005)
            limit = int(book.client.info("memory")["used_memory"]) + ROOM
            book.client.config_set("maxmemory", limit)
            while len(caller.refused) < 200:
                await caller.submit(0.005)
            return caller.acknowledged, caller.refused

    async def again(address, refused):
        async with connect(address) as stub:
            caller = Caller(stub)
            for key in refused:
                assert await caller.submit(0.005, key)
            return caller.acknowledged

    address, book = f"unix:{folder}/front.sock", ledger(valkey.url)
    with EmbeddedValkey(folder / "n", append_only=False) as notebook:
        book.notebook = ledger(notebook.url).client
        settings = {"JOBQUEUE_REDIS_URL": valkey.url, "JOBQUEUE_LISTEN": address}
        processes.start("serve", "--no-worker", **settings).logged("listening")
        acknowledged, refused = asyncio.run(fill(address))
        depth = book.depth()
        assert sum(depth.values()) == depth["ready"] == len(set(acknowledged.values()))
        book.client.config_set("maxmemory", 1)
        worker = processes.worker(
            valkey.url,
            FAULTS_URL=notebook.url,
            JOBQUEUE_LEASE_S=str(LEASE_S),
            JOBQUEUE_CONCURRENCY="50",
            JOBQUEUE_METRICS_LISTEN="127.0.0.1:0",
        )
        book.wait_until_settled(120)
        seen = book.check(acknowledged.values())
        print(f"full: {seen}, {len(refused)} submits refused, leases lost {worker.metric('job_leases_lost_total')}")
        assert seen["runs"] == seen["jobs"] == seen["done"], "a job was run again though no worker was silent"
        # An idle worker must not lose what it claims, either: these come one by one, with the limit down for a moment.
        book.client.config_set("maxmemory", 0)
        acknowledged |= asyncio.run(again(address, refused))
        book.wait_until_settled(60)
        assert book.check(acknowledged.values())["done"] == len(acknowledged)
        time.sleep(0.1)
        assert worker.drain() == 0
