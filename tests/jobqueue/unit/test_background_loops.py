"""Promoter, reaper, trimmer and what repeats them, one pass at a time."""

import asyncio
import itertools
import random

from jobqueue.application.admit import Admitter
from jobqueue.application.handlers import Handlers
from jobqueue.application.loop import every
from jobqueue.application.ports.job_store import Receipt
from jobqueue.application.promote import Promoter
from jobqueue.application.reap import LIMIT, Reaper
from jobqueue.application.trim import Retention, Trimmer
from jobqueue.domain import defaults
from jobqueue.domain.admission import AdmissionPolicy
from jobqueue.domain.errors import LeaseLapsed, StoreUnavailable
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Retry, noted
from tests.jobqueue.fakes.jobs import ids, job


def reaper(bench, **options):
    policy_for = Handlers(RetryPolicy(max_attempts=2, base_s=1.0, cap_s=1.0)).policy_for
    return Reaper(bench.store, bench.observer, ["q"], policy_for, **options)


async def hold(bench, *numbers, lease_s=10.0, **fields):
    await bench.submit(*(job(number, **fields) for number in numbers))
    await bench.memory.acknowledge_and_claim(
        "q", [], wanted=999, token="gone.1", now=bench.clock.now(), lease_s=lease_s, done_max=1000, succeeded={}
    )


async def test_a_pass_promotes_what_is_due_in_every_queue(bench):
    await bench.submit(job(1, due_in_s=5.0), job(2, due_in_s=50.0))
    await bench.submit(job(3, due_in_s=5.0), queue="other")
    promoter = Promoter(bench.store, bench.observer, ["q", "other"])
    assert not await promoter.run_once(bench.clock.now() + 6.0)
    assert (await bench.depth(), await bench.depth("other")) == ({"ready": 1, "scheduled": 1}, {"ready": 1})
    assert bench.observer.moves == {"promoted": 2}


async def test_a_full_batch_asks_for_another_pass_at_once(bench):
    await bench.submit(*(job(n, due_in_s=1.0) for n in range(defaults.BATCH_LIMIT + 1)))
    promoter = Promoter(bench.store, bench.observer, ["q"])
    now = bench.clock.now() + 2.0
    assert [await promoter.run_once(now), await promoter.run_once(now)] == [True, False]


async def test_a_lease_is_reaped_only_when_it_ended_longer_ago_than_the_slack(bench):
    """The reaper waits a little longer than the lease says.

    Did: ran the reaper exactly half a second after the end of a lease, and once more a tenth of a second later.
    Saw: the first run left the job with its worker; the second took it away.
    Otherwise: a worker whose clock is late by some milliseconds would lose a job that it is about to renew.
    """
    await hold(bench, 1)
    now = bench.clock.now()
    await reaper(bench).run_once(now + 10.0 + defaults.SKEW_SLACK_S)
    assert await bench.depth() == {"running": 1}
    await reaper(bench).run_once(now + 10.1 + defaults.SKEW_SLACK_S)
    assert await bench.depth() == {"scheduled": 1}
    assert bench.observer.moves == {"reaped": 1}


async def test_a_job_that_killed_its_workers_often_enough_is_dead(bench):
    """A lapsed lease counts, so a job that kills its workers ends dead.

    Did: let the lease of a job lapse as often as its policy has attempts, and ran the reaper.
    Saw: the job is dead.
    Otherwise: it would be ready again, and kill the next worker.
    """
    lapse = noted(job(1), LeaseLapsed("worker w stayed silent"), bench.clock.now())
    await hold(bench, 1, attempt=2, failures=lapse.failures)
    await reaper(bench).run_once(bench.clock.now() + 11.0)
    assert (await bench.memory.find("q", job(1).id)).state is JobState.DEAD
    assert bench.observer.moves == {"reaped": 1, "buried": 1}


async def test_the_reaper_buries_an_undecodable_record_it_finds(bench):
    await hold(bench, 1)
    bench.memory.queue("q").records[job(1).id] = b"rubbish"
    await reaper(bench).run_once(bench.clock.now() + 11.0)
    assert (await bench.memory.dead("q", start=0, limit=1))[0].job.payload == b"rubbish"


async def test_two_reapers_count_what_they_moved_and_not_what_they_saw(bench):
    await hold(bench, 1, 2)
    now = bench.clock.now() + 11.0
    await asyncio.gather(reaper(bench).run_once(now), reaper(bench).run_once(now))
    assert bench.observer.moves == {"reaped": 2}
    assert await bench.depth() == {"scheduled": 2}


async def test_many_lapsed_leases_take_several_passes(bench):
    await hold(bench, *range(LIMIT + 5))
    now = bench.clock.now() + 11.0
    one = reaper(bench)
    assert [await one.run_once(now), await one.run_once(now), await one.run_once(now)] == [True, False, False]


async def test_a_pass_trims_what_is_beyond_its_retention(bench):
    await hold(bench, *range(10))
    receipts = [(job_id, "gone.1") for job_id in ids(range(10))]
    from jobqueue.application.ports.job_store import Receipt

    now = bench.clock.now()
    done = [Receipt(*pair) for pair in receipts]
    await bench.memory.acknowledge_and_claim(
        "q", done, wanted=0, token="x.1", now=now, lease_s=1.0, done_max=1000, succeeded={}
    )
    trimmer = Trimmer(bench.store, bench.observer, ["q"], Retention(done_max=4))
    assert not await trimmer.run_once(now)
    assert await bench.depth() == {"done": 4}
    assert bench.observer.moves == {"trimmed": 6}


async def test_passes_that_fail_are_reported_and_come_back_later_each_time(bench):
    times = []

    async def run_once(now):
        times.append(asyncio.get_running_loop().time())
        if len(times) <= 6:
            raise StoreUnavailable("down") if len(times) % 2 else RuntimeError("a defect")
        return len(times) < 9

    loop = asyncio.create_task(
        every(1.0, run_once, name="x", clock=bench.clock, observer=bench.observer, rng=random.Random(1))
    )
    await asyncio.sleep(60.0)
    loop.cancel()
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert [name for name, _ in bench.observer.failures] == ["x"] * 6
    assert all(1.0 <= gap <= 6.0 for gap in gaps[:6])
    assert gaps[6:8] == [0.0, 0.0]
    assert gaps[8] == 1.0


async def test_two_admitters_count_what_they_moved_and_not_what_they_saw(bench):
    await hold(bench, 1)
    token, now = bench.memory.queue("q").tokens[job(1).id], bench.clock.now()
    retry = Retry(job(1)._replace(attempt=2, due_at=now))
    await bench.memory.settle_failed("q", [Receipt(job(1).id, token)], [retry], now=now)
    seen = await bench.memory.due_retries("q", now=now)

    async def due_retries(queue, *, now):  # both look before either moves
        return seen

    bench.memory.due_retries = due_retries
    admitter = Admitter(bench.store, bench.observer, ["q"], AdmissionPolicy())
    assert [await admitter.run_once(now), await admitter.run_once(now)] == [False, False]
    assert bench.observer.moves == {"admitted": 1}
    assert await bench.depth() == {"ready": 1}
