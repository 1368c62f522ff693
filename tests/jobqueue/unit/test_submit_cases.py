"""Submitting: checks, ids, group commit, batches."""

import asyncio
import itertools

import pytest

from jobqueue.application.submit import JobRequest, Submitter
from jobqueue.domain.errors import InvalidJob, PayloadTooLarge, StoreUnavailable


def submitter(bench, **options):
    numbers = itertools.count(1)
    return Submitter(bench.store, bench.clock, bench.observer, lambda: f"{next(numbers):032x}", **options)


async def test_a_single_caller_travels_alone_and_at_once(bench):
    submit = submitter(bench).submit
    assert await submit("q", JobRequest("greet", b"1")) == (f"{1:032x}", True)
    assert bench.store.calls == ["submit"]
    assert await bench.depth() == {"ready": 1}


async def test_callers_that_come_while_a_batch_travels_share_the_next_one(bench):
    slow = asyncio.Event()
    inner = bench.memory.submit

    async def wait_then(*args, **kwargs):
        await slow.wait()
        return await inner(*args, **kwargs)

    bench.memory.submit = wait_then
    submit = submitter(bench).submit
    callers = [asyncio.create_task(submit("q", JobRequest("greet", b"%d" % n))) for n in range(50)]
    await asyncio.sleep(1.0)
    slow.set()
    answers = await asyncio.gather(*callers)
    assert bench.store.calls == ["submit", "submit"]
    assert all(answer.stored for answer in answers)
    assert len({answer.id for answer in answers}) == 50
    assert bench.observer.stored == {"stored": 50, "duplicates": 0}


async def test_a_cancelled_caller_takes_nobody_along(bench):
    gate = asyncio.Event()
    inner = bench.memory.submit

    async def wait_then(*args, **kwargs):
        await gate.wait()
        return await inner(*args, **kwargs)

    bench.memory.submit = wait_then
    submit = submitter(bench).submit
    callers = [asyncio.create_task(submit("q", JobRequest("greet"))) for _ in range(4)]
    await asyncio.sleep(0)
    callers[0].cancel()
    callers[2].cancel()
    await asyncio.sleep(0)
    gate.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == [
        "CancelledError",
        "Submitted",
        "CancelledError",
        "Submitted",
    ]


async def test_a_failing_store_tells_every_caller_of_the_batch_and_the_next_batch_goes(bench):
    submit = submitter(bench).submit
    bench.store.breaks("submit", 5)
    answers = await asyncio.gather(*(submit("q", JobRequest("greet")) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(answer, StoreUnavailable) for answer in answers)
    assert (await submit("q", JobRequest("greet"))).stored


async def test_one_key_makes_one_job_in_each_queue(bench):
    submit = submitter(bench).submit
    first = await submit("q", JobRequest("greet", key="order-7"))
    again = await submit("q", JobRequest("greet", key="order-7"))
    elsewhere = await submit("other", JobRequest("greet", key="order-7"))
    assert (first.stored, again.stored, elsewhere.stored) == (True, False, True)
    assert first.id == again.id != elsewhere.id
    assert bench.observer.stored == {"stored": 2, "duplicates": 1}


async def test_many_jobs_go_in_batches_and_their_answers_keep_their_order(bench):
    requests = [JobRequest("greet", b"%d" % n, key="same" if n in {5, 2400} else "") for n in range(2500)]
    answers = await submitter(bench).submit_many("q", requests)
    assert [number for number, answer in enumerate(answers) if not answer.stored] == [2400]
    assert bench.store.calls == ["submit"] * 3
    assert await bench.depth() == {"ready": 2499}


async def test_large_payloads_make_small_batches(bench):
    await submitter(bench).submit_many("q", [JobRequest("greet", b'"%s"' % (b"x" * 200_000))] * 12)
    assert bench.store.calls == ["submit"] * 3


async def test_many_with_one_bad_store_nothing_and_say_which(bench):
    with pytest.raises(InvalidJob, match="job 2 of 3: payload must be UTF-8 JSON"):
        await submitter(bench).submit_many("q", [JobRequest("a"), JobRequest("a", b"{"), JobRequest("a")])
    assert bench.store.calls == []
    assert await submitter(bench).submit_many("q", []) == []


async def test_a_store_that_fails_in_the_middle_of_many_raises_its_own_error(bench):
    bench.store.breaks("submit", 1)
    with pytest.raises(StoreUnavailable):
        await submitter(bench).submit_many("q", [JobRequest("greet")] * 3000)


@pytest.mark.parametrize(
    ("queue", "fields", "words"),
    [
        ("", {}, "queue must be"),
        ("a{b}", {}, "queue must be"),
        ("q\n", {}, "queue must be"),
        ("q" * 65, {}, "queue must be"),
        ("q", {"type": ""}, "type must be"),
        ("q", {"type": "a b"}, "type must be"),
        ("q", {"payload": b""}, "JSON"),
        ("q", {"payload": b"\xff"}, "JSON"),
        ("q", {"payload": b"[" * 100_000 + b"]" * 100_000}, "JSON"),
        ("q", {"delay_s": -1.0}, "delay_s must be"),
        ("q", {"delay_s": float("nan")}, "delay_s must be"),
        ("q", {"delay_s": float("inf")}, "delay_s must be"),
        ("q", {"key": "k" * 201}, "key must be at most 200"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_refused_with_the_rule(bench, queue, fields, words):
    request = JobRequest(**{"type": "greet", **fields})
    with pytest.raises(InvalidJob, match=words):
        await submitter(bench).submit(queue, request)
    assert bench.store.calls == []


async def test_a_payload_over_the_limit_is_refused_with_both_sizes(bench):
    with pytest.raises(PayloadTooLarge, match="at most 10 bytes, got 12"):
        await submitter(bench, payload_limit=10).submit("q", JobRequest("greet", b'"1234567890"'))


async def test_a_key_that_is_no_valid_text_is_still_a_key(bench):
    assert (await submitter(bench).submit("q", JobRequest("greet", key="\udcff"))).stored
