"""The nine methods over a real channel: what they answer, and how they refuse."""

import asyncio
import time

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from jobqueue.application.ports.job_store import Receipt
from jobqueue.domain.errors import PermanentError, StoreFull, StoreUnavailable
from jobqueue.domain.job import JobState
from jobqueue.domain.retry import RetryPolicy
from jobqueue.domain.verdict import after_failure
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb
from tests.jobqueue.fakes.memory_job_store import MemoryJobStore

pytestmark = pytest.mark.against("gRPC", "memory")


def new(kind="echo", payload=b"{}", **fields):
    return pb.NewJob(type=kind, payload_json=payload, **fields)


async def refusal(call):
    """Return the status and the sentence with which a call is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code(), caught.value.details()


async def claimed(store, wanted=10, token="w.1"):
    return (
        await store.acknowledge_and_claim(
            "default", (), wanted=wanted, token=token, now=time.time(), lease_s=30, done_max=1000, succeeded={}
        )
    ).leases


async def bury_all(store):
    """Let every ready job die, as a worker would."""
    for lease in await claimed(store):
        try:
            raise PermanentError("no such customer") from KeyError("c-7")
        except PermanentError as error:
            verdict = after_failure(lease.job, error, RetryPolicy(), now=time.time(), rng=None)
        await store.settle_failed("default", [Receipt(lease.job.id, lease.token)], [verdict], now=time.time())


# --8<-- [start:lands-on-the-queue]
def test_a_submitted_job_lands_on_the_queue(front):
    """The front and the queue are joined; this is the week's action item.

    Did: submitted a job over a real gRPC channel on a Unix socket, then asked the store behind the server for work.
    Saw: the store hands out that very job, with its payload.
    Otherwise: the queue would be empty, or hold something else.
    """

    async def scenario():
        async with front() as service:
            request = pb.SubmitRequest(job=new("greet", b'{"name": "Ada"}'))
            answer = await service.stub.Submit(request)
            (lease,) = await claimed(service.store)
            return answer.id, lease.job

    job_id, job = asyncio.run(scenario())
    assert (job.id, job.type, job.payload) == (job_id, "greet", b'{"name": "Ada"}')


# --8<-- [end:lands-on-the-queue]


def test_a_repeated_key_gives_the_first_jobs_id_and_says_so(front):
    """Two submits with one idempotency key make one job.

    Did: submitted the same request with a key twice, through the gRPC front.
    Saw: both answers carry the same id, the second says that it is a duplicate, and one job is ready.
    Otherwise: two ids, and two jobs.
    """

    async def scenario():
        async with front() as service:
            request = pb.SubmitRequest(job=new(idempotency_key="order-7"))
            first, second = await service.stub.Submit(request), await service.stub.Submit(request)
            stats = (await service.stub.Stats(pb.StatsRequest())).queues[0]
            return first, second, stats.ready

    first, second, ready = asyncio.run(scenario())
    assert (first.duplicate, second.duplicate) == (False, True)
    assert first.id == second.id
    assert ready == 1


def test_a_batch_with_one_bad_job_stores_nothing_and_names_it(front):
    async def scenario():
        async with front() as service:
            batch = pb.SubmitBatchRequest(jobs=[new(), new(payload=b"{nojson"), new()])
            refused = await refusal(service.stub.SubmitBatch(batch))
            stats = (await service.stub.Stats(pb.StatsRequest())).queues[0]
            good = await service.stub.SubmitBatch(pb.SubmitBatchRequest(jobs=[new(), new()]))
            return refused, stats.ready, [result.id for result in good.results]

    (code, sentence), ready, ids = asyncio.run(scenario())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert "job 2 of 3" in sentence
    assert ready == 0
    assert len(set(ids)) == 2


def test_a_stream_of_batches_is_stored_and_counted(front):
    async def scenario():
        async with front() as service:

            def batches():
                for _ in range(3):
                    yield pb.SubmitBatchRequest(jobs=[new() for _ in range(50)])
                yield pb.SubmitBatchRequest(jobs=[new(idempotency_key="k"), new(idempotency_key="k")])

            answer = await service.stub.SubmitStream(batches())
            return answer.stored, answer.duplicates

    assert asyncio.run(scenario()) == (151, 1)


def test_watch_sends_each_state_until_the_job_is_done(front):
    async def scenario():
        async with front() as service:
            job_id = (await service.stub.Submit(pb.SubmitRequest(job=new()))).id
            states = []
            async for job in service.stub.Watch(pb.WatchRequest(id=job_id)):
                states.append(pb.State.Name(job.state))
                if job.state == pb.STATE_READY:
                    (lease,) = await claimed(service.store)
                elif job.state == pb.STATE_RUNNING:
                    receipt = Receipt(lease.job.id, lease.token)
                    await service.store.acknowledge_and_claim(
                        "default",
                        [receipt],
                        wanted=0,
                        token="w.2",
                        now=time.time(),
                        lease_s=30,
                        done_max=1000,
                        succeeded={},
                    )
            return states

    assert asyncio.run(scenario()) == ["STATE_READY", "STATE_RUNNING", "STATE_DONE"]


def test_the_callers_deadline_ends_a_watch(front):
    async def scenario():
        async with front() as service:
            job_id = (await service.stub.Submit(pb.SubmitRequest(job=new(delay_s=3600)))).id
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _ in service.stub.Watch(pb.WatchRequest(id=job_id), timeout=0.3):
                    pass
            return caught.value.code()

    assert asyncio.run(scenario()) is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_dead_job_is_listed_with_its_chain_and_redriven_with_its_provenance(front):
    """A dead letter can be asked what is in it, and sent back.

    Did: let a job die of an error raised from another, listed it over gRPC, re-drove it dry and then for real.
    Saw: both errors of the chain in the list; the dry run changed nothing; the job is ready, attempt 1.
    Otherwise: the cause would be gone, the dry run would move it, or a second copy would exist.
    """

    async def scenario():
        async with front() as service:
            await service.stub.Submit(pb.SubmitRequest(job=new()))
            await bury_all(service.store)
            (dead,) = (await service.stub.ListDead(pb.ListDeadRequest(error_type="PermanentError"))).jobs
            other = (await service.stub.ListDead(pb.ListDeadRequest(error_type="ValueError"))).jobs
            dry = await service.stub.Redrive(pb.RedriveRequest(all=True, dry_run=True))
            still = (await service.stub.Get(pb.GetRequest(id=dead.id))).state
            await service.stub.Redrive(pb.RedriveRequest(error_type="KeyError"))
            return dead, other, list(dry.ids), still, await service.stub.Get(pb.GetRequest(id=dead.id))

    dead, other, dry, still, job = asyncio.run(scenario())
    assert [cause.message for cause in dead.errors[0].causes] == ["no such customer", "'c-7'"]
    assert not other
    assert dry == [dead.id]
    assert still == pb.STATE_DEAD
    assert (job.state, job.attempt, len(job.redriven)) == (pb.STATE_READY, 1, 1)


def test_dead_jobs_come_in_pages(front):
    async def scenario():
        async with front() as service:
            await service.stub.SubmitBatch(pb.SubmitBatchRequest(jobs=[new() for _ in range(7)]))
            await bury_all(service.store)
            seen, token, pages = [], "", 0
            while True:
                page = await service.stub.ListDead(pb.ListDeadRequest(page_size=3, page_token=token))
                seen += [job.id for job in page.jobs]
                pages += 1
                token = page.next_page_token
                if not token:
                    return seen, pages

    seen, pages = asyncio.run(scenario())
    assert len(seen) == len(set(seen)) == 7
    assert pages == 3


def test_cancel_takes_a_waiting_job_and_refuses_a_running_one(front):
    async def scenario():
        async with front() as service:
            first = (await service.stub.Submit(pb.SubmitRequest(job=new()))).id
            await service.stub.Cancel(pb.CancelRequest(id=first))
            state = (await service.stub.Get(pb.GetRequest(id=first))).state
            second = (await service.stub.Submit(pb.SubmitRequest(job=new()))).id
            await claimed(service.store)
            return state, await refusal(service.stub.Cancel(pb.CancelRequest(id=second)))

    state, (code, sentence) = asyncio.run(scenario())
    assert state == pb.STATE_DEAD
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "running" in sentence


@pytest.mark.parametrize(
    ("request_of", "code", "words"),
    [
        (lambda stub: stub.Get(pb.GetRequest(id="nope")), grpc.StatusCode.NOT_FOUND, "nope"),
        (
            lambda stub: stub.Submit(pb.SubmitRequest(job=new(payload=b'"' + b"x" * 2000 + b'"'))),
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "1024",
        ),
        (
            lambda stub: stub.Submit(pb.SubmitRequest(job=new(delay_s=-1))),
            grpc.StatusCode.INVALID_ARGUMENT,
            "delay_s",
        ),
        (lambda stub: stub.Submit(pb.SubmitRequest(job=new(kind=""))), grpc.StatusCode.INVALID_ARGUMENT, "type"),
        (
            lambda stub: stub.Submit(pb.SubmitRequest(queue="a b", job=new())),
            grpc.StatusCode.INVALID_ARGUMENT,
            "queue",
        ),
        (lambda stub: stub.Redrive(pb.RedriveRequest()), grpc.StatusCode.INVALID_ARGUMENT, "exactly one"),
        (
            lambda stub: stub.ListDead(pb.ListDeadRequest(page_token="x")),
            grpc.StatusCode.INVALID_ARGUMENT,
            "page_token",
        ),
        (
            lambda stub: stub.ListDead(pb.ListDeadRequest(page_size=5000)),
            grpc.StatusCode.INVALID_ARGUMENT,
            "page_size",
        ),
    ],
)
def test_a_bad_request_is_refused_with_the_fact_and_the_bound(front, request_of, code, words):
    async def scenario():
        async with front(payload_limit=1024) as service:
            return await refusal(request_of(service.stub))

    status, sentence = asyncio.run(scenario())
    assert status is code
    assert words in sentence


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (StoreUnavailable("away"), grpc.StatusCode.UNAVAILABLE),
        (StoreFull("full"), grpc.StatusCode.RESOURCE_EXHAUSTED),
        (ZeroDivisionError("secret detail"), grpc.StatusCode.INTERNAL),
    ],
)
def test_what_the_store_raises_becomes_a_status_and_no_secret(front, error, code):
    class Broken(MemoryJobStore):
        async def submit(self, *_, **__):
            raise error

    async def scenario():
        async with front(store=Broken()) as service:
            return await refusal(service.stub.Submit(pb.SubmitRequest(job=new())))

    status, sentence = asyncio.run(scenario())
    assert status is code
    assert "secret" not in sentence


def test_a_message_over_the_limit_is_refused_before_it_is_read(front):
    async def scenario():
        async with front(message_limit=4096) as service:
            return await refusal(service.stub.Submit(pb.SubmitRequest(job=new(payload=b" " * 10_000 + b"1"))))

    assert asyncio.run(scenario())[0] is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_health_says_serving_then_not_serving_while_draining(front):
    """A load balancer that watches the service's health is told before calls are refused.

    Did: watched the health of the service while its server was drained.
    Saw: SERVING first, and NOT_SERVING as soon as the drain began.
    Otherwise: the watch would end without NOT_SERVING, and a load balancer would go on sending calls.
    """

    async def scenario():
        async with front() as service, grpc.aio.insecure_channel(service.address) as channel:
            health = health_pb2_grpc.HealthStub(channel)
            asked = health_pb2.HealthCheckRequest(service="jobqueue.v1.JobQueue")
            before = (await health.Check(asked)).status
            told = []
            async for answer in health.Watch(asked):
                told.append(answer.status)
                if len(told) == 1:
                    drained = asyncio.create_task(service.server.drain(0.5))
                if answer.status == health_pb2.HealthCheckResponse.NOT_SERVING:
                    break
            await drained
            return before, told

    serving, not_serving = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING
    assert asyncio.run(scenario()) == (serving, [serving, not_serving])


def test_every_state_has_its_own_number():
    assert sorted(pb.State.keys()) == sorted(["STATE_UNSPECIFIED", *(f"STATE_{state.name}" for state in JobState)])
