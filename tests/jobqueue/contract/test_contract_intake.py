"""The store's contract: what happens when jobs come in."""

from tests.jobqueue.contract.conftest import DONE_MAX
from tests.jobqueue.fakes.jobs import T0, ids, job, receipt


async def test_submitted_jobs_are_ready_in_their_order(engine):
    assert await engine.submit(job(1), job(2), job(3)) == [True, True, True]
    claim = await engine.claim(3)
    assert [lease.job for lease in claim.leases] == [job(1), job(2), job(3)]


async def test_a_job_that_is_not_due_is_scheduled(engine):
    await engine.submit(job(1, due_in_s=30.0))
    assert await engine.depth() == {"scheduled": 1}
    assert not (await engine.claim()).leases


async def test_a_submit_that_is_repeated_changes_nothing(engine):
    await engine.submit(job(1), job(2, due_in_s=5.0))
    assert await engine.submit(job(1, payload=b"2"), job(2)) == [False, False]
    assert await engine.depth() == {"ready": 1, "scheduled": 1}
    assert (await engine.claim()).leases[0].job.payload == b'{"n":1}'


async def test_a_repeated_submit_of_a_running_done_or_dead_job_makes_no_second_one(engine):
    running = (await engine.claimed())[0]
    assert await engine.submit(job(1)) == [False]
    await engine.claim(0, done=[receipt(running)])
    assert await engine.submit(job(1)) == [False]
    assert await engine.depth() == {"done": 1}


async def test_one_batch_may_hold_an_id_twice_and_stores_it_once(engine):
    assert await engine.submit(job(1), job(1), job(2)) == [True, False, True]
    assert (await engine.where())["ready"] == ids([1, 2])


async def test_an_idempotency_key_outlives_the_job_and_then_is_forgotten(engine):
    keyed = job(1, key="order-7")
    await engine.submit(keyed)
    lease = (await engine.claim()).leases[0]
    assert lease.job.key == "order-7"
    await engine.claim(0, done=[receipt(lease)])
    await trim_everything(engine, T0 + 1.0)
    assert await engine.state(keyed.id) is None
    assert await engine.submit(keyed, at=T0 + 99.0) == [False]
    assert await engine.submit(keyed, at=T0 + 101.0) == [True]


async def test_a_batch_of_thousands_goes_in_and_comes_out(engine):
    assert all(await engine.submit(*(job(number) for number in range(1000))))
    claim = await engine.claim(1000)
    assert [lease.job.id for lease in claim.leases] == ids(range(1000))
    done = [receipt(lease) for lease in claim.leases]
    assert not (await engine.claim(1000, done=done)).refused
    assert await engine.depth() == {"done": DONE_MAX}


async def test_every_byte_of_a_job_comes_back(engine):
    whole = job(7, kind="a.b:c-d_e", payload='{"text": "ü\\n\\u0000 \\" 🦜"}'.encode(), key="k", due_in_s=0.0)
    whole = whole._replace(context={"traceparent": "00-ab-cd-01", "ü": "\n"})
    await engine.submit(whole)
    assert (await engine.claim()).leases[0].job == whole


async def test_queues_do_not_touch_each_other(engine):
    await engine.store.submit("a", [job(1)], now=T0, key_for_s=1.0)
    await engine.store.submit("b", [job(1)], now=T0, key_for_s=1.0)
    claim = await engine.store.acknowledge_and_claim(
        "a", [], wanted=5, token="w.1", now=T0, lease_s=1.0, done_max=1000, succeeded={}
    )
    assert [lease.job.queue for lease in claim.leases] == ["a"]
    assert (await engine.store.stats("b", now=T0)).depth["ready"] == 1


async def trim_everything(engine, at):
    await engine.store.trim("q", now=at, done_for_s=0.0, done_max=0, dead_for_s=0.0, dead_max=0, limit=100)
