"""Interceptors of a grpc.aio server and client that note what they see, and one call through them."""

# mypy: allow-untyped-defs, allow-untyped-calls, allow-incomplete-defs

import asyncio
import tempfile
from typing import Any

import grpc


class Outer(grpc.aio.ServerInterceptor):
    """Write down when the call comes in and when it goes out; there is one of these for each name."""

    def __init__(self, name, seen):
        self.name, self.seen = name, seen

    # --8<-- [start:interceptor]
    async def intercept_service(self, continuation, details):
        self.seen.append(f"{self.name} looks up")
        handler = await continuation(details)  # finds it, runs nothing

        async def wrapped(request, context):
            self.seen.append(f"{self.name} in")
            try:
                return await handler.unary_unary(request, context)
            finally:
                self.seen.append(f"{self.name} out")

        return grpc.unary_unary_rpc_method_handler(wrapped)

    # --8<-- [end:interceptor]


class Refuse(grpc.aio.ServerInterceptor):
    """Answer every call with UNAUTHENTICATED, without asking those further in."""

    async def intercept_service(self, _continuation, _details):
        async def refuse(_request, context):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")

        return grpc.unary_unary_rpc_method_handler(refuse)


class ClientSide(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, name, seen):
        self.name, self.seen = name, seen

    async def intercept_unary_unary(self, continuation, details, request):
        self.seen.append(f"{self.name} in")
        call = await continuation(details, request)
        await call
        self.seen.append(f"{self.name} out")
        return call


def one_call(on_the_server, on_the_client=(), seen=None):
    """Make one call to a server with these interceptors; return the answer or the status code."""

    async def answer(_request, _context):
        if seen is not None:
            seen.append("handler")
        return b"done"

    async def main(folder):
        server = grpc.aio.server(interceptors=on_the_server)
        method: dict[str, Any] = {"Do": grpc.unary_unary_rpc_method_handler(answer)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Jobs", method),))
        server.add_insecure_port(f"unix:{folder}/s")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"unix:{folder}/s", interceptors=on_the_client) as channel:
                try:
                    call: Any = channel.unary_unary("/Jobs/Do")
                    return await call(b"")
                except grpc.aio.AioRpcError as error:
                    return error.code()
        finally:
            await server.stop(None)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(folder))
