"""`kill -9` of the gRPC front in the middle of submits: what was acknowledged is there, and once."""

import asyncio

import grpc
import pytest

from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.fakes.left_over_valkey import end_left_over_valkey

CALLERS, BATCH = 20, 10
NOT_KNOWN = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}


@pytest.fixture
def data(folder):
    """The data folder of an embedded Valkey, which outlives a front that is killed and is ended here."""
    yield folder / "data"
    end_left_over_valkey(folder / "data")


class Run:
    """Callers that submit with keys until each is acknowledged, over a front that is killed under them."""

    def __init__(self, address):
        self.address = address
        self.ids = {}  # key → every id that was ever answered for it
        self.repeated = self.duplicates = 0

    async def caller(self, keys):
        """Submit keys alone or ten in a batch, by turns; what was not answered is submitted again."""
        while keys:
            part = keys[: BATCH if len(keys) % 3 == 0 else 1]
            try:
                async with connect(self.address) as stub:
                    while keys:
                        part = keys[: BATCH if len(keys) % 3 == 0 else 1]
                        await self.submit(stub, part)
                        del keys[: len(part)]
            except grpc.aio.AioRpcError as error:
                if error.code() not in NOT_KNOWN:
                    raise
                self.repeated += len(part)
                await asyncio.sleep(0.05)

    async def submit(self, stub, keys):
        jobs = [pb.NewJob(type="counted", payload_json=b'{"s":0.001}', idempotency_key=key) for key in keys]
        if len(jobs) == 1:
            results = [await stub.Submit(pb.SubmitRequest(job=jobs[0]), timeout=10)]
        else:
            results = (await stub.SubmitBatch(pb.SubmitBatchRequest(jobs=jobs), timeout=10)).results
        for key, result in zip(keys, results, strict=True):
            self.ids.setdefault(key, set()).add(result.id)
            self.duplicates += result.duplicate


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_acknowledged_submits_survive_the_kill_of_the_front_and_repeated_ones_make_no_second_job(
    folder, data, processes, ledger, rng, scaled
):
    """A submit that was answered is in the store, whatever becomes of the front; one that was not can be repeated.

    Did: killed the front ten times at random moments while 20 callers submitted thousands of jobs through it, alone and
        in batches, each with a key and again until it was answered; then let a worker drain the queue.
    Saw: every answer for a key named the same job; there is one job for each key, done with exactly one effect.
    Otherwise: an answer given before the store had the job would name one that is not there, and a repeated submit
        would make another.
    """
    address, url = f"unix:{folder}/front.sock", f"unix://{data}/valkey.sock"
    settings = {"JOBQUEUE_DATA_DIR": str(data), "JOBQUEUE_LISTEN": address}
    each, run = scaled(500, 150), Run(address)

    def front():
        started = processes.start("serve", "--no-worker", **settings)
        started.logged("listening")
        return started

    async def scenario():
        serving = await asyncio.to_thread(front)
        callers = [
            asyncio.create_task(run.caller([f"{caller}-{number}" for number in range(each)]))
            for caller in range(CALLERS)
        ]
        kills, wanted = 0, CALLERS * each
        share = wanted // (scaled(10, 3) + 1)
        while not all(caller.done() for caller in callers):
            if len(run.ids) > (kills + 1) * share:
                await asyncio.sleep(rng.uniform(0.0, 0.05))
                serving.kill()
                kills += 1
                serving = await asyncio.to_thread(front)
            await asyncio.sleep(0.005)
        await asyncio.gather(*callers)
        return kills

    kills = asyncio.run(scenario())
    book = ledger(url)
    ids = {job_id for answered in run.ids.values() for job_id in answered}
    assert book.depth()["ready"] == len(ids) == len(run.ids) == CALLERS * each
    worker = processes.worker(url)
    book.wait_until_settled(120)
    seen = book.check(ids)
    print(f"{kills} kills: {seen}, {run.repeated} submits repeated, {run.duplicates} answered as duplicates")
    assert kills >= scaled(10, 3)
    assert run.repeated > 0
    assert seen["done"] == seen["runs"] == CALLERS * each
    assert worker.drain() == 0
