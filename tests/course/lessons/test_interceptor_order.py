"""What the recall page on interceptor order claims, on a real grpc.aio server over a Unix socket."""

import grpc

from solutions.examples.lessons.interceptors import ClientSide, Outer, Refuse, one_call


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
