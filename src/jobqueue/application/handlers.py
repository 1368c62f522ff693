"""The handlers of a worker: which function runs a job type, how long it may take, and how it is retried."""

import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from jobqueue.domain import defaults
from jobqueue.domain.job import Job
from jobqueue.domain.retry import RetryPolicy

Work = Callable[[Job], Awaitable[object]] | Callable[[Job], object]
F = TypeVar("F", bound=Work)


@dataclass(frozen=True, slots=True)
class Handler:
    """One registered function.

    Attributes:
        type: The job type it runs.
        work: The function; what it returns is ignored.
        is_async: Whether it runs on the event loop; if not, in a thread.
        timeout_s: Seconds that one attempt may take, checked ten times a second.
        policy: How it is retried.
    """

    type: str
    work: Work
    is_async: bool
    timeout_s: float
    policy: RetryPolicy


# --8<-- [start:handlers]
class Handlers:
    """A registry of handlers. Functions register with the decorator `handler`.

    >>> handlers = Handlers()
    >>> @handlers.handler("greet", timeout_s=5.0)
    ... async def greet(job: Job) -> None:
    ...     print("hello", job.data["name"])
    """

    def __init__(self, default_policy: RetryPolicy | None = None) -> None:
        self._chosen = default_policy
        self.default_policy = default_policy or RetryPolicy()
        self._by_type: dict[str, Handler] = {}
        self._brought: dict[str, tuple[RetryPolicy | None, float | None]] = {}

    def handler(
        self, kind: str, *, timeout_s: float | None = None, policy: RetryPolicy | None = None
    ) -> Callable[[F], F]:
        """Return a decorator that registers a function for a type of job and leaves it as it is.

        Args:
            kind: The job type; registering it twice is a ValueError.
            timeout_s: Seconds that one attempt may take; above 0. The settings' figure if not given.
            policy: How the type is tried again; the registry's default if not given.
        """
        if kind in self._by_type:
            raise ValueError(f"job type {kind!r} has a handler already: {self._by_type[kind].work!r}; use another type")
        if timeout_s is not None and timeout_s <= 0:
            raise ValueError(f"timeout_s of job type {kind!r} must be above 0, got {timeout_s}")

        def register(work: F) -> F:
            is_async = inspect.iscoroutinefunction(work)
            limit_s = defaults.TIMEOUT_S if timeout_s is None else timeout_s
            self._by_type[kind] = Handler(kind, work, is_async, limit_s, policy or self.default_policy)
            self._brought[kind] = policy, timeout_s
            return work

        return register

    def configure(self, policy: RetryPolicy, timeout_s: float) -> None:
        """Set the policy and timeout of the registry and its handlers where they were given none."""
        self.default_policy = self._chosen or policy
        for kind, (own_policy, own_timeout_s) in self._brought.items():
            self._by_type[kind] = replace(
                self._by_type[kind],
                policy=own_policy or self.default_policy,
                timeout_s=timeout_s if own_timeout_s is None else own_timeout_s,
            )

    def get(self, kind: str) -> Handler | None:
        """Return the handler of a type, or None."""
        return self._by_type.get(kind)

    def policy_for(self, kind: str) -> RetryPolicy:
        """Return how a job type is retried; the default policy if it has no handler here."""
        handler = self._by_type.get(kind)
        return handler.policy if handler else self.default_policy

    def types(self) -> list[str]:
        """Return the registered types, sorted."""
        return sorted(self._by_type)


# --8<-- [end:handlers]

_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar("stop", default=None)


def stop_requested() -> bool:
    """Say, in a handler that runs in a thread, whether its attempt has been abandoned: timed out, lost or drained.

    A thread can't be cancelled, and nothing that it does from then on counts. A long handler should ask between its
    steps, and return if the answer is True.
    """
    event = _stop.get()
    return event is not None and event.is_set()


def in_thread(handler: Handler, job: Job, stop: threading.Event) -> Callable[[], object]:
    """Return the call that runs a synchronous handler in a thread, with the caller's context and its stop event."""
    context = contextvars.copy_context()
    context.run(_stop.set, stop)
    return lambda: context.run(handler.work, job)
