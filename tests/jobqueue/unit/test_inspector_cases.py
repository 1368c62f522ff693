"""Looking, cancelling and re-driving, on a person's behalf."""

import pytest

from jobqueue.application.inspector import DeadSelection, Inspector
from jobqueue.domain.errors import InvalidJob, JobNotFound, TransientError, WrongState
from jobqueue.domain.job import JobState
from jobqueue.domain.verdict import Bury, noted
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt


def inspector(bench):
    return Inspector(bench.store, bench.clock, bench.observer)


async def bury(bench, *numbers, error=None, at=None):
    now = bench.clock.now() if at is None else at
    await bench.submit(*(job(number) for number in numbers))
    claim = await bench.memory.acknowledge_and_claim(
        "q", [], wanted=999, token="w.1", now=now, lease_s=1.0, done_max=1000, succeeded={}
    )
    verdicts = [Bury(noted(lease.job, error or ValueError("x"), now)) for lease in claim.leases]
    await bench.memory.settle_failed("q", [receipt(lease) for lease in claim.leases], verdicts, now=now)


async def redriven_ids(bench, selection, **options):
    return [dead.job.id async for dead in inspector(bench).redrive("q", selection, **options)]


async def test_a_job_that_is_not_there_is_named(bench):
    with pytest.raises(JobNotFound, match="queue 'q' has no job 'nothing'"):
        await inspector(bench).get("q", "nothing")


async def test_a_cancelled_job_is_dead_with_its_reason(bench):
    await bench.submit(job(1, due_in_s=60.0))
    view = await inspector(bench).cancel("q", job(1).id, "customer asked")
    assert view.state is JobState.DEAD
    stored = await inspector(bench).get("q", job(1).id)
    assert (stored.state, stored.job) == (JobState.DEAD, view.job)
    assert stored.job.failures[0].causes[0] == ("jobqueue.domain.errors.JobCancelled", "customer asked")


async def test_a_running_job_is_not_cancelled(bench):
    await bench.submit(job(1))
    await bench.memory.acknowledge_and_claim(
        "q", [], wanted=1, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
    )
    with pytest.raises(WrongState, match="is running"):
        await inspector(bench).cancel("q", job(1).id)


async def test_a_job_that_changes_under_the_cancel_is_looked_at_again(bench):
    await bench.submit(job(1))
    inner, looks = bench.memory.find, []

    async def find(queue, job_id):
        looks.append(job_id)
        seen = await inner(queue, job_id)
        return seen._replace(stored=b"older") if len(looks) < 3 else seen

    bench.memory.find = find
    assert (await inspector(bench).cancel("q", job(1).id)).state is JobState.DEAD
    assert len(looks) == 3
    looks.clear()
    await bench.submit(job(2))
    bench.memory.cancel = no
    with pytest.raises(WrongState, match="changed 10 times"):
        await inspector(bench).cancel("q", job(2).id)


async def no(*args, **kwargs):
    return False


async def test_all_dead_are_sent_back_over_several_pages(bench):
    await bury(bench, *range(450))
    assert await redriven_ids(bench, DeadSelection()) == ids(range(450))
    assert await bench.depth() == {"ready": 450}
    assert bench.observer.moves["redriven"] == 450


async def test_a_dry_run_tells_the_same_and_moves_nothing(bench):
    await bury(bench, *range(450))
    assert await redriven_ids(bench, DeadSelection(), dry_run=True) == ids(range(450))
    assert await bench.depth() == {"dead": 450}


async def test_only_those_named_by_id_are_sent_back(bench):
    await bury(bench, 1, 2, 3)
    assert await redriven_ids(bench, DeadSelection(ids=ids([3, 1, 99]))) == ids([1, 3])
    assert await bench.depth() == {"ready": 2, "dead": 1}


@pytest.mark.parametrize("name", ["TransientError", "jobqueue.domain.errors.TransientError", "OSError"])
async def test_only_those_that_died_of_an_error_type_are_sent_back(bench, name):
    await bury(bench, 1)
    error = TransientError("down")
    error.__cause__ = OSError("no route")
    await bury(bench, 2, 3, error=error)
    assert await redriven_ids(bench, DeadSelection(error_type=name)) == ids([2, 3])
    assert await redriven_ids(bench, DeadSelection(error_type="TransientErr")) == []


async def test_what_dies_after_the_start_is_left_alone(bench):
    await bury(bench, 1)
    await bury(bench, 2, at=bench.clock.now() + 1.0)
    assert await redriven_ids(bench, DeadSelection()) == ids([1])
    assert await dead_ids(bench) == ids([2])


async def dead_ids(bench, **selection):
    return [dead.job.id for dead in (await inspector(bench).dead("q", DeadSelection(**selection), size=10)).jobs]


async def test_pages_of_the_dead_go_on_where_the_last_one_ended(bench):
    await bury(bench, *range(25))
    first = await inspector(bench).dead("q", DeadSelection(), size=10)
    second = await inspector(bench).dead("q", DeadSelection(), start=first.next_rank, size=10)
    last = await inspector(bench).dead("q", DeadSelection(), start=second.next_rank, size=10)
    assert [dead.job.id for page in (first, second, last) for dead in page.jobs] == ids(range(25))
    assert (first.next_rank, second.next_rank, last.next_rank) == (10, 20, None)


async def test_a_page_looks_past_dead_jobs_that_are_not_meant(bench):
    await bury(bench, *range(30))
    await bury(bench, *range(30, 35), error=TransientError("down"))
    assert await dead_ids(bench, error_type="TransientError") == ids(range(30, 35))


async def test_a_page_ends_before_the_first_job_that_does_not_fit(bench):
    await bury(bench, *range(5))
    asked = []
    page = await inspector(bench).dead("q", DeadSelection(), fits=lambda dead: asked.append(dead) or len(asked) < 3)
    assert [dead.job.id for dead in page.jobs] == ids(range(2))
    assert page.next_rank == 2


async def test_a_call_looks_at_a_bounded_number_of_dead_jobs(bench, monkeypatch):
    monkeypatch.setattr("jobqueue.application.inspector.SCAN_LIMIT", 20)
    await bury(bench, *range(30))
    assert await inspector(bench).dead("q", DeadSelection(error_type="Other"), size=10) == ([], 20)


@pytest.mark.parametrize("size", [0, 1001])
async def test_a_page_of_another_size_is_refused(bench, size):
    with pytest.raises(InvalidJob, match=f"page_size must be from 1 to 1000, got {size}"):
        await inspector(bench).dead("q", DeadSelection(), size=size)
