"""The same promises as in virtual time, on the service as it is run, with a clock that can't be turned."""

import asyncio
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.faults.ledger import Ledger
from tests.jobqueue.faults.processes import Processes

OUTAGE_S = 600.0
BEFORE_S = 30.0
JOBS_PER_S = 10.0
KINDS = [pb.NewJob(type="charge"), pb.NewJob(type="greet")]


class Call(NamedTuple):
    """What a handler wrote down; `detail` is the attempt of a charge, and how long a greeting waited."""

    at: float
    kind: str
    outcome: str
    detail: float
    job_id: str


class Arrivals:
    """Submits a job of each kind through the front at a steady rate, and remembers when."""

    def __init__(self, stub):
        self.stub = stub
        self.charged = {}  # id → instant

    async def run(self):
        due = time.time()
        while True:
            answer = await self.stub.SubmitBatch(pb.SubmitBatchRequest(jobs=KINDS))
            self.charged[answer.results[0].id] = time.time()
            due += 1.0 / JOBS_PER_S
            await asyncio.sleep(max(0.0, due - time.time()))

    def between(self, start, end):
        """Return the ids of the charges that were submitted in this time."""
        return {job_id for job_id, at in self.charged.items() if start <= at < end}


class Calls:
    """Reads what the handlers wrote down."""

    def __init__(self, client):
        self.client, self.all = client, []

    def look(self):
        """Read on, and return all calls so far."""
        for line in self.client.lrange("calls", len(self.all), -1):
            at, kind, outcome, detail, job_id = line.decode().split()
            self.all.append(Call(float(at), kind, outcome, float(detail), job_id))
        return self.all

    def charges(self, start, end):
        return [call for call in self.look() if call.kind == "charge" and start <= call.at < end]

    def longest_wait_s(self, start, end):
        return max(call.detail for call in self.look() if call.kind == "greet" and start <= call.at < end)

    def served(self):
        return {call.job_id for call in self.look() if call.kind == "charge" and call.outcome == "served"}


async def live_through(address, server, outage_s):
    """Take the dependency down for so long, and up again; return the figures when the backlog is done."""
    calls = Calls(server)
    async with connect(address) as stub:
        arrivals = Arrivals(stub)
        arriving = asyncio.create_task(arrivals.run())
        began_at = time.time()
        await asyncio.sleep(BEFORE_S)
        down_at = time.time()
        server.set("down", 1)
        await asyncio.sleep(outage_s)
        server.delete("down")
        up_at = time.time()
        backlog = arrivals.between(0.0, up_at) - calls.served()
        left = set(backlog)
        while left and time.time() < up_at + 2 * outage_s:
            await asyncio.sleep(1.0)
            left -= calls.served()
        drained_at = time.time()
        assert not arriving.done(), arriving
        arriving.cancel()
    after = calls.charges(up_at, drained_at)
    served = [call for call in after if call.outcome == "served"]
    return {
        "came in": len(arrivals.between(down_at, up_at)),
        "load": len(calls.charges(down_at, up_at)) / len(arrivals.between(down_at, up_at)),
        "backlog": len(backlog),
        "left": len(left),
        "first_success_s": served[0].at - up_at,
        "first_retry_s": next(call.at for call in served if call.detail > 1) - up_at,
        "drained_s": drained_at - up_at,
        "refused": sum(call.outcome == "refused" for call in after) / len(after),
        "greeting_before_s": calls.longest_wait_s(began_at + 5.0, down_at),
        "greeting_s": calls.longest_wait_s(down_at, drained_at),
    }


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(3 * OUTAGE_S + 300)
def test_ten_real_minutes_of_outage_cost_no_job():
    """What holds in virtual time holds on a real service, with a real server between front and worker.

    Did: ran `jobqueue serve` on a Valkey with default settings, submitted ten jobs a second that call a dependency and
        ten that don't, took the dependency down for ten minutes, and up again, bearing twice the usual load.
    Saw: at most 1.25 calls a job during the outage, no job dead, a first retry done within 30 s of the recovery, and
        the backlog within twice the outage, with at most 5 % of the calls refused. The other jobs started as usual.
    Otherwise: the retries of ten minutes would run side by side, or most jobs be dead, as before retries were admitted.
    """
    with tempfile.TemporaryDirectory(prefix="jqo") as path, EmbeddedValkey(Path(path) / "v") as valkey:
        processes, server = Processes(Path(path)), redis.Redis.from_url(valkey.url)
        try:
            service = processes.start(
                "serve",
                JOBQUEUE_REDIS_URL=valkey.url,
                JOBQUEUE_LISTEN=f"unix:{path}/f",
                JOBQUEUE_HANDLERS="tests.jobqueue.outages.dependency_handlers",
                OUTAGE_URL=valkey.url,
                OUTAGE_JOBS_PER_S=str(JOBS_PER_S),
            )
            service.logged("working")
            report = asyncio.run(live_through(f"unix:{path}/f", server, OUTAGE_S))
            print(report)
            ledger = Ledger(valkey.url)
            ledger.wait_until_settled(60)
            assert ledger.depth()["dead"] == 0, report
            assert service.drain() == 0
        finally:
            processes.end()
            server.close()
    assert report["load"] <= 1.25, report
    assert report["first_retry_s"] <= 30.0, report
    assert report["left"] == 0, report
    assert report["refused"] <= 0.05, report
    assert report["greeting_s"] <= report["greeting_before_s"] + 1.0, report
