"""Measure this machine: empty jobs are submitted in bulk, and one worker runs them."""

import asyncio
import os
import random
import time

from jobqueue.application.handlers import Handlers
from jobqueue.application.ports.clock import Clock
from jobqueue.application.ports.job_store import JobStore
from jobqueue.application.ports.observer import Observer
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.application.worker import Worker, WorkerSettings
from jobqueue.domain.job import Job
from jobqueue.entrypoints.cli.output import progress

QUEUE = "bench"
BATCH = 10_000


async def bench(store: JobStore, clock: Clock, observer: Observer, jobs: int) -> dict[str, float]:
    """Return rates in jobs a second, and the worker's CPU seconds for 10,000 jobs."""
    submitter = Submitter(store, clock, observer, new_id=lambda: os.urandom(16).hex())
    begun = time.perf_counter()
    with progress("submitted", jobs) as told:
        for start in range(0, jobs, BATCH):
            count = min(BATCH, jobs - start)
            await submitter.submit_many(QUEUE, [JobRequest("noop")] * count)
            told(count)
    submit_s = time.perf_counter() - begun

    handlers, left, empty = Handlers(), jobs, asyncio.Event()

    @handlers.handler("noop")
    async def noop(job: Job) -> None:
        nonlocal left
        del job
        left -= 1
        if not left:
            empty.set()

    settings = WorkerSettings(queues=(QUEUE,))
    worker = Worker(
        store, handlers, clock, observer, random.Random(), worker_id=f"bench-{os.urandom(4).hex()}", settings=settings
    )
    begun, cpu = time.perf_counter(), time.process_time()
    worker.start()
    await empty.wait()
    drain_s, cpu_s = time.perf_counter() - begun, time.process_time() - cpu
    await worker.drain()
    return {
        "jobs": float(jobs),
        "submitted_per_s": jobs / submit_s,
        "drained_per_s": jobs / drain_s,
        "worker_cpu_s_per_10k": cpu_s / jobs * 10_000,
    }
