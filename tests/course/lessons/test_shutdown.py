"""What the lesson of Day 134 claims about stopping a server, on a real grpc.aio server over a Unix socket."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import grpc
from prometheus_client import CollectorRegistry

from jobqueue.config import Settings
from jobqueue.domain.errors import InvalidSettings
from jobqueue.entrypoints.grpc_server import GrpcServer
from jobqueue.entrypoints.grpc_service import GrpcService


class SlowService:
    """One unary method that reports when it has begun and ends when it is allowed to."""

    def __init__(self):
        self.begun, self.may_end, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(self, request, context):
        self.begun.set()
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return b"done"

    def handler(self):
        return grpc.method_handlers_generic_handler("Slow", {"Work": grpc.unary_unary_rpc_method_handler(self.work)})


async def started(folder):
    service, server = SlowService(), grpc.aio.server()
    server.add_generic_rpc_handlers((service.handler(),))
    server.add_insecure_port(f"unix:{folder}/s")
    await server.start()
    return service, server


def call(channel):
    return channel.unary_unary("/Slow/Work")(b"")


def test_graceful_stop_drains_and_immediate_stop_kills():
    """Two ways to stop differ for the calls that are in flight.

    Did: held a call in its handler, then stopped one server with a grace period and another with none; looked after
      0.2 s whether the stop was over, and then let the call go on.
    Saw: the first stop waited for the call, which ended with its answer; the second cancelled it, in the handler and
      at the caller.
    Otherwise: the drained call would fail, or the killed one would succeed.
    """

    async def scenario(folder, grace_s):
        service, server = await started(folder)
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            in_flight = call(channel)
            await service.begun.wait()
            stopping = asyncio.create_task(server.stop(grace_s))
            if grace_s:
                over, _ = await asyncio.wait([stopping], timeout=0.2)
                assert not over
                service.may_end.set()
            try:
                answer = await in_flight
            except grpc.aio.AioRpcError as error:
                answer = error.code()
            await stopping
            if not grace_s:
                await service.cancelled.wait()
        return answer

    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(scenario(folder, 30)) == b"done"
    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(scenario(folder, None)) in (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE)


def test_a_draining_server_refuses_new_calls():
    """Draining is for the calls that are there, not for those that still come.

    Did: began a graceful stop with one call in flight, then tried a second call on a new channel.
    Saw: the second is refused with UNAVAILABLE while the first still runs to its answer.
    Otherwise: the second call would reach the handler.
    """

    async def scenario(folder):
        service, server = await started(folder)
        async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
            in_flight = call(channel)
            await service.begun.wait()
            stopping = asyncio.create_task(server.stop(30))
            await asyncio.sleep(0)
            service.begun.clear()
            options = [("grpc.use_local_subchannel_pool", 1)]
            async with grpc.aio.insecure_channel(f"unix:{folder}/s", options=options) as late:
                try:
                    await call(late)
                except grpc.aio.AioRpcError as error:
                    refused = error.code()
            reached = service.begun.is_set()
            service.may_end.set()
            answer = await in_flight
            await stopping
        return refused, reached, answer

    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(scenario(folder)) == (grpc.StatusCode.UNAVAILABLE, False, b"done")


EXAMPLE = Path(__file__).parents[3] / "solutions/examples/lessons/stop_on_sigterm.py"


def end_of(program: str, number: signal.Signals) -> tuple[int, str]:
    """Run a program that prints "ready", send it a signal then, and return how it ended and what it printed since."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, number)
        rest, _ = process.communicate(timeout=30)
        return process.returncode, rest


def test_sigterm_without_a_handler_ends_the_process_and_with_one_starts_the_drain():
    """Python turns SIGINT into an exception by itself and does nothing of the kind for SIGTERM.

    Did: sent SIGTERM to a program that asks the event loop for the signal, and to one that does not.
    Saw: the first runs its shutdown and exits with 0; the second dies by the signal.
    Otherwise: both would end alike.
    """
    program = EXAMPLE.read_text()
    assert end_of(program, signal.SIGTERM) == (0, "drained\n")
    deaf = program.replace("loop.add_signal_handler(signal.SIGTERM, stop.set)", "loop.time()")
    assert end_of(deaf, signal.SIGTERM) == (-signal.SIGTERM, "")


FINALLY = """
import asyncio

async def main():
    print("ready", flush=True)
    try:
        await asyncio.sleep(60)
    except BaseException as error:
        print(type(error).__name__, flush=True)
        raise
    finally:
        print("finally", flush=True)

try:
    asyncio.run(main())
except BaseException as error:
    print(type(error).__name__, flush=True)
"""


def test_ctrl_c_cancels_the_main_task_of_asyncio_run_and_sigterm_runs_no_finally():
    """What reaches your code depends on the signal: a cancellation for Ctrl+C, nothing for SIGTERM.

    Did: sent SIGINT, and to a second process SIGTERM, to a coroutine under asyncio.run that waits inside try/finally.
    Saw: with SIGINT a CancelledError in the coroutine, its `finally`, and a KeyboardInterrupt around asyncio.run;
      with SIGTERM no line at all.
    Otherwise: the coroutine would see KeyboardInterrupt, or SIGTERM would run the `finally`.
    """
    assert end_of(FINALLY, signal.SIGINT) == (0, "CancelledError\nfinally\nKeyboardInterrupt\n")
    assert end_of(FINALLY, signal.SIGTERM) == (-signal.SIGTERM, "")


def test_two_servers_share_a_port_unless_told_not_to():
    """gRPC's default hides the second server that should not be there.

    Did: bound a second server to a port in use: a plain one with default options, and the service's own, which sets
      grpc.so_reuseport to 0.
    Saw: the plain one shares the port; the service's refuses to start.
    Otherwise: both would bind, or both would fail.
    """

    async def scenario():
        first = grpc.aio.server()
        port = first.add_insecure_port("127.0.0.1:0")
        await first.start()
        try:
            shared = grpc.aio.server().add_insecure_port(f"127.0.0.1:{port}")
            settings = Settings(listen=f"127.0.0.1:{port}")
            try:
                GrpcServer(settings, GrpcService(settings, None, None, None), CollectorRegistry())
            except InvalidSettings:
                refused = True
            else:
                refused = False
        finally:
            await first.stop(None)
        return shared == port, refused

    shared, refused = asyncio.run(scenario())
    # Not every platform lets two sockets share a port; where it does, gRPC uses it.
    assert shared or sys.platform != "linux"
    assert refused
