"""Ours, as it is run: leases, renewal, retries, Prometheus metrics, a log at error level."""

import asyncio
import os
import random
import time

from command import paced, parse, report
from prometheus_client import CollectorRegistry
from tally import Tally

from jobqueue.adapters import log_observer
from jobqueue.adapters.blocking_submitter import BlockingSubmitter
from jobqueue.adapters.observers import Observers
from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.entrypoints.cli.serve import uvloop_if_installed

BATCH = 1_000
CALLS_AT_ONCE = 4

args = parse()


def new_id():
    return os.urandom(16).hex()


tally = Tally(args.tally) if args.tally else None
log_observer.configure(level="error", style="json")
handlers = Handlers()


@handlers.handler("noop")
async def noop(job):
    tally.start()
    tally.end()


@handlers.handler("sleep5")
async def sleep5(job):
    tally.start()
    await asyncio.sleep(0.005)
    tally.end()


@handlers.handler("stamp")
async def stamp(job):
    tally.start(int(job.payload))
    tally.end()


def parts():
    store, clock = RedisJobStore(connect(args.url, cluster=False)), SystemClock()
    observer = Observers(PrometheusObserver(CollectorRegistry()), log_observer.LogObserver())
    return store, clock, observer, Submitter(store, clock, observer, new_id)


def enqueue_one_at_a_time() -> None:
    with BlockingSubmitter(args.url, new_id) as submitter:
        for _ in range(args.n):
            submitter.submit("default", args.kind)


async def enqueue_through_the_front() -> None:
    from jobqueue.entrypoints.grpc_client import connect as connect_front
    from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

    left = iter(range(0, args.n, BATCH))

    async def caller(stub) -> None:
        for _ in left:
            jobs = [pb.NewJob(type=args.kind)] * BATCH
            answer = await stub.SubmitBatch(pb.SubmitBatchRequest(queue="default", jobs=jobs))
            assert len(answer.results) == BATCH

    async with connect_front(args.front) as stub:
        await asyncio.gather(*(caller(stub) for _ in range(CALLS_AT_ONCE)))


async def enqueue() -> None:
    store, _, _, submitter = parts()
    job = JobRequest(args.kind)
    if args.way == "hundred":

        async def caller() -> None:
            for _ in range(args.n // 100):
                await submitter.submit("default", job)

        await asyncio.gather(*(caller() for _ in range(100)))
    else:
        for _ in range(0, args.n, 10_000):
            await submitter.submit_many("default", [job] * min(10_000, args.n))
    await store.close()


def pace() -> None:
    with BlockingSubmitter(args.url, new_id) as submitter:
        paced(args.n, lambda: submitter.submit("default", "stamp", time.time_ns()))


async def work() -> None:
    store, clock, observer, _ = parts()
    settings = WorkerSettings(concurrency=args.concurrency)
    worker = Worker(store, handlers, clock, observer, random.Random(), worker_id=new_id(), settings=settings)
    worker.start()
    await asyncio.Event().wait()


def run(work) -> None:
    with asyncio.Runner(loop_factory=uvloop_if_installed()) as runner:
        runner.run(work)


if args.act == "worker":
    run(work())
elif args.act == "pace":
    pace()
elif args.way == "one":
    report(args.n, enqueue_one_at_a_time)
elif args.way == "front":
    report(args.n, lambda: asyncio.run(enqueue_through_the_front()))
else:
    report(args.n, lambda: run(enqueue()))
