"""What a person sees of a queue: rates from what was counted, who holds what, and of what the dead died."""

from jobqueue.application.overview import TypeFigures, WorkerFigures, overview
from jobqueue.domain.admission import Attempts
from jobqueue.domain.errors import PermanentError, TransientError
from jobqueue.domain.job import JobState
from jobqueue.domain.verdict import Bury, Retry, noted
from tests.jobqueue.fakes.jobs import T0, job, receipt


class Sampling:
    """A clock whose only wait is the sample: it lasts two seconds, and `meanwhile` happens in it."""

    def __init__(self, meanwhile):
        self.meanwhile, self.waited_s = meanwhile, 0.0

    def now(self):
        return T0 + 1.0 + self.waited_s

    def ticks(self):
        return self.waited_s

    async def sleep(self, delay_s):
        await self.meanwhile()
        self.waited_s += 2.0


async def nothing():
    pass


async def acknowledge(engine, count):
    leases = (await engine.claim(count)).leases
    await engine.claim(0, done=[receipt(lease) for lease in leases], succeeded={"greet": count})


async def test_attempts_are_counted_by_type_and_leases_listed_with_their_ends(engine):
    assert await engine.store.attempts("q") == {}
    assert await engine.store.running("q", limit=9) == []
    await engine.submit(*(job(number) for number in range(1, 6)))
    await acknowledge(engine, 2)
    (lease,) = (await engine.claim(1)).leases
    verdict = Retry(noted(lease.job, TransientError("x"), T0)._replace(attempt=2, due_at=T0 + 1.0))
    await engine.store.settle_failed("q", [receipt(lease)], [verdict], now=T0)
    assert await engine.store.attempts("q") == {"greet": Attempts(2, 1)}
    await engine.claim(1, at=T0 + 2.0)
    await engine.claim(1, at=T0 + 1.0)
    first, second = await engine.store.running("q", limit=9)
    assert (first[1], second[1]) == (T0 + 11.0, T0 + 12.0)
    assert await engine.store.running("q", limit=1) == [first]


async def test_an_empty_queue_has_nothing_to_show(engine):
    seen = await overview(engine.store, Sampling(nothing), "q")
    assert (seen.types, seen.dead, seen.workers) == ([], [], [])
    assert set(seen.stats.depth.values()) == {0}


async def test_a_queue_at_a_glance(engine):
    """Did: acknowledged two jobs before the sample and three in it; one retry waits, two jobs are dead, two run.

    Saw: 1.5 done a second, one retry that waits, the errors of the dead by type, and the worker with its first lease.
    """
    await engine.submit(*(job(number) for number in range(1, 11)))
    await acknowledge(engine, 2)
    retried, *buried = (await engine.claim(3)).leases
    verdicts = [
        Retry(noted(retried.job, TransientError("x"), T0)._replace(attempt=2, due_at=T0 + 1.0)),
        Bury(noted(buried[0].job, PermanentError("secret"), T0)),
        Bury(buried[1].job),
    ]
    await engine.store.settle_failed("q", [receipt(lease) for lease in (retried, *buried)], verdicts, now=T0)

    async def three_are_done():
        await acknowledge(engine, 3)
        await engine.claim(1)
        await engine.claim(1, at=T0 + 1.0)

    seen = await overview(engine.store, Sampling(three_are_done), "q")
    assert seen.types == [TypeFigures("greet", 1.5, 0.0, 1)]
    assert seen.dead == [("jobqueue.domain.errors.PermanentError", 1)]
    assert seen.workers == [WorkerFigures("w", 2, 7.0)]
    assert (seen.stats.depth[JobState.RUNNING], seen.stats.depth[JobState.DEAD]) == (2, 2)
