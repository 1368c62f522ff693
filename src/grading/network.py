"""A fake Redis behind a network that is slow and breaks on purpose, the same way every time for the same seed.

Latency, faults and cancellation sit in the connection (`connection.py`: where a command is sent and a reply is read),
so a pipeline's WATCH, GET, MULTI and EXEC meet them like any other command.

A **point** is one command about to be sent, or one wait for replies. A pipeline of three commands has four points:
before each command (what came earlier in the batch has arrived, the rest has not), and the wait for the replies. Faults
name their point by its number, counted from 1 from the moment the fault was set.

Everything that a client under control sends is kept with the learner's line behind it (`trace.py`), and so is every
fault: a failing test's message shows the end of that record without the test having to ask for it.
"""

from __future__ import annotations

import asyncio
import functools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, NoReturn

from fakeredis import FakeServer
from redis.asyncio import Redis

from grading.connection import Link, NetworkError, client_on
from grading.faults import SCRIPTS, Effect, Fault, Late, Outcome, ScriptRefusedError, is_the_faults
from grading.trace import Callers, Event, shortened, shown_command

DEFAULT_LATENCY_S = 0.002
MAX_POINTS = 400

kept: list[Network] | None = None
"""Every network that was made, where the run is recorded; else None, so that none is kept alive."""

latest: Network | None = None
"""The network that was used last: a failure's trace is read from it."""


