"""Make a call of the learner's code and judge how it ends: it has to answer, or it has to refuse.

Whatever the call raises becomes a message with the call, the error and the learner's line. `NotImplementedError` passes
through: a step that is not started is not wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import redis.exceptions

from grading.explain import explain, fail
from grading.faults import WATCH_ERROR_MEANS
from grading.stuck import Stuck


def text_of(function: Callable[..., Any], *args: Any, **named: Any) -> str:
    """Write a call as the learner would type it."""
    arguments = [*map(repr, args), *(f"{name}={value!r}" for name, value in named.items())]
    return f"{function.__name__}({', '.join(arguments)})"


def ask(
    function: Callable[..., Any],
    *args: Any,
    expected: str = "an answer, and no exception",
    costs: str | None = None,
    **named: Any,
) -> Any:
    """Make a call that must not raise, and return its answer.

    Args:
        function: what is called, with `args` and `named`.
        args: its positional arguments.
        expected: the right answer.
        costs: what an exception costs here.
        named: its named arguments.
    """
    try:
        return function(*args, **named)
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        fail(called=text_of(function, *args, **named), got=error, expected=expected, costs=costs)


def must_refuse(function: Callable[..., Any], *args: Any, why: str, costs: str | None = None, **named: Any) -> None:
    """Make a call that must raise ValueError, and say `why` it must."""
    try:
        got = function(*args, **named)
    except ValueError:
        return
    except NotImplementedError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        got = error
    refused = isinstance(got, BaseException)
    shown = got if refused else f"returned {got!r}"
    fail(
        called=text_of(function, *args, **named),
        got=shown,
        expected=f"ValueError: {why}",
        costs=None if refused else costs,
    )


async def answer_of(called: str, call: Awaitable[Any], *, expected: str = "no exception", limit_s: float = 0) -> Any:
    """Await a call that must not raise, and return its answer.

    Args:
        called: the call, as the learner would type it.
        call: the call itself.
        expected: the right answer, or what is allowed.
        limit_s: virtual seconds after which it counts as one that never ends; 0 for the limit of the whole test.
    """
    task = await ended(called, call, limit_s) if limit_s else asyncio.ensure_future(call)
    try:
        return await task
    except asyncio.CancelledError as cancelled:
        if not task.done() or not task.cancelled():
            raise  # the test is ended, not the call
        error: BaseException = cancelled
    except BaseException as raised:  # noqa: BLE001 - judged below
        error = raised
    leaves = leaves_of(error)
    if any(not isinstance(leaf, Exception | asyncio.CancelledError) for leaf in leaves) or any(
        isinstance(leaf, NotImplementedError | AssertionError) for leaf in leaves
    ):
        raise error
    message = explain(
        called=called,
        got="; ".join(f"{type(leaf).__name__}: {leaf}".removesuffix(": ") for leaf in leaves),
        expected=expected,
        note=WATCH_ERROR_MEANS if any(isinstance(leaf, redis.exceptions.WatchError) for leaf in leaves) else None,
    )
    # With the traceback of the learner's own lines, which the report shows.
    raise AssertionError(message).with_traceback(leaves[0].__traceback__) from None


async def ended(called: str, call: Awaitable[Any], limit_s: float) -> asyncio.Task[Any]:
    """Run a call as a task until it has ended, however it did; give up after `limit_s` virtual seconds."""
    loop: Any = asyncio.get_running_loop()
    task = asyncio.ensure_future(call)

    def give_up() -> None:
        try:
            loop.give_up(f"still running {limit_s:g} virtual seconds later: it polls, or waits for what never happens")
        except Stuck as stuck:
            stuck.asked = (__file__, 0, called)
            raise

    timer = loop.call_later(limit_s, give_up)
    await asyncio.wait([task])
    timer.cancel()
    return task


async def refused(called: str, call: Awaitable[Any], *, why: str, limit_s: float = 20) -> None:
    """Run a call that must raise ValueError, and no group of errors."""
    task = await ended(called, call, limit_s)
    got = asyncio.CancelledError() if task.cancelled() else task.exception()
    if isinstance(got, NotImplementedError):
        raise got
    if isinstance(got, ValueError):
        return
    if isinstance(got, BaseExceptionGroup):
        names = ", ".join(f"{type(leaf).__name__}: {leaf}" for leaf in leaves_of(got))
        fail(
            called=called,
            got=f"an ExceptionGroup of {names}",
            expected=f"ValueError: {why}; raised before any task is started",
            costs="the caller's `except ValueError`, which prints how to call it, does not catch the group",
        )
    fail(called=called, got="no error" if got is None else got, expected=f"ValueError: {why}")


def leaves_of(error: BaseException) -> list[BaseException]:
    """List the errors inside a group, or the error itself."""
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves_of(inner)]
    return [error]
