"""Step 3: transient or permanent."""

# ruff: noqa: PT018 - one message may stand for two facts

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exercises.backoff.backoff import is_transient
from exercises.backoff.given import PERMANENT_RETRIED, TRANSIENT_BURIED, Busy, Refused, Runaway, Stop, Unknown
from grading import explain, fail
from grading.checks import ask, text_of

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.step(3, "transient or permanent")


class BusyNow(Busy):
    """Transient because its base is listed."""


class Both(Busy, Refused):
    """An instance of a transient and of a permanent type."""


class BusyGroup(ExceptionGroup, Busy):
    """A group whose own type is listed as transient."""


class RefusedGroup(ExceptionGroup, Refused):
    """A group whose own type is listed as permanent."""


def behind(error: BaseException, *, cause: BaseException | None = None, context: BaseException | None = None) -> Any:
    """Return `error` with a cause (`raise error from cause`) or a context (raised while handling it)."""
    if context is not None:
        error.__context__ = context
    if cause is not None:
        error.__cause__ = cause
    return error


def from_none(error: BaseException, context: BaseException) -> BaseException:
    """Return `error` as `raise error from None` leaves it while `context` is being handled."""
    error.__context__ = context
    error.__cause__ = None  # sets __suppress_context__
    return error


class Winding(Unknown):
    """An error on a chain that leads in a circle; it notices when it is asked for ever."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.cause: BaseException | None = None
        self.context: BaseException | None = None
        self.asked = 0

    def count(self) -> None:
        self.asked += 1
        if self.asked > 100_000:
            raise Runaway

    @property
    def __cause__(self) -> BaseException | None:  # type: ignore[override]
        self.count()
        return self.cause

    @property
    def __context__(self) -> BaseException | None:  # type: ignore[override]
        self.count()
        return self.context


class Alike(Unknown):
    """An error that is equal to every other of its type, as one that compares by its fields may be."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Alike)

    __hash__ = Unknown.__hash__


class Empty(Busy):
    """An error that holds a list of faults, here none, and so is false."""

    def __len__(self) -> int:
        return 0


def both_links() -> BaseException:
    error = behind(Unknown(), cause=Unknown(), context=Busy())
    error.__suppress_context__ = False
    return error


def cycle() -> BaseException:
    first, second = Winding("first"), Winding("second")
    first.cause, second.context = second, first
    return first


def own_cause() -> BaseException:
    error = Winding("its own cause")
    error.cause = error
    return error


def group_in_a_cycle() -> BaseException:
    member = Winding("member")
    group = ExceptionGroup("group", [member])
    member.cause = group
    return group


def shared_cause() -> BaseException:
    busy = Busy("shared")
    return ExceptionGroup("two", [behind(Unknown("a"), cause=busy), behind(Unknown("b"), cause=busy)])