@dataclass(repr=False, eq=False)
class Network:
    """A Redis server of its own, the clients connected to it, and what goes wrong between them.

    Attributes:
        seed: chooses every latency; the same seed gives the same schedule.
        retries: how often the clients under control repeat a command by themselves when the connection breaks. With
            redis-py's defaults that is 10 for `Redis(host=…)` and 0 for `from_url`.
        calls: points passed so far by all clients under control (see the module's text).
        recording: every command in the order the server ran it, with its reply (handshakes left out).
        events: those of the clients under control, with the faults and the calls that `call` was told of: the trace.
        fired: how many of the faults that were set have happened.
        broke: what the last fault was, in words: "the reply to EXEC was lost; Redis has run it".
        point: in a trial of `every_point`, which point was to break.
    """

    seed: int = 1
    max_s: float = DEFAULT_LATENCY_S
    retries: int = field(default=0, kw_only=True)
    calls: int = 0
    recording: list[Event] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    point: int = 0
    broke: str = "nothing broke"
    redis: Redis = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._server = FakeServer(version=(7, 4))
        self._faults: list[Fault] = []
        self._clients: list[Redis] = []
        self._fresh: list[Network] = []
        self._raw: Redis | None = None
        self._callers = Callers()
        self._late: list[Late] = []
        self._in_deed = False
        self._late_after = 1
        if kept is not None:
            kept.append(self)
        self.redis = self._client("redis", under_control=True)

    # Clients

    def _client(self, name: str, *, under_control: bool) -> Redis:
        client = client_on(self._server, Link(self, name, under_control), self.retries if under_control else 0)
        self._clients.append(client)
        return client

    async def open(self) -> None:
        """Connect every client made so far; a cold connection would shift the schedule."""
        global latest  # noqa: PLW0603 - a failure is described where no network is at hand
        latest = self
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
        self._callers.forget()

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

    async def fresh(self, seed: int | None = None, *, retries: int | None = None) -> Network:
        """Return a new network with an empty server, the same latency and, unless given, the same seed and retries."""
        retries = self.retries if retries is None else retries
        network = Network(self.seed if seed is None else seed, self.max_s, retries=retries)
        self._fresh.append(network)
        await network.open()
        return network

    # What goes wrong

    def latency(self, max_s: float) -> None:
        """Draw the delay before every send and every wait uniformly from 0 to `max_s` virtual seconds; 0 is none."""
        self.max_s = max_s

    def fail_at(self, k: int, *, client: str | None = None, effect: Effect = "never_arrived", after: int = 1) -> None:
        """Break the connection at the k-th point from now (of that client; of any, without a name).

        `never_arrived`: the command at that point, and what follows it in its batch, does not reach the server.
        `reply_lost`: it takes effect and the reply is lost. At a wait for replies there is only the latter.
        `delivered_late`: it is believed lost, and arrives (with what follows it in its batch) on the old connection
        after that client's next `after` commands.
        The caller sees `redis.exceptions.ConnectionError`; from a pipeline that watches, redis-py raises `WatchError`
        instead. So WatchError does not mean "nothing happened".
        """
        self._set(Fault(k, client, effect, after=after))

    def cancel_at(self, k: int, *, task: asyncio.Task[Any] | None = None, client: str | None = None) -> None:
        """Cancel `task` (without one, the task that is there) at the k-th point from now; a send is not made then."""
        self._set(Fault(k, client, "cancelled", task))

    def at_point(self, k: int, deed: Callable[[], Awaitable[Any]], *, client: str | None = None) -> None:
        """Await `deed()` at the k-th point from now, before it goes on: what another process does just then.

        Let the deed use `raw()` or another client than the one that is interrupted.
        """
        self._set(Fault(k, client, None, deed=deed))

    def _set(self, fault: Fault) -> None:
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
        began, name = len(self.events), Callers.name_of(call)
        task = asyncio.ensure_future(call)
        await asyncio.wait([task])
        self._ended(began, "", name, task)
        fault_happened = self.fired > before
        if task.cancelled():
            if not fault_happened:
                raise asyncio.CancelledError
            return Outcome(error=asyncio.CancelledError())
        error = task.exception()
        if error is None:
            return Outcome(value=task.result())
        if fault_happened and is_the_faults(error):
            return Outcome(error=error)
        raise error

    async def every_point(
        self,
        effect: Effect | None = None,
        *,
        deed: Callable[[Network], Awaitable[Any]] | None = None,
        client: str | None = None,
        after: int = 1,
        retries: int | None = None,
    ) -> AsyncIterator[Network]:
        """Yield fresh networks, the k-th of which breaks at point k, until one comes back unbroken.

        The loop's body arranges (through `trial.raw()`), makes the call (through `trial.attempt(…)`) and asserts:

            async for trial in network.every_point("reply_lost"):
                outcome = await trial.attempt(take(trial.redis))

        `trial.point` is k; the last trial, in which nothing broke, has `trial.fired == 0`. With `deed` instead of an
        effect nothing breaks and nothing delays: `deed(trial)` alone happens, at point k (see `at_point`). With
        `retries` the client repeats what broke by itself, as redis-py does by default.
        """
        for k in range(1, MAX_POINTS + 1):
            trial = await self.fresh(retries=retries)
            trial.point = k
            _fresh_limits()
            if deed is not None:
                trial.latency(max_s=0)
                trial.at_point(k, functools.partial(deed, trial), client=client)
            elif effect == "cancelled":
                trial.cancel_at(k, client=client)
            elif effect is not None:
                trial.fail_at(k, client=client, effect=effect, after=after)
            yield trial
            broke = trial.fired
            await trial.close()
            if not broke:
                return
        raise AssertionError(f"the call made more than {MAX_POINTS} sends and waits; does it poll?")

    # Called by the connection

    def refuse_scripts(self, command: tuple[bytes, ...]) -> None:
        """Raise for a command that runs a script in the server."""
        if command and command[0].split(b" ")[0].upper() in SCRIPTS:
            name = command[0].decode(errors="replace").upper()
            sentence = (
                f"{name} is refused in the exercises: do it without a server-side script, "
                "with a single command or with WATCH, MULTI and EXEC"
            )
            self.refused.append(sentence)
            raise ScriptRefusedError(sentence)

    def keep(self, event: Event, *, shown: bool, late: bool = False) -> None:
        """Keep a command that the server is about to run; in the trace too, when a client under control sent it."""
        global latest  # noqa: PLW0603 - a failure is described where no network is at hand
        self.recording.append(event)
        if self._in_deed and not shown:
            event.client, event.call = "another", "meanwhile"
        elif not shown:
            return
        elif late:
            event.note = "arrives only now"
        else:
            self._callers.place(event)
        self.events.append(event)
        latest = self

    def _note(self, client: str, text: str, note: str) -> None:
        event = Event(client)
        event.text, event.note = text, note
        self._callers.place(event)
        self.events.append(event)

    async def call(self, who: str, call: Coroutine[Any, Any, Any]) -> Any:
        """Await a call of the learner's and keep for the trace what it returned, or that it sent nothing to Redis."""
        began, name = len(self.events), Callers.name_of(call)
        task = asyncio.ensure_future(call)
        try:
            return await task
        finally:
            self._ended(began, who, name, task)

    def _ended(self, began: int, who: str, name: str, task: asyncio.Task[Any]) -> None:
        global latest  # noqa: PLW0603 - as above
        latest = self
        own = [event for event in self.events[began:] if event.key and who in ("", event.client)]
        event = Event(own[-1].client if own else who or "redis")
        ended = task.done() and not task.cancelled()
        returned = ended and task.exception() is None
        if own and returned and task.result() is None and not any(one.note for one in self.events[began:]):
            return
        event.text = f"raised {type(task.exception()).__name__}" if ended else "cancelled"
        if returned:
            event.text = f"returned {shortened(task.result())}"
        if own:
            event.call, event.key = own[-1].call, own[-1].key
        else:
            event.call, event.text = name, f"(sent nothing to Redis)   {event.text}"
        self.events.append(event)

    async def before_send(self, client: str, command: tuple[bytes, ...], *, delayed: bool = True) -> Effect | None:
        """Wait out the latency before a command; return what is to become of it, None for nothing unusual."""
        if delayed and self.max_s > 0:
            await asyncio.sleep(self._random.uniform(0, self.max_s))
        self.calls += 1
        if not self._faults:
            return None
        fault = await self._pass_point(client, shown_command(command))
        if fault is None:
            return None
        if fault.effect == "never_arrived":
            self._note(client, shown_command(command), "connection broke: never arrived")
            self.broke = f"the connection broke before {_name(command)} arrived"
            raise NetworkError(self.broke)
        self._late_after = fault.after
        return fault.effect

    def hold_back(
        self, client: str, commands: list[tuple[bytes, ...]], run: Callable[[tuple[bytes, ...]], None]
    ) -> NoReturn:
        """Keep commands that arrive later, and break the connection."""
        self._late.append(Late(client, list(commands), run, self._late_after))
        names = ", ".join(map(_name, commands))
        self._note(client, names, "connection broke: arrives later")
        self.broke = f"the connection broke, and {names} arrived later"
        raise NetworkError(f"the connection broke before {_name(commands[0])} arrived")

    def deliver_what_is_late(self, client: str) -> None:
        """Let the server run what was held back, if it has run enough of that client's commands since."""
        for late in [late for late in self._late if late.client == client]:
            late.after -= 1
            if late.after == 0:
                self._late.remove(late)
                for command in late.commands:
                    late.run(command)

    def lose_reply(self, client: str, command: tuple[bytes, ...]) -> None:
        """Break the connection after a command took effect."""
        self._lose(client, command)
        raise NetworkError(f"the connection broke before the reply to {_name(command)} came back")

    def _lose(self, client: str, command: tuple[bytes, ...]) -> None:
        self.broke = f"the reply to {_name(command)} was lost; Redis has run it"
        self._note(client, "", f"reply to {_name(command)} lost; Redis has run it")

    async def before_reply(self, client: str) -> None:
        """Wait out the latency before a reply, which may not come."""
        if self.max_s > 0:
            await asyncio.sleep(self._random.uniform(0, self.max_s))
        self.calls += 1
        if self._faults and await self._pass_point(client, "") is not None:
            sent = next((event for event in reversed(self.events) if event.client == client and event.command), None)
            self._lose(client, sent.command if sent is not None else ())
            raise NetworkError("the connection broke before the reply came back")

    async def _pass_point(self, client: str, command: str) -> Fault | None:
        for fault in self._faults:
            if fault.fired or (fault.client is not None and fault.client != client):
                continue
            fault.seen += 1
            if fault.seen < fault.point:
                continue
            fault.fired = True
            if fault.deed is not None:
                self._in_deed = True
                try:
                    await fault.deed()
                finally:
                    self._in_deed = False
            elif fault.effect == "cancelled":
                victim = fault.task or asyncio.current_task()
                if victim is not None:
                    self._note(client, command, "cancelled here" + (", not sent" if command else ""))
                    name = command.partition(" ")[0]
                    place = f"before {name} was sent" if command else "while it waited for a reply"
                    self.broke = f"the task was cancelled {place}"
                    victim.cancel()
                    await asyncio.sleep(0)
            else:
                return fault
        return None


def happened(who: str, text: str) -> None:
    """Put into the trace what the test itself saw: a handler that starts, a wait that ends."""
    if latest is not None:
        event = Event(who)
        event.text = text
        latest.events.append(event)


def _fresh_limits() -> None:  # every trial has the limits of a whole test
    limits = getattr(asyncio.get_running_loop(), "fresh_limits", None)
    if limits is not None:
        limits()


def _name(command: tuple[bytes, ...]) -> str:
    return command[0].decode(errors="replace") if command else "the command"
