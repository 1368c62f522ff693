"""What happens seldom: cancellations that were swallowed, leases lost on the way, a store that fails during a wait."""

import asyncio
import random

import pytest

from jobqueue.application.heartbeat import Heartbeat
from jobqueue.application.inspector import DeadSelection, Inspector
from jobqueue.application.loop import every, steadily
from jobqueue.application.reap import Reaper
from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.domain.errors import InvalidJob, StoreUnavailable
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import Bury, noted
from tests.jobqueue.fakes.jobs import ids, job, receipt


async def claimed(bench, count, token="w.1", lease_s=15.0):
    await bench.submit(*(job(number) for number in range(1, count + 1)))
    claim = await bench.memory.acknowledge_and_claim(
        "q", [], wanted=count, token=token, now=bench.clock.now(), lease_s=lease_s, done_max=1000, succeeded={}
    )
    return claim.leases


async def swallow(_now=None):
    """Wait, and go on when the wait is cancelled, as a client does whose reply came just then."""
    try:
        await asyncio.sleep(0.5)
    except asyncio.CancelledError:
        await asyncio.sleep(
            0
        )  # after an exception thrown into it, Python 3.11 traces a coroutine from its next turn on
    return True


@pytest.mark.parametrize(
    ("ids_named", "error_type", "everything", "ways"),
    [((), "", False, 0), (("a",), "ValueError", False, 2), (("a",), "ValueError", True, 3)],
)
def test_a_request_that_names_dead_jobs_in_no_way_or_in_several_is_refused(ids_named, error_type, everything, ways):
    with pytest.raises(InvalidJob, match=f"got {ways} of them"):
        DeadSelection.exactly_one(ids_named, error_type, everything=everything)


def test_a_request_that_names_dead_jobs_in_one_way_selects_just_them():
    assert DeadSelection.exactly_one(["a", "b"], "", everything=False) == DeadSelection(frozenset("ab"), "")
    assert DeadSelection.exactly_one([], "ValueError", everything=False) == DeadSelection(None, "ValueError")
    assert DeadSelection.exactly_one([], "", everything=True) == DeadSelection()


async def test_the_jobs_of_several_queues_are_counted(bench):
    await bench.submit(job(1))
    await bench.submit(job(2), job(3), queue="other")
    counted = await Inspector(bench.store, bench.clock, bench.observer).stats(["q", "other"])
    assert [sum(stats.depth.values()) for stats in counted] == [1, 2]


async def test_a_dead_job_that_another_redrive_moved_first_is_not_told(bench, monkeypatch):
    (lease,) = await claimed(bench, 1)
    now = bench.clock.now()
    await bench.memory.settle_failed("q", [receipt(lease)], [Bury(noted(lease.job, ValueError("x"), now))], now=now)

    async def too_late(_queue, jobs, **_options):
        return [False] * len(jobs)

    monkeypatch.setattr(bench.memory, "redrive", too_late)
    inspector = Inspector(bench.store, bench.clock, bench.observer)
    assert [dead async for dead in inspector.redrive("q", DeadSelection())] == []


@pytest.mark.parametrize("repeat", [every, steadily])
async def test_a_loop_ends_although_its_pass_swallowed_the_cancellation(bench, repeat):
    options = {"name": "loop", "clock": bench.clock, "observer": bench.observer}
    if repeat is every:
        options["rng"] = random.Random(1)
    task = asyncio.create_task(repeat(1.0, swallow, **options))
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_slot_ends_although_its_wait_swallowed_the_cancellation(bench):
    slot = bench.worker()._slots[0]
    task = asyncio.create_task(slot.run(lambda: None, swallow))
    await asyncio.sleep(0.2)
    task.cancel()
    assert await task is None


async def test_a_reaper_whose_leases_were_settled_meanwhile_reports_nothing(bench, monkeypatch):
    await claimed(bench, 1, lease_s=1.0)

    async def too_late(_queue, receipts, _verdicts, **_options):
        return [one.id for one in receipts]

    monkeypatch.setattr(bench.memory, "settle_failed", too_late)
    reaper = Reaper(
        bench.store, bench.observer, ["q"], lambda _kind: RetryPolicy(max_attempts=3, base_s=1.0, cap_s=1.0)
    )
    assert not await reaper.run_once(bench.clock.now() + 60.0)
    assert bench.observer.moves == {}


async def test_a_lease_that_ended_while_its_renewal_travelled_is_not_lost(bench, monkeypatch):
    traffic = bench.worker()._traffic[0]
    traffic.buffer.extend(await claimed(bench, 1))

    async def ended_meanwhile(_queue, receipts, **_options):
        traffic.buffer.clear()
        return [one.id for one in receipts]

    monkeypatch.setattr(bench.memory, "renew", ended_meanwhile)
    await Heartbeat(bench.store, bench.observer, [traffic], [], 15.0).run_once(bench.clock.now() + 10.0)
    assert bench.observer.lost == []


