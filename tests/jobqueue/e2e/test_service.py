"""Whole processes: a job goes through, a stop drains, a second signal does not wait."""

import asyncio
import json
import signal
import sys
import urllib.request

import pytest
import uvloop

from jobqueue.entrypoints.cli.serve import uvloop_if_installed
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

pytestmark = pytest.mark.against("process", "gRPC", "Valkey")


def new(kind, payload=None):
    return pb.SubmitRequest(job=pb.NewJob(type=kind, payload_json=json.dumps(payload).encode()))


async def final(stub, job_id, limit_s=30):
    """Return a job when it is done or dead."""
    async for job in stub.Watch(pb.WatchRequest(id=job_id), timeout=limit_s):
        last = job
    return last


def test_a_job_submitted_to_a_running_service_is_done(folder, service):
    async def scenario(running):
        await running.logged("working")
        async with running.client() as stub:
            good = await stub.Submit(new("echo", {"hello": "world"}))
            retried = await stub.Submit(new("flaky", {"failures": 1}))
            bad = await stub.Submit(new("fail", "on purpose"))
            return [await final(stub, answer.id) for answer in (good, retried, bad)]

    with service(folder) as running:
        good, retried, bad = asyncio.run(scenario(running))
    assert (good.state, good.attempt) == (pb.STATE_DONE, 1)
    assert (retried.state, retried.attempt) == (pb.STATE_DONE, 2)
    assert bad.state == pb.STATE_DEAD
    assert running.process.returncode == 0


def test_jobs_submitted_without_a_worker_are_done_when_one_starts(folder, service):
    """Pausing a queue is stopping its workers.

    Did: submitted jobs to a service without a worker, then started a worker process on the same store.
    Saw: the jobs wait as ready, and are done soon after the worker started.
    Otherwise: they would be refused or lost.
    """

    async def scenario(running):
        await running.logged("listening")
        url = f"unix://{folder}/data/valkey.sock"
        async with running.client() as stub:
            ids = [(await stub.Submit(new("echo", n))).id for n in range(20)]
            waiting = (await stub.Stats(pb.StatsRequest())).queues[0].ready
            with service(folder, "worker", JOBQUEUE_REDIS_URL=url) as worker:
                states = [(await final(stub, job_id)).state for job_id in ids]
            return waiting, states, worker.process.returncode

    with service(folder, "serve", "--no-worker") as running:
        waiting, states, ended = asyncio.run(scenario(running))
    assert waiting == 20
    assert states == [pb.STATE_DONE] * 20
    assert ended == 0


def test_a_worker_alone_runs_on_uvloop_and_beside_a_front_on_asyncio(folder, service):
    """Did: started a service with a worker, and a worker alone on its store, with uvloop installed.

    Saw: the first says that it works on the loop of asyncio, the second on that of uvloop.
    Otherwise: grpc.aio would run on a loop that it is not written for, or a worker on the coarser timers.
    """

    async def loop_of(running):
        return (await running.logged("working"))["loop"]

    with service(folder) as both:
        beside = asyncio.run(loop_of(both))
        with service(folder, "worker", JOBQUEUE_REDIS_URL=f"unix://{folder}/data/valkey.sock") as worker:
            alone = asyncio.run(loop_of(worker))
    assert (beside, alone) == ("asyncio", "uvloop")


def test_without_uvloop_the_loop_is_that_of_asyncio(monkeypatch):
    assert uvloop_if_installed() is uvloop.new_event_loop
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert uvloop_if_installed() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_drains_what_runs_is_finished_and_the_rest_given_back(folder, service, number):
    """A deployment must not cost a job.

    Did: filled a worker of one slot with a job that takes a second and ten that wait, then sent the signal.
    Saw: exit 0; the running job is done; the ten are ready again, attempt 1.
    Otherwise: the running job would be retried later, or the ten stranded until their leases lapse.
    """

    async def begin(running):
        await running.logged("working")
        async with running.client() as stub:
            first = (await stub.Submit(new("sleep", {"seconds": 1}))).id
            rest = [(await stub.Submit(new("sleep", {"seconds": 0}))).id for _ in range(10)]
            async for job in stub.Watch(pb.WatchRequest(id=first)):
                if job.state == pb.STATE_RUNNING:
                    break
            running.tell(number)
        return first, rest

    async def look(running, ids):
        await running.logged("listening")
        async with running.client() as stub:
            return [await stub.Get(pb.GetRequest(id=job_id)) for job_id in ids]

    with service(folder, JOBQUEUE_CONCURRENCY="1") as running:
        first, rest = asyncio.run(begin(running))
        assert running.end() == 0
    with service(folder, "serve", "--no-worker") as running:
        jobs = asyncio.run(look(running, [first, *rest]))
    assert jobs[0].state == pb.STATE_DONE
    assert [(job.state, job.attempt) for job in jobs[1:]] == [(pb.STATE_READY, 1)] * 10


def test_a_second_signal_does_not_wait(folder, service):
    async def scenario(running):
        await running.logged("working")
        async with running.client() as stub:
            job_id = (await stub.Submit(new("sleep", {"seconds": 600}))).id
            async for job in stub.Watch(pb.WatchRequest(id=job_id)):
                if job.state == pb.STATE_RUNNING:
                    break
        running.tell()
        await running.logged("draining")
        running.tell()

    with service(folder, JOBQUEUE_GRACE_S="600") as running:
        asyncio.run(scenario(running))
        assert running.end() == 130


def test_a_handler_that_never_returns_does_not_keep_the_process(folder, service):
    (folder / "stuck.py").write_text(
        "import threading\n"
        "from jobqueue.application.handlers import Handlers\n"
        "handlers = Handlers()\n"
        "@handlers.handler('stuck')\n"
        "def stuck(job):\n"
        "    threading.Event().wait()\n"
    )

    async def scenario(running):
        await running.logged("working")
        async with running.client() as stub:
            job_id = (await stub.Submit(new("stuck"))).id
            async for job in stub.Watch(pb.WatchRequest(id=job_id)):
                if job.state == pb.STATE_RUNNING:
                    break
        running.tell()

    with service(folder, JOBQUEUE_HANDLERS="stuck", JOBQUEUE_GRACE_S="4", PYTHONPATH=str(folder)) as running:
        asyncio.run(scenario(running))
        assert running.end() == 0
        assert any("leaving handlers behind" in line["event"] for line in running.lines())


def test_the_probe_answers_with_metrics_and_health(folder, service):
    async def scenario(running):
        line = await running.logged("probe")
        async with running.client() as stub:
            await final(stub, (await stub.Submit(new("echo"))).id)
        base = f"http://{line['address']}"
        with urllib.request.urlopen(f"{base}/metrics", timeout=10) as page:
            metrics = page.read().decode()
        with urllib.request.urlopen(f"{base}/healthz", timeout=10) as page:
            return metrics, json.load(page)

    with service(folder) as running:
        metrics, health = asyncio.run(scenario(running))
    assert 'jobs_processed_total{queue="default",status="done"} 1.0' in metrics
    assert health["ok"] is True
    assert health["defects"] == 0
