"""A fake Redis behind a network that is slow and breaks on purpose, the same way every time for the same seed.

Latency, faults and cancellation sit in the connection (`connection.py`: where a command is sent and a reply is read),
so a pipeline's WATCH, GET, MULTI and EXEC meet them like any other command.

A **point** is one command about to be sent, or one wait for replies. A pipeline of three commands has four points:
before each command (what came earlier in the batch has arrived, the rest has not), and the wait for the replies. Faults
name their point by its number, counted from 1 from the moment the fault was set.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Literal

import redis.exceptions
from fakeredis import FakeServer
from redis.asyncio import Redis

from grading.connection import Exchange, Link, NetworkError, client_on

DEFAULT_LATENCY_S = 0.002
MAX_POINTS = 400

kept: list[Network] | None = None
"""Every network that was made, where the run is recorded; else None, so that none is kept alive."""

Effect = Literal["never_arrived", "reply_lost", "cancelled"]

_SCRIPTS = {
    b"EVAL", b"EVALSHA", b"EVAL_RO", b"EVALSHA_RO", b"FCALL", b"FCALL_RO", b"SCRIPT", b"FUNCTION",
}  # fmt: skip


class ScriptRefusedError(redis.exceptions.ResponseError):
    """Say that a server-side script was refused: the exercises are about doing it with WATCH, MULTI and EXEC."""


@dataclass
class _Fault:
    point: int
    client: str | None
    effect: Effect | None
    task: asyncio.Task[Any] | None = None
    deed: Callable[[], Awaitable[Any]] | None = None
    seen: int = 0
    fired: bool = False


@dataclass
class Outcome:
    """How a call under a fault ended: `value` when it returned, `error` when the fault ended it."""

    value: Any = None
    error: BaseException | None = None

    @property
    def broken(self) -> bool:
        """Whether the fault ended the call, so that its caller does not know what took effect."""
        return self.error is not None


@dataclass(repr=False, eq=False)
class Network:
    """A Redis server of its own, the clients connected to it, and what goes wrong between them.

    Attributes:
        seed: chooses every latency; the same seed gives the same schedule.
        calls: points passed so far by all clients under control (see the module's text).
        recording: every command in the order the server ran it, with its reply (handshakes left out).
        fired: how many of the faults that were set have happened.
        point: in a trial of `every_point`, which point was to break.
    """

    seed: int = 1
    max_s: float = DEFAULT_LATENCY_S
    calls: int = 0
    recording: list[Exchange] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    point: int = 0
    redis: Redis = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._server = FakeServer(version=(7, 4))
        self._faults: list[_Fault] = []
        self._clients: list[Redis] = []
        self._fresh: list[Network] = []
        self._raw: Redis | None = None
        if kept is not None:
            kept.append(self)
        self.redis = self._client("redis", under_control=True)

    # Clients

    def _client(self, name: str, *, under_control: bool) -> Redis:
        client = client_on(self._server, Link(self, name, under_control))
        self._clients.append(client)
        return client

    async def open(self) -> None:
        """Connect every client made so far; a cold connection would shift the schedule."""
        for client in self._clients:
            await self._warm(client)

    @staticmethod
    async def _warm(client: Redis) -> None:
        pool: Any = client.connection_pool
        await pool.release(await pool.get_connection())

    async def close(self) -> None:
        """Disconnect every client, those of fresh networks included."""
        for network in self._fresh:
            await network.close()
        for client in self._clients:
            pool: Any = client.connection_pool
            await pool.drop()

    async def client(self, name: str) -> Redis:
        """Return a further connected client of the same server: another process, with a name for faults to mean it."""
        client = self._client(name, under_control=True)
        await self._warm(client)
        return client

    def raw(self) -> Redis:
        """Return a client without latency, faults and points: for arranging and for asserting what is stored."""
        if self._raw is None:
            self._raw = self._client("raw", under_control=False)
        return self._raw

    async def fresh(self, seed: int | None = None) -> Network:
        """Return a new network with an empty server, the same latency and, unless given, the same seed."""
        network = Network(self.seed if seed is None else seed, self.max_s)
        self._fresh.append(network)
        await network.open()
        return network

    # What goes wrong

    def latency(self, max_s: float) -> None:
        """Draw the delay before every send and every wait uniformly from 0 to `max_s` virtual seconds; 0 is none."""
        self.max_s = max_s

    def fail_at(self, k: int, *, client: str | None = None, effect: Effect = "never_arrived") -> None:
        """Break the connection at the k-th point from now (of that client; of any, without a name).

        `never_arrived`: the command at that point, and what follows it in its batch, does not reach the server.
        `reply_lost`: it takes effect and the reply is lost. At a wait for replies there is only the latter.
        The caller sees `redis.exceptions.ConnectionError`, or the `WatchError` that redis-py makes of it in a pipeline
        that watches: one more reason why WatchError does not mean "nothing happened".
        """
        self._set(_Fault(k, client, effect))

    def cancel_at(self, k: int, *, task: asyncio.Task[Any] | None = None, client: str | None = None) -> None:
        """Cancel `task` (without one, the task that is there) at the k-th point from now; a send is not made then."""
        self._set(_Fault(k, client, "cancelled", task))

    def at_point(self, k: int, deed: Callable[[], Awaitable[Any]], *, client: str | None = None) -> None:
        """Await `deed()` at the k-th point from now, before it goes on: what another process does just then.

        Let the deed use `raw()` or another client than the one that is interrupted.
        """
        self._set(_Fault(k, client, None, deed=deed))

    def _set(self, fault: _Fault) -> None:
        if fault.point < 1:
            raise ValueError(f"points are counted from 1, got {fault.point}")
        self._faults.append(fault)

    def heal(self) -> None:
        """Forget the faults that have not happened."""
        self._faults = [fault for fault in self._faults if fault.fired]

    @property
    def protocol(self) -> int:
        """The version of the Redis protocol that the clients speak."""
        pool: Any = self.redis.connection_pool
        return int(pool.make_connection().protocol)

    @property
    def fired(self) -> int:
        """How many of the faults that were set have happened."""
        return sum(fault.fired for fault in self._faults)

    async def attempt(self, call: Coroutine[Any, Any, Any]) -> Outcome:
        """Run a call as a task of its own and return how it ended, be it by the fault.

        A ConnectionError, a WatchError and a cancellation count as the fault's doing once a fault has happened; any
        other error, and any of these without a fault, is raised.
        """
        before = self.fired
        task = asyncio.ensure_future(call)
        await asyncio.wait([task])
        fault_happened = self.fired > before
        if task.cancelled():
            if not fault_happened:
                raise asyncio.CancelledError
            return Outcome(error=asyncio.CancelledError())
        error = task.exception()
        if error is None:
            return Outcome(value=task.result())
        if fault_happened and _is_the_faults(error):
            return Outcome(error=error)
        raise error

    async def every_point(
        self,
        effect: Effect | None = None,
        *,
        deed: Callable[[Network], Awaitable[Any]] | None = None,
        client: str | None = None,
    ) -> AsyncIterator[Network]:
        """Yield fresh networks, the k-th of which breaks at point k, until one comes back unbroken.

        The loop's body arranges (through `trial.raw()`), makes the call (through `trial.attempt(…)`) and asserts:

            async for trial in network.every_point("reply_lost"):
                outcome = await trial.attempt(take(trial.redis))

        `trial.point` is k; the last trial, in which nothing broke, has `trial.fired == 0`. With `deed` instead of an
        effect nothing breaks and nothing delays: `deed(trial)` alone happens, at point k (see `at_point`).
        """
        for k in range(1, MAX_POINTS + 1):
            trial = await self.fresh()
            trial.point = k
            _fresh_limits()
            if deed is not None:
                trial.latency(max_s=0)
                trial.at_point(k, functools.partial(deed, trial), client=client)
            elif effect == "cancelled":
                trial.cancel_at(k, client=client)
            elif effect is not None:
                trial.fail_at(k, client=client, effect=effect)
            yield trial
            broke = trial.fired
            await trial.close()
            if not broke:
                return
        raise AssertionError(f"the call made more than {MAX_POINTS} sends and waits; does it poll?")

    # Called by the connection

    def refuse_scripts(self, command: tuple[bytes, ...]) -> None:
        """Raise for a command that runs a script in the server."""
        if command and command[0].split(b" ")[0].upper() in _SCRIPTS:
            name = command[0].decode(errors="replace").upper()
            sentence = (
                f"{name} is refused in the exercises: do it without a server-side script, "
                "with a single command or with WATCH, MULTI and EXEC"
            )
            self.refused.append(sentence)
            raise ScriptRefusedError(sentence)

    async def before_send(self, client: str, command: tuple[bytes, ...], *, delayed: bool = True) -> bool:
        """Wait out the latency before a command; True when its reply is to be lost."""
        if delayed and self.max_s > 0:
            await asyncio.sleep(self._random.uniform(0, self.max_s))
        self.calls += 1
        if not self._faults:
            return False
        effect = await self._pass_point(client)
        if effect == "never_arrived":
            raise NetworkError(f"the connection broke before {_name(command)} arrived")
        return effect == "reply_lost"

    def lose_reply(self, command: tuple[bytes, ...]) -> None:
        """Break the connection after a command took effect."""
        raise NetworkError(f"the connection broke before the reply to {_name(command)} came back")

    async def before_reply(self, client: str) -> None:
        """Wait out the latency before a reply, which may not come."""
        if self.max_s > 0:
            await asyncio.sleep(self._random.uniform(0, self.max_s))
        self.calls += 1
        if self._faults and await self._pass_point(client) is not None:
            raise NetworkError("the connection broke before the reply came back")

    async def _pass_point(self, client: str) -> Effect | None:
        for fault in self._faults:
            if fault.fired or (fault.client is not None and fault.client != client):
                continue
            fault.seen += 1
            if fault.seen < fault.point:
                continue
            fault.fired = True
            if fault.deed is not None:
                await fault.deed()
            elif fault.effect == "cancelled":
                victim = fault.task or asyncio.current_task()
                if victim is not None:
                    victim.cancel()
                    await asyncio.sleep(0)
            else:
                return fault.effect
        return None


def _fresh_limits() -> None:
    """Let every trial have the limits of a whole test."""
    limits = getattr(asyncio.get_running_loop(), "fresh_limits", None)
    if limits is not None:
        limits()


def _is_the_faults(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_the_faults(inner) for inner in error.exceptions)
    kinds = (redis.exceptions.ConnectionError, redis.exceptions.WatchError, asyncio.CancelledError)
    return isinstance(error, kinds)


def _name(command: tuple[bytes, ...]) -> str:
    return command[0].decode(errors="replace") if command else "the command"