async def test_a_batch_that_fails_on_its_way_tells_each_caller_that_still_waits(bench, monkeypatch):
    numbers = iter(range(1, 99))
    submit = Submitter(bench.store, bench.clock, bench.observer, lambda: f"{next(numbers):032x}").submit
    sent = []

    async def second_fails(*_arguments, **_options):
        sent.append(1)
        await asyncio.sleep(1.0)
        if len(sent) == 2:
            raise StoreUnavailable("gone")
        return [True]

    monkeypatch.setattr(bench.memory, "submit", second_fails)
    callers = [asyncio.create_task(submit("q", JobRequest("greet"))) for _ in range(3)]
    await asyncio.sleep(1.5)
    callers[2].cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["Submitted", "StoreUnavailable", "CancelledError"]


async def test_a_batch_that_is_cancelled_cancels_its_callers(bench, monkeypatch):
    numbers = iter(range(1, 99))
    submitter = Submitter(bench.store, bench.clock, bench.observer, lambda: f"{next(numbers):032x}")

    async def slow(*_arguments, **_options):
        await asyncio.sleep(1.0)
        return [True]

    monkeypatch.setattr(bench.memory, "submit", slow)
    callers = [asyncio.create_task(submitter.submit("q", JobRequest("greet"))) for _ in range(2)]
    await asyncio.sleep(1.5)
    for task in submitter._tasks:
        task.cancel()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["Submitted", "CancelledError"]


async def test_an_acknowledgement_waits_a_little_for_more_while_slots_have_enough_to_do(bench):
    traffic = bench.worker()._traffic[0]
    leases = await claimed(bench, 4)
    traffic.buffer.extend(leases[1:])
    traffic.acknowledge(leases[0])
    running = asyncio.create_task(traffic.run())
    await asyncio.sleep(0.004)
    assert await bench.depth() == {"running": 4}
    await asyncio.sleep(0.002)
    assert await bench.depth() == {"running": 3, "done": 1}
    traffic.acknowledge(leases[1])
    await asyncio.sleep(0.001)
    for _ in range(3):
        traffic.take()
    await asyncio.sleep(0.001)
    assert await bench.depth() == {"running": 2, "done": 2}, "the buffer ran low, and the wait went on"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_a_wait_under_way_ends_with_its_traffic(bench):
    traffic = bench.worker()._traffic[0]
    running = asyncio.create_task(traffic.run())
    await asyncio.sleep(0.5)
    waiter = traffic._waiter
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await asyncio.sleep(0.1)
    assert waiter.cancelled()


async def test_a_wait_that_fails_is_reported_and_another_follows(bench):
    @bench.handlers.handler("greet")
    async def greet(_):
        pass

    bench.store.breaks("wait_and_claim")
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(5.0)
    assert [where for where, _ in bench.observer.failures] == ["wait for q"]
    await bench.submit(job(1))
    await asyncio.sleep(5.0)
    assert await bench.depth() == {"done": 1}
    await worker.drain()


async def test_a_wait_that_fails_while_the_worker_leaves_does_not_hold_it_up(bench, monkeypatch):
    async def fails_late(*_arguments, **_options):
        await asyncio.sleep(2.0)
        raise StoreUnavailable("gone")

    monkeypatch.setattr(bench.memory, "wait_and_claim", fails_late)
    worker = bench.worker()
    worker.start()
    await asyncio.sleep(1.0)
    began_at = bench.clock.ticks()
    await worker.drain()
    assert bench.clock.ticks() - began_at < 1.5
    assert [where for where, _ in bench.observer.failures] == ["wait for q"]


async def test_a_job_given_back_after_its_lease_was_lost_is_reported(bench):
    traffic = bench.worker()._traffic[0]
    (lease,) = await claimed(bench, 1)
    await bench.memory.give_back("q", [receipt(lease)], now=bench.clock.now())
    traffic.give_back(lease)
    running = asyncio.create_task(traffic.run())
    await asyncio.sleep(0.1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert bench.observer.lost == ids([1])


async def test_a_slot_that_gave_up_waiting_is_not_woken(bench):
    worker = bench.worker()
    gone, waiting = worker._be_idle(), worker._be_idle()
    gone.cancel()
    worker._traffic[0].buffer.extend(await claimed(bench, 1))
    worker._wake_slots()
    assert waiting.done()


async def test_a_defect_that_ends_a_task_of_the_worker_is_reported(bench):
    async def defect():
        raise ZeroDivisionError

    worker = bench.worker()
    worker._start(next(iter(worker._tasks), "loops"), defect())
    await asyncio.sleep(0.1)
    assert [(where, type(error)) for where, error in bench.observer.failures] == [("worker", ZeroDivisionError)]