@pytest.mark.parametrize(
    ("what", "error", "expected"),
    [
        ("an error of a transient type", Busy, True),
        ("an error of a subclass of a transient type", BusyNow, True),
        ("an error of a permanent type", Refused, False),
        ("an error of a transient and of a permanent type", Both, False),
        ("an unclassified error with nothing behind it", Unknown, False),
        ("an unclassified error, cause transient", lambda: behind(Unknown(), cause=Busy()), True),
        ("an unclassified error, cause permanent", lambda: behind(Unknown(), cause=Refused()), False),
        ("an unclassified error, context transient", lambda: behind(Unknown(), context=Busy()), True),
        ("an unclassified error, context permanent", lambda: behind(Unknown(), context=Refused()), False),
        (
            "an unclassified error, two causes further a transient one",
            lambda: behind(Unknown(), cause=behind(Unknown(), cause=Busy())),
            True,
        ),
        (
            "an unclassified error, cause unclassified, its context transient",
            lambda: behind(Unknown(), cause=behind(Unknown(), context=Busy())),
            True,
        ),
        (
            "an unclassified error, context unclassified, its cause transient",
            lambda: behind(Unknown(), context=behind(Unknown(), cause=Busy())),
            True,
        ),
        ("a permanent error, cause transient: the nearest decides", lambda: behind(Refused(), cause=Busy()), False),
        ("a transient error, cause permanent: the nearest decides", lambda: behind(Busy(), cause=Refused()), True),
        ("a permanent error, context transient: the nearest decides", lambda: behind(Refused(), context=Busy()), False),
        ("a transient error, context permanent: the nearest decides", lambda: behind(Busy(), context=Refused()), True),
        (
            "an unclassified error, cause transient, whose cause is permanent: the nearest decides",
            lambda: behind(Unknown(), cause=behind(Busy(), cause=Refused())),
            True,
        ),
        (
            "an unclassified error, cause permanent, whose cause is transient: the nearest decides",
            lambda: behind(Unknown(), cause=behind(Refused(), cause=Busy())),
            False,
        ),
        (
            "an unclassified error, cause unclassified, context transient: a context beside a cause is not looked at",
            lambda: behind(Unknown(), cause=Unknown(), context=Busy()),
            False,
        ),
        (
            "an unclassified error, cause transient, context permanent: a context beside a cause is not looked at",
            lambda: behind(Unknown(), cause=Busy(), context=Refused()),
            True,
        ),
        (
            "the same with __suppress_context__ set back to False: a cause is there, so the context is not looked at",
            both_links,
            False,
        ),
        ("raised from None while handling a transient error", lambda: from_none(Unknown(), Busy()), False),
        (
            "an unclassified error whose cause was raised from None while handling a transient error",
            lambda: behind(Unknown(), cause=from_none(Unknown(), Busy())),
            False,
        ),
        (
            "two unclassified errors that are equal (==) but not the same, the second's cause transient",
            lambda: behind(Alike(), cause=behind(Alike(), cause=Busy())),
            True,
        ),
        (
            "an unclassified error, cause transient and false (its len() is 0)",
            lambda: behind(Unknown(), cause=Empty()),
            True,
        ),
        ("a cycle of two unclassified errors", cycle, False),
        ("an error that is its own cause", own_cause, False),
        ("a group of transient errors", lambda: ExceptionGroup("g", [Busy(), BusyNow()]), True),
        ("a group with one permanent member, the last", lambda: ExceptionGroup("g", [Busy(), Refused()]), False),
        ("a group with one permanent member, the first", lambda: ExceptionGroup("g", [Refused(), Busy()]), False),
        ("a group with one unclassified member", lambda: ExceptionGroup("g", [Busy(), Unknown()]), False),
        (
            "a group with a member whose cause is transient",
            lambda: ExceptionGroup("g", [Busy(), behind(Unknown(), cause=Busy())]),
            True,
        ),
        (
            "a group with a member whose cause is permanent",
            lambda: ExceptionGroup("g", [Busy(), behind(Unknown(), cause=Refused())]),
            False,
        ),
        (
            "a group inside a group, all transient",
            lambda: ExceptionGroup("g", [Busy(), ExceptionGroup("inner", [Busy(), Busy()])]),
            True,
        ),
        (
            "a group inside a group, one member permanent",
            lambda: ExceptionGroup("g", [Busy(), ExceptionGroup("inner", [Busy(), Refused()])]),
            False,
        ),
        (
            "an unclassified error whose cause is a group of transient errors",
            lambda: behind(Unknown(), cause=ExceptionGroup("g", [Busy(), Busy()])),
            True,
        ),
        (
            "an unclassified error whose context is a group with a permanent member",
            lambda: behind(Unknown(), context=ExceptionGroup("g", [Busy(), Refused()])),
            False,
        ),
        (
            "a group of unclassified errors, cause transient: what is behind a group is not looked at",
            lambda: behind(ExceptionGroup("g", [Unknown()]), cause=Busy()),
            False,
        ),
        (
            "a group of transient errors, cause permanent: what is behind a group is not looked at",
            lambda: behind(ExceptionGroup("g", [Busy()]), cause=Refused()),
            True,
        ),
        (
            "a group whose own type is transient, with a permanent member: its members decide",
            lambda: BusyGroup("g", [Refused()]),
            False,
        ),
        (
            "a group whose own type is permanent, with a transient member: its members decide",
            lambda: RefusedGroup("g", [Busy()]),
            True,
        ),
        (
            "a BaseExceptionGroup with an unclassified member",
            lambda: BaseExceptionGroup("g", [Busy(), KeyboardInterrupt()]),
            False,
        ),
        (
            "a BaseExceptionGroup of two transient members, one by its cause",
            lambda: BaseExceptionGroup("g", [Busy(), behind(Stop(), cause=Busy())]),
            True,
        ),
        ("a group whose member's cause is the group itself", group_in_a_cycle, False),
        ("a group whose two members share one transient cause", shared_cause, True),
    ],
)
def test_nearest_classified_error_decides(what: str, error: Callable[[], BaseException], expected: bool) -> None:
    """The nearest classified error decides, and without one the error is permanent."""
    costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
    called = f"is_transient(error, transient=(Busy,), permanent=(Refused,))\nerror: {what}"
    try:
        got: Any = is_transient(error(), transient=(Busy,), permanent=(Refused,))
    except NotImplementedError:
        raise
    except Runaway:
        fail(
            called=called,
            got="no answer: one error was asked for the error behind it 100,000 times",
            expected=expected,
            costs="an error that was raised from its own cause hangs the worker: no log line, 100 % CPU",
        )
    except Exception as raised:  # noqa: BLE001 - whatever it is, it is the answer that is graded
        got = raised
    assert not isinstance(got, Exception) and bool(got) is expected, explain(
        called=called,
        got=got,
        expected=expected,
        costs=None if isinstance(got, Exception) else costs,
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ConnectionResetError("reset by peer"), True),
        (TimeoutError("2 s"), True),
        (ValueError("not JSON"), False),
        (KeyError("job"), False),
        (RuntimeError("who knows"), False),
        (asyncio.CancelledError(), False),
    ],
)
def test_defaults_know_the_plain_cases(error: BaseException, expected: bool) -> None:
    """Without lists, TRANSIENT and PERMANENT are used."""
    costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
    got = ask(is_transient, error, expected=repr(expected))
    assert bool(got) is expected, explain(called=text_of(is_transient, error), got=got, expected=expected, costs=costs)


