"""What the recall page on gRPC and HTTP statuses claims: the table, and real calls answered through it."""

import asyncio
import re
import tempfile
from http import HTTPStatus
from pathlib import Path

import google.rpc
import grpc

from solutions.examples.lessons.grpc_gateway import HTTP_STATUS, gateway


def answered(handler, timeout_s=5.0, method="/Jobs/Do"):
    """Call a real grpc.aio server with this handler through the gateway."""

    async def main(folder):
        server = grpc.aio.server()
        methods = {"Do": grpc.unary_unary_rpc_method_handler(handler)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Jobs", methods),))
        server.add_insecure_port(f"unix:{folder}/s")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"unix:{folder}/s") as channel:
                return await gateway(channel, method, timeout_s)
        finally:
            await server.stop(None)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(folder))


def aborting(code):
    async def handler(_request, context):
        await context.abort(code, "as asked")

    return handler


def test_deadline_exceeded_is_answered_with_504():
    """A call that ran out of time becomes 504 Gateway Timeout: the gateway waited in vain for the server behind it.

    Did: called a handler that never answers, with a deadline of 50 ms, through a gateway on the table.
    Saw: DEADLINE_EXCEEDED became 504.
    Otherwise: it would be 408, which blames the caller's own slowness, or 500.
    """

    async def never(_request, _context):
        await asyncio.Event().wait()

    assert answered(never, timeout_s=0.05) == HTTPStatus.GATEWAY_TIMEOUT == 504


def test_every_status_arrives_as_the_table_says():
    """Each status that a handler can abort with reaches the caller as the table's number.

    Did: aborted a real call with each status except OK, and returned from one.
    Saw: for all 17, the number in the table.
    Otherwise: a status would be missing from the table, or arrive as another one.
    """

    async def fine(_request, _context):
        return b""

    assert set(HTTP_STATUS) == set(grpc.StatusCode)
    assert answered(fine) == 200
    got = {code: answered(aborting(code)) for code in grpc.StatusCode if code is not grpc.StatusCode.OK}
    assert got == {code: status for code, status in HTTP_STATUS.items() if code is not grpc.StatusCode.OK}


def test_table_agrees_with_the_comments_in_code_proto():
    """The gateway's table and the comments of google/rpc/code.proto give the same numbers.

    Did: read every "HTTP Mapping" comment of the code.proto that googleapis-common-protos installs.
    Saw: 17 of them, each equal to our table.
    Otherwise: the two sources would contradict each other, or our copy would have a slip.
    """
    text = Path(next(iter(google.rpc.__path__)), "code.proto").read_text(encoding="utf-8")
    found = re.findall(r"// HTTP Mapping: (\d+)[^\n]*\n\s*(\w+) = (\d+);", text)
    ours = {code.value[0]: int(status) for code, status in HTTP_STATUS.items()}
    assert {int(number): int(status) for status, _, number in found} == ours
    assert len(found) == 17


def test_unhandled_exception_is_unknown_and_500():
    """A handler that raises something of its own is UNKNOWN for gRPC, and so 500 for HTTP, whatever it meant.

    Did: raised a KeyError and a TimeoutError in a handler.
    Saw: 500 for both.
    Otherwise: the TimeoutError would become 504 by itself.
    """

    def raising(error):
        async def handler(_request, _context):
            raise error

        return handler

    assert answered(raising(KeyError("id"))) == 500
    assert answered(raising(TimeoutError("the database"))) == 500


def test_failed_precondition_is_400_and_not_412():
    """FAILED_PRECONDITION is 400: HTTP's 412 is about conditional headers, and another thing.

    Did: looked at the statuses that share a number in the table, and aborted a call with FAILED_PRECONDITION.
    Saw: 400, shared with INVALID_ARGUMENT and OUT_OF_RANGE; so the way back from HTTP to gRPC is not unique.
    Otherwise: it would be 412, or every number would belong to one status.
    """
    assert answered(aborting(grpc.StatusCode.FAILED_PRECONDITION)) == 400
    assert {code.name for code, status in HTTP_STATUS.items() if status == 400} == {
        "FAILED_PRECONDITION",
        "INVALID_ARGUMENT",
        "OUT_OF_RANGE",
    }
