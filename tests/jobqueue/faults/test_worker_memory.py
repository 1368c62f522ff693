"""What a worker needs of memory, and that it needs no more after a million jobs."""

import asyncio
import uuid

import pytest

from jobqueue.adapters.redis_client import connect
from jobqueue.adapters.redis_job_store import RedisJobStore
from jobqueue.adapters.silent_observer import SilentObserver
from jobqueue.adapters.system_clock import SystemClock
from jobqueue.application.submit import JobRequest, Submitter

WARM_UP, CHUNK = 50_000, 100_000
LIMIT_MB, GROWTH_MB = 60.0, 5.0


async def fill(url, count):
    """Submit jobs that do nothing, in bulk."""
    store = RedisJobStore(connect(url, cluster=False))
    submitter = Submitter(store, SystemClock(), SilentObserver(), lambda: uuid.uuid4().hex)
    for start in range(0, count, 10_000):
        await submitter.submit_many("default", [JobRequest("noop")] * min(10_000, count - start))
    await store.close()


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(900)
def test_a_million_jobs_leave_no_trace_in_a_workers_memory(processes, valkey, ledger, scaled):
    """A worker's memory is bounded, with metrics and traces on, and does not grow with the jobs it has run.

    Did: let a worker with metrics, traces (one in a thousand exported) and a log run 50,000 jobs that do nothing, then
        a million more, with 100,000 of them waiting at a time.
    Saw: at most 60 MB resident after each, and less than 5 MB of growth in between.
    Otherwise: something that is kept for each job, such as a label, a span or a finished task, would add up.
    """
    worker = processes.worker(
        valkey.url,
        JOBQUEUE_HANDLERS="jobqueue.entrypoints.sample_handlers",
        JOBQUEUE_METRICS_LISTEN="127.0.0.1:0",
        JOBQUEUE_DONE_MAX="1000",
        JOBQUEUE_TRACES="console",
        OTEL_TRACES_SAMPLER="parentbased_traceidratio",
        OTEL_TRACES_SAMPLER_ARG="0.001",
    )
    book, resident_mb = ledger(valkey.url), []
    for count in [WARM_UP, *[CHUNK] * scaled(10)]:
        asyncio.run(fill(valkey.url, count))
        book.wait_until_settled(120)
        worker.metric("jobs_processed_total")  # so that what a scrape needs is counted too
        resident_mb.append(worker.rss_mb())
    ran = worker.metric("jobs_processed_total")
    print(f"{ran:,.0f} jobs, resident MB after each part: {', '.join(f'{each:.1f}' for each in resident_mb)}")
    assert ran == WARM_UP + CHUNK * scaled(10)
    assert max(resident_mb) <= LIMIT_MB
    assert resident_mb[-1] - resident_mb[0] < GROWTH_MB
    assert worker.drain() == 0