def test_lists_replace_the_defaults() -> None:
    """A caller's lists replace the defaults, and an empty list names nothing."""
    for error, lists, expected in (
        (ConnectionError(), {"transient": (Busy,), "permanent": (Refused,)}, False),
        (ValueError(), {"transient": (ValueError,), "permanent": ()}, True),
        (Busy(), {"transient": (), "permanent": ()}, False),
    ):
        costs = TRANSIENT_BURIED if expected else PERMANENT_RETRIED
        got = ask(is_transient, error, expected=repr(expected), **lists)
        assert bool(got) is expected, explain(
            called=text_of(is_transient, error, **lists), got=got, expected=expected, costs=costs
        )


def test_verdict_follows_the_error_as_it_is_now() -> None:
    """The same object is asked about twice, with another cause: each answer is about the chain as it is."""
    error = Unknown("raised again")
    got = []
    for cause in (Refused(), Busy(), None):
        error.__cause__ = cause
        got.append(bool(is_transient(error, transient=(Busy,), permanent=(Refused,))))
    assert got == [False, True, False], explain(
        called="is_transient(error, transient=(Busy,), permanent=(Refused,)) with the cause Refused; the same error, "
        "asked again with the cause Busy, then with none",
        got=got,
        expected=[False, True, False],
    )
