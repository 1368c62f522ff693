"""What the recall page on interceptor order claims, on a real grpc.aio server over a Unix socket."""

import asyncio
import tempfile

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
        method = {"Do": grpc.unary_unary_rpc_method_handler(answer)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Jobs", method),))
        server.add_insecure_port(f"unix:{folder}/s")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"unix:{folder}/s", interceptors=on_the_client) as channel:
                try:
                    return await channel.unary_unary("/Jobs/Do")(b"")
                except grpc.aio.AioRpcError as error:
                    return error.code()
        finally:
            await server.stop(None)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(main(folder))


def test_first_server_interceptor_is_the_outermost():
    """The first of a list of server interceptors wraps all the others.

    Did: called a grpc.aio server with the interceptors a, b, c, each wrapping the handler that it finds.
    Saw: a in, b in, c in, the handler, c out, b out, a out.
    Otherwise: c would come in first, or a would not go out last.
    """
    seen = []
    one_call([Outer(name, seen) for name in "abc"], seen=seen)
    assert [word for word in seen if "looks" not in word] == [
        "a in", "b in", "c in", "handler", "c out", "b out", "a out",
    ]  # fmt: skip


def test_python_interceptor_first_looks_up_the_handler_and_runs_nothing():
    """In Python, `continuation` returns a handler: code around it surrounds the lookup, not the call.

    Did: noted when each of three interceptors awaited its continuation, in the same list as the handler's run.
    Saw: all three lookups, in order, before anything of the call ran.
    Otherwise: the handler would appear between the lookups, and a timer around the continuation would time the call.
    """
    seen = []
    one_call([Outer(name, seen) for name in "abc"], seen=seen)
    assert seen[:4] == ["a looks up", "b looks up", "c looks up", "a in"]
    assert seen.index("handler") > 3


def test_first_client_interceptor_is_the_outermost():
    """On the client too, the first interceptor of the list is the outermost.

    Did: called through a grpc.aio channel with the client interceptors a and b.
    Saw: a in, b in, b out, a out.
    Otherwise: b would come in first.
    """
    seen = []
    one_call([], [ClientSide("a", seen), ClientSide("b", seen)])
    assert seen == ["a in", "b in", "b out", "a out"]


def test_interceptor_that_refuses_hides_the_call_from_those_inside():
    """What stands inside an interceptor that refuses never hears of the call.

    Did: put a recorder before and another after an interceptor that answers UNAUTHENTICATED.
    Saw: the outer recorder saw the call, the inner one and the handler did not; the caller got UNAUTHENTICATED.
    Otherwise: metrics inside of the authentication would count refused calls.
    """
    seen = []
    code = one_call([Outer("outside", seen), Refuse(), Outer("inside", seen)], seen=seen)
    assert code is grpc.StatusCode.UNAUTHENTICATED
    assert seen == ["outside looks up", "outside in", "outside out"]
