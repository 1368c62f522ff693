"""What callers see of a front that is told to stop: nothing, if load balancers notice within its pause."""

import asyncio
import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from jobqueue.entrypoints.grpc_server import SERVICE
from jobqueue.entrypoints.process_signals import front_pause_s
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

pytestmark = pytest.mark.against("gRPC", "memory")

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


async def says_not_serving(address):
    async with grpc.aio.insecure_channel(address) as channel:
        async for answer in health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest()):
            if answer.status == NOT_SERVING:
                return


def test_a_draining_front_answers_new_calls_until_its_pause_is_over(front):
    """A deployment must not show callers UNAVAILABLE.

    Did: drained a front with a pause, waited until its health said NOT_SERVING, and submitted on a new connection; once
        more after the drain.
    Saw: the first submit was answered, the second refused.
    Otherwise: calls that a load balancer sends in the seconds before it notices would be refused.
    """

    async def submit(address):
        async with grpc.aio.insecure_channel(address) as channel:
            call = channel.unary_unary("/jobqueue.v1.JobQueue/Submit", pb.SubmitRequest.SerializeToString)
            try:
                await call(pb.SubmitRequest(job=pb.NewJob(type="echo")), timeout=10)
            except grpc.aio.AioRpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    async def scenario():
        async with front() as service:
            draining = asyncio.create_task(service.server.drain(5.0, pause_s=0.3))
            await says_not_serving(service.address)
            meanwhile = await submit(service.address)
            assert not draining.done()
            await draining
            return meanwhile, await submit(service.address)

    assert asyncio.run(scenario()) == (grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE)


def test_a_watch_ends_with_a_status_that_tells_the_client_to_call_again(front):
    """A stream that waits for a job must not hold up the drain, nor look as if the job had ended.

    Did: watched a job that waits, and drained the front with a grace of a minute.
    Saw: the stream ended with UNAVAILABLE and a sentence that says what to do, and the drain with it.
    Otherwise: the stream would be cancelled at the end of the grace, a minute later.
    """

    async def scenario():
        async with front() as service:
            job_id = (await service.stub.Submit(pb.SubmitRequest(job=pb.NewJob(type="echo")))).id
            states, draining = [], None
            try:
                async for job in service.stub.Watch(pb.WatchRequest(id=job_id)):
                    states.append(job.state)
                    draining = asyncio.create_task(service.server.drain(60.0))
            except grpc.aio.AioRpcError as error:
                async with asyncio.timeout(10):
                    await draining
                return states, error.code(), error.details()

    states, code, sentence = asyncio.run(scenario())
    assert states == [pb.STATE_READY]
    assert code is grpc.StatusCode.UNAVAILABLE
    assert "call Watch again" in sentence


def test_a_client_that_watches_the_health_does_not_hold_up_the_drain(front):
    """Load balancers keep a stream of the health open, and close it only when it says NOT_SERVING, or later.

    Did: watched the health of the whole server and of the service, and drained the front with a grace of a minute.
    Saw: both streams said SERVING, then NOT_SERVING, and ended with UNAVAILABLE, and the drain with them.
    Otherwise: the front would wait for its clients until the grace is over.
    """

    async def watch(address, name, serving):
        said = []
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            try:
                async for answer in stub.Watch(health_pb2.HealthCheckRequest(service=name)):
                    said.append(answer.status)
                    serving.set()
            except grpc.aio.AioRpcError as error:
                return said, error.code()
        return said, grpc.StatusCode.OK

    async def scenario():
        async with front() as service, asyncio.timeout(30):
            begun = [asyncio.Event(), asyncio.Event()]
            watches = [
                asyncio.create_task(watch(service.address, name, serving))
                for name, serving in zip(("", SERVICE), begun, strict=True)
            ]
            for serving in begun:
                await serving.wait()
            await service.server.drain(60.0, pause_s=0.1)
            return await asyncio.gather(*watches)

    ended = ([health_pb2.HealthCheckResponse.SERVING, NOT_SERVING], grpc.StatusCode.UNAVAILABLE)
    assert asyncio.run(scenario()) == [ended, ended]


@pytest.mark.parametrize(
    ("listen", "number", "pause_s"),
    [
        ("0.0.0.0:50051", signal.SIGTERM, 5.0),
        ("[::]:50051", signal.SIGTERM, 5.0),
        ("0.0.0.0:50051", signal.SIGINT, 0.0),
        ("127.0.0.1:50051", signal.SIGTERM, 0.0),
        ("unix:/run/front.sock", signal.SIGTERM, 0.0),
    ],
)
def test_only_a_front_that_others_reach_pauses_and_only_for_sigterm(listen, number, pause_s):
    assert front_pause_s(listen, number, 25.0) == pause_s
