"""Whole processes that are told to stop: within the announced grace, as PID 1 too, and without claiming more."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import trustme

from jobqueue.adapters.redis_client import connect as connect_to_store
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.domain.job import Job
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

pytestmark = pytest.mark.against("process", "gRPC", "Valkey")


def new(kind, payload=None):
    return pb.SubmitRequest(job=pb.NewJob(type=kind, payload_json=json.dumps(payload).encode()))


async def runs(stub, job_id):
    """Return when a job runs."""
    async for job in stub.Watch(pb.WatchRequest(id=job_id)):
        if job.state == pb.STATE_RUNNING:
            return


@pytest.fixture
def certificate(tmp_path):
    """The settings of a front that listens on all addresses, and the CA that its clients need."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    settings = {"TOKEN": "t", "TLS_CERT": str(tmp_path / "cert.pem"), "TLS_KEY": str(tmp_path / "key.pem")}
    return {f"JOBQUEUE_{name}": value for name, value in settings.items()}, str(tmp_path / "ca.pem")


def test_a_front_that_others_reach_takes_calls_for_a_fifth_of_the_grace_after_sigterm(folder, service, certificate):
    """Did: sent SIGTERM to a front on all addresses, with a grace of 5 s, and submitted all the while.

    Saw: its log announces a pause of 1 s; every submit of the first 0.8 s was stored; it ended with 0 within 5 s.
    Otherwise: the submits between the signal and the load balancer's notice would be refused.
    """
    settings, ca = certificate

    async def scenario(running):
        port = (await running.logged("listening"))["address"].rpartition(":")[2]
        async with connect(f"localhost:{port}", token="t", tls_ca=ca) as stub:
            await stub.Submit(new("echo"))
            running.tell()
            line = await running.logged("draining")
            told_at, stored = time.monotonic(), 0
            while time.monotonic() - told_at < 0.8:
                await stub.Submit(new("echo"))
                stored += 1
            return line["pause_s"], stored, told_at

    with service(folder, JOBQUEUE_LISTEN="0.0.0.0:0", JOBQUEUE_GRACE_S="5", **settings) as running:
        pause_s, stored, told_at = asyncio.run(scenario(running))
        assert running.end() == 0
        assert time.monotonic() - told_at < 5.0
    assert pause_s == 1.0
    assert stored > 0


def test_the_grace_covers_everything_from_sigterm_to_the_exit(folder, service):
    """Front and worker share one grace.

    Did: kept both busy, with a job of ten minutes and a submit stream that doesn't end; sent SIGTERM with 4 s of grace.
    Saw: the process ended after 4 s with status 0, and the job is ready again.
    Otherwise: it would take the grace twice, and more for what comes after, and the orchestrator would kill it.
    """

    async def begin(running):
        await running.logged("working")
        async with running.client() as stub:
            job_id = (await stub.Submit(new("sleep", {"seconds": 600}))).id
            await runs(stub, job_id)
            call = stub.SubmitStream()
            await call.write(pb.SubmitBatchRequest(jobs=[pb.NewJob(type="echo")]))
            running.tell()
            began = time.monotonic()
            status = await asyncio.to_thread(running.end)
            took_s = time.monotonic() - began
            call.cancel()
        return job_id, status, took_s

    async def look(running, job_id):
        await running.logged("listening")
        async with running.client() as stub:
            return await stub.Get(pb.GetRequest(id=job_id))

    with service(folder, JOBQUEUE_GRACE_S="4") as running:
        job_id, status, took_s = asyncio.run(begin(running))
    assert status == 0
    assert took_s < 6.0, "the grace, and what a busy machine needs to end an interpreter"
    with service(folder, "serve", "--no-worker") as running:
        job = asyncio.run(look(running, job_id))
    assert (job.state, job.attempt) == (pb.STATE_READY, 1)


def test_a_process_that_hangs_leaves_when_its_grace_is_over(folder, service):
    """A handler that blocks the event loop after the signal must not keep the process."""
    (folder / "blocking.py").write_text(
        "import asyncio, time\n"
        "from jobqueue.application.handlers import Handlers\n"
        "handlers = Handlers()\n"
        "@handlers.handler('block')\n"
        "async def block(job):\n"
        "    try:\n"
        "        await asyncio.sleep(600)\n"
        "    finally:\n"
        "        time.sleep(600)\n"
    )

    async def begin(running):
        await running.logged("working")
        async with running.client() as stub:
            await runs(stub, (await stub.Submit(new("block"))).id)
        running.tell()

    with service(folder, JOBQUEUE_HANDLERS="blocking", JOBQUEUE_GRACE_S="1", PYTHONPATH=str(folder)) as running:
        asyncio.run(begin(running))
        assert running.end() == 1
        assert running.lines()[-1]["event"] == "the grace period is over, leaving without a clean end"


