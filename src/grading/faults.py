"""What can go wrong on a seeded network (`network.py`), and how a call that met it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

import redis.exceptions

Effect = Literal["never_arrived", "reply_lost", "delivered_late", "cancelled"]

SCRIPTS = {
    b"EVAL", b"EVALSHA", b"EVAL_RO", b"EVALSHA_RO", b"FCALL", b"FCALL_RO", b"SCRIPT", b"FUNCTION",
}  # fmt: skip


class ScriptRefusedError(redis.exceptions.ResponseError):
    """Say that a server-side script was refused: the exercises are about doing it with WATCH, MULTI and EXEC."""


@dataclass
class Fault:
    """A fault that is set, and whether it has happened."""

    point: int
    client: str | None
    effect: Effect | None
    task: asyncio.Task[Any] | None = None
    deed: Callable[[], Awaitable[Any]] | None = None
    after: int = 1
    seen: int = 0
    fired: bool = False


@dataclass
class Late:
    """Commands on their way, which arrive once the server has run so many more of that client's."""

    client: str
    commands: list[tuple[bytes, ...]]
    run: Callable[[tuple[bytes, ...]], None]
    after: int


@dataclass
class Outcome:
    """How a call under a fault ended: `value` when it returned, `error` when the fault ended it."""

    value: Any = None
    error: BaseException | None = None

    @property
    def broken(self) -> bool:
        """Whether the fault ended the call, so that its caller does not know what took effect."""
        return self.error is not None


def is_the_faults(error: BaseException) -> bool:
    """Whether an error is one that a fault causes, or a group of such errors."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_the_faults(inner) for inner in error.exceptions)
    kinds = (redis.exceptions.ConnectionError, redis.exceptions.WatchError, asyncio.CancelledError)
    return isinstance(error, kinds)


WATCH_ERROR_MEANS = (
    "WatchError means that a watched key changed, or that the connection broke while watching: start again"
)
