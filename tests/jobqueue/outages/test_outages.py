"""Whole outages in virtual time: what retries add to the load, what becomes of the jobs, and how fast they are done."""

import asyncio
import os

import fakeredis
import pytest

from jobqueue.adapters.redis_job_store import RedisJobStore
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore
from tests.jobqueue.outages.scenario import outage

MINUTE = 60.0
SCALE = float(os.environ.get("LONG_SCALE", "1"))


def holds(store, *, minutes, jobs_per_s, workers):
    """Live through an outage and check everything that the service promises about it."""
    outage_s = minutes * MINUTE
    report = outage(store, outage_s=outage_s, jobs_per_s=jobs_per_s, workers=workers, gives_up_s=2 * outage_s)
    assert report.load <= 1.25, report
    assert report.dead == 0, report
    assert report.first_success_s <= 30.0, report
    assert not report.left, f"{len(report.left)} of {report.jobs} jobs are left after twice the outage: {report}"
    assert report.refused <= 0.05, report
    assert report.latency_s <= report.latency_before_s + 0.05, report
    return report


@pytest.mark.parametrize(("minutes", "jobs_per_s", "workers"), [(1, 1.0, 1), (1, 1.0, 10), (1, 50.0, 1), (10, 1.0, 1)])
def test_an_outage_adds_little_load_and_costs_no_job(minutes, jobs_per_s, workers):
    """Retries add at most a quarter to the load of a dependency that is down, and no job dies of the outage.

    Did: took a dependency down under a fleet of workers in virtual time, and up again, bearing twice the usual load; a
        second, healthy job type ran beside.
    Saw: at most 1.25 calls a job during the outage, no job dead, a success within 30 s of the recovery, the backlog
        done within twice the outage with at most 5 % of the calls refused, and the healthy jobs as fast as before.
    Otherwise: with delays alone, five minutes at 50 jobs a second see 2.98 calls a job, and most of the jobs are dead.
    """
    holds(MemoryJobStore(), minutes=minutes, jobs_per_s=jobs_per_s, workers=workers)


@pytest.mark.long
@pytest.mark.timeout(3600)  # an hour at 50 jobs a second with ten workers, on a busy machine: 32 minutes
@pytest.mark.parametrize("workers", [1, 10])
@pytest.mark.parametrize("jobs_per_s", [1.0, 50.0])
@pytest.mark.parametrize("minutes", [1, 10, 60])
def test_outages_of_an_hour_and_fleets_of_ten(minutes, jobs_per_s, workers):
    if SCALE < 1:
        minutes = {1: 1, 10: 3, 60: 10}[minutes]
    holds(MemoryJobStore(), minutes=minutes, jobs_per_s=jobs_per_s, workers=workers)


@pytest.mark.long
def test_jobs_that_come_at_random_are_done_as_well():
    """With jobs and calls at random instants a dependency at its limit refuses more, and all else holds."""
    report = outage(
        MemoryJobStore(), outage_s=10 * MINUTE, jobs_per_s=50.0, workers=1, gives_up_s=20 * MINUTE, evenly=False
    )
    assert (report.dead, len(report.left)) == (0, 0), report
    assert (report.load <= 1.25, report.refused <= 0.05) == (True, True), report


class PollingStore(RedisJobStore):
    """Asks again and again where the server would let a worker wait: fakeredis waits in real time."""

    async def wait_and_claim(self, queue, *, wanted, token, now, lease_s, wait_s):
        await asyncio.sleep(0.05)
        return await self.acknowledge_and_claim(
            queue, (), wanted=wanted, token=token, now=now, lease_s=lease_s, done_max=0, succeeded={}
        )


@pytest.mark.long
def test_an_outage_on_the_scripts_themselves():
    holds(PollingStore(fakeredis.FakeAsyncRedis()), minutes=1, jobs_per_s=1.0, workers=1)