def test_a_worker_that_drains_claims_nothing_more(folder, service):
    """What arrives while a worker drains is for others.

    Did: told a service to stop whose front has a stream open and whose worker runs a job of 2 s and has free slots,
        then submitted 20 jobs to its store.
    Saw: half a second later all 20 were ready with attempt 1, though the process still drained.
    Otherwise: they would run there, or stay claimed until their leases lapse.
    """

    async def scenario(running):
        await running.logged("working")
        store = RedisJobStore(connect_to_store(f"unix://{folder}/data/valkey.sock", cluster=False))
        async with running.client() as stub:
            await runs(stub, (await stub.Submit(new("sleep", {"seconds": 2}))).id)
            call = stub.SubmitStream()  # keeps the front busy until the end
            await call.write(pb.SubmitBatchRequest(jobs=[pb.NewJob(type="echo")]))
            running.tell()
            await running.logged("draining")
            now = time.time()
            jobs = [Job(f"{number:032x}", "default", "echo", b"1", 1, now, now) for number in range(20)]
            await store.submit("default", jobs, now=now, key_for_s=1.0)
            give_up_at = time.monotonic() + 1.5
            while (depth := (await store.stats("default", now=now)).depth)["ready"] < 20:
                assert time.monotonic() < give_up_at, depth
                await asyncio.sleep(0.01)
            seen = [(await store.find("default", job.id)).job.attempt for job in jobs]
            assert running.process.poll() is None
            call.cancel()
        await store.close()
        return depth["running"], seen

    with service(folder) as running:
        still_running, attempts = asyncio.run(scenario(running))
    assert still_running == 1
    assert attempts == [1] * 20


def inner_pid(outer):
    """Return the process that `unshare` started, as this namespace counts."""
    give_up_at = time.monotonic() + 10
    while not (children := Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    return int(children[0])


def start_as_pid_1(folder):
    """Start a service as PID 1 of a PID namespace; return the process outside of it and its log."""
    settings = {"JOBQUEUE_DATA_DIR": f"{folder}/data", "JOBQUEUE_LISTEN": f"unix:{folder}/f", "JOBQUEUE_GRACE_S": "10"}
    log = folder / "log"
    with log.open("wb") as sink:
        command = ["unshare", "--pid", "--fork", "--kill-child", Path(sys.executable).with_name("jobqueue"), "serve"]
        sources = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
        environment = {**settings, **sources, "PATH": "/usr/bin:/bin"}
        outer = subprocess.Popen(command, env=environment, stderr=sink, cwd=folder)
    return outer, log


@pytest.mark.pid_namespace
def test_as_pid_1_of_a_container_it_ends_on_sigterm(folder):
    """For PID 1 the kernel ignores a signal that has no handler.

    Did: ran a service as PID 1 of a PID namespace, and sent it SIGTERM from outside, as a container engine does; and
      the same with a program that has no handler, which then waited for a line.
    Saw: the service drained and ended with status 0. The other program read its line as if nothing had happened.
    Otherwise: nothing would happen for the 30 s that Kubernetes waits, and then the process would be killed; or the
      program without a handler would have ended by the signal.
    """
    unhandled = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(unhandled, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "up\n"
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(inner_pid(other))], check=True)
        other.communicate("line\n", timeout=30)
        assert other.returncode == 0
    outer, log = start_as_pid_1(folder)
    try:
        inner = inner_pid(outer)
        give_up_at = time.monotonic() + 30
        while '"working"' not in log.read_text():
            assert time.monotonic() < give_up_at, log.read_text()
            time.sleep(0.02)
        assert Path(f"/proc/{inner}/status").read_text().split("NSpid:")[1].split()[1] == "1"
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(inner)], check=True)
        assert outer.wait(15) == 0
    finally:
        outer.kill()
        outer.wait()
    assert '"drained"' in log.read_text()


@pytest.mark.pid_namespace
def test_as_pid_1_it_ends_on_a_sigterm_that_comes_while_it_starts(folder):
    """A deployment may be taken back while its containers start.

    Did: ran a service as PID 1 of a PID namespace, and sent it SIGTERM as soon as it had any handler for that.
    Saw: it ended with the status of SIGTERM, before it served anything.
    Otherwise: imports take half a second and more; a signal in that time would be lost.
    """
    outer, log = start_as_pid_1(folder)
    try:
        inner = inner_pid(outer)
        give_up_at = time.monotonic() + 30
        while not handles(inner, signal.SIGTERM):
            assert time.monotonic() < give_up_at
            time.sleep(0.002)
        subprocess.run(["kill", f"-{signal.SIGTERM.value}", str(inner)], check=True)
        assert outer.wait(15) == 128 + signal.SIGTERM
    finally:
        outer.kill()
        outer.wait()
    assert '"working"' not in log.read_text()


def handles(pid, number):
    """Tell whether a process has a handler for a signal."""
    caught = Path(f"/proc/{pid}/status").read_text().split("SigCgt:")[1].split()[0]
    return bool(int(caught, 16) >> (number - 1) & 1)
