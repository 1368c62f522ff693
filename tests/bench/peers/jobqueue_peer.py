"""Ours, as it is run: leases, renewal, retries, Prometheus metrics, a log at error level."""

import asyncio
import random
import time
import uuid

from command import parse, report
from prometheus_client import CollectorRegistry
from tally import Tally

from jobqueue.adapters import log_observer
from jobqueue.adapters.observers import Observers
from jobqueue.adapters.prometheus_observer import PrometheusObserver
from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.handlers import Handlers
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings

args = parse()
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
    return store, clock, observer, Submitter(store, clock, observer, lambda: uuid.uuid4().hex)


async def enqueue() -> None:
    store, _, _, submitter = parts()
    job = JobRequest(args.kind)
    if args.way == "one":
        for _ in range(args.n):
            await submitter.submit("default", job)
    elif args.way == "hundred":

        async def caller() -> None:
            for _ in range(args.n // 100):
                await submitter.submit("default", job)

        await asyncio.gather(*(caller() for _ in range(100)))
    else:
        for _ in range(0, args.n, 10_000):
            await submitter.submit_many("default", [job] * min(10_000, args.n))
    await store.close()


async def pace() -> None:
    store, _, _, submitter = parts()
    begun = time.perf_counter()
    for i in range(args.n):
        await asyncio.sleep(max(0, begun + i / 100 - time.perf_counter()))
        await submitter.submit("default", JobRequest("stamp", str(time.time_ns()).encode()))
    await store.close()


async def work() -> None:
    store, clock, observer, _ = parts()
    settings = WorkerSettings(concurrency=args.concurrency)
    worker = Worker(store, handlers, clock, observer, random.Random(), worker_id=uuid.uuid4().hex, settings=settings)
    worker.start()
    await asyncio.Event().wait()


if args.act == "worker":
    asyncio.run(work())
elif args.act == "pace":
    asyncio.run(pace())
else:
    report(args.n, lambda: asyncio.run(enqueue()))
