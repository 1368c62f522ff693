"""Connections between redis-py and fakeredis; what they send and read passes through a `Network`.

This file alone knows fakeredis and the inside of redis-py. A run makes hundreds of clients and sends ten thousand
commands, so it leaves out what redis-py does for telemetry, for a dead peer and for the wire format: commands stay
lists of arguments all the way to the fake server. What a caller can see of redis-py (pipelines, WATCH, errors, the pool
of connections) is redis-py's own code.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import redis.asyncio
import redis.exceptions
from fakeredis import FakeServer
from fakeredis.aioredis import AsyncFakeSocket, FakeAsyncRedisConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.event import EventDispatcher

from grading.trace import Event

if TYPE_CHECKING:
    from grading.network import Network


class NetworkError(redis.exceptions.ConnectionError):
    """What a client sees when the network broke under it; a `redis.exceptions.ConnectionError` like any other."""


@dataclass
class Link:
    """What a connection needs to know of the network it belongs to."""

    network: Network
    client: str
    under_control: bool


class Batch(list[tuple[bytes, ...]]):
    """Commands that are sent together, each as its encoded arguments: what redis-py's packing is replaced by."""


def packed(arguments: tuple[bytes, ...]) -> bytes:
    """Return a command as it goes over the wire."""
    return b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%b\r\n" % (len(one), one) for one in arguments)


class _Socket(AsyncFakeSocket):
    """A fake server's side of a connection that remembers what it answered."""

    exchange: Event | None = None

    def take(self, arguments: tuple[bytes, ...]) -> None:
        """Run a command; parsed already, unless a blocking one before it has not ended."""
        if self._paused or self._killed:
            self.sendall(packed(arguments))
        else:
            self._process_command(list(arguments))

    def put_response(self, msg: Any) -> None:
        if self.exchange is not None:
            self.exchange.reply, self.exchange.replied = msg, True
        super().put_response(msg)


class Connection(FakeAsyncRedisConnection):
    """A connection whose sends and reads pass through the network."""

    _sessions = 0
    _now: Any

    def __init__(self, *args: Any, link: Link, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.driver_info = None  # nothing reads which library this is, and telling costs two exchanges a connection
        self.link = link
        self._quiet = 0
        self._waiting = False

    async def connect(self) -> None:
        """Connect, unless connected."""
        if self._sock is None:
            await super().connect()

    async def _connect(self) -> None:
        await super()._connect()
        self._sock.__class__ = _Socket
        self._waiting = False
        self._now = asyncio.get_running_loop().time
        Connection._sessions += 1
        self.session = Connection._sessions

    async def on_connect_check_health(self, *args: Any, **kwargs: Any) -> None:
        """Greet the server, which is no part of the schedule; the fake one was told the protocol when it was made."""
        if self.protocol in {2, "2"} or hasattr(self._parser, "set_pubsub_push_handler"):
            self._parser.on_connect(self)
            if hasattr(self, "_reset_himport_state"):
                self._reset_himport_state()
            return
        self._quiet += 1
        try:
            await super().on_connect_check_health(*args, **kwargs)
        finally:
            self._quiet -= 1

    async def disconnect(self, *_args: Any, **_options: Any) -> None:
        """Drop the connection; the server's side of it ends with it."""
        self._sock = self._reader = self._writer = None
        self._parser.on_disconnect()
        self.reset_should_reconnect()

    @property
    def is_ready(self) -> bool:
        """Whether it is connected and nothing waits to be read."""
        return self._sock is not None and self._sock.responses.empty()

    def pack_command(self, *args: Any) -> Batch:
        """Encode a command, its name split at spaces, as redis-py does."""
        name = args[0].encode() if isinstance(args[0], str) else args[0]
        encode = self.encoder.encode
        return Batch([(*name.split(), *[one if type(one) is bytes else bytes(encode(one)) for one in args[1:]])])

    def pack_commands(self, commands: Iterable[Iterable[Any]]) -> Batch:
        """Encode commands that are sent together."""
        return Batch([arguments for command in commands for arguments in self.pack_command(*command)])

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:  # noqa: ARG002 - redis-py calls it so
        """Hand commands to the server one by one, each after the network let it pass."""
        if self._sock is None:
            await self.connect()
        if self._quiet:
            for arguments in command:
                self._sock.take(arguments)
            return
        network, client = self.link.network, self.link.client
        try:
            if self.link.under_control:
                queueing = command[0] == (b"MULTI",)
                for place, arguments in enumerate(command):
                    network.refuse_scripts(arguments)
                    # Inside MULTI the server only queues, so a delay there could change nothing.
                    fate = await network.before_send(client, arguments, delayed=not (queueing and place))
                    if fate == "delivered_late":
                        run_later = functools.partial(self._server_takes, late=(self._sock, self.session))
                        network.hold_back(client, command[place:], run_later)
                    self._server_takes(arguments)
                    network.deliver_what_is_late(client)
                    if fate == "reply_lost":
                        network.lose_reply(client, arguments)
            else:
                for arguments in command:
                    network.refuse_scripts(arguments)
                    self._server_takes(arguments)
        except BaseException:
            await self.disconnect(nowait=True)
            raise
        self._waiting = self.link.under_control

    def _server_takes(self, arguments: tuple[bytes, ...], late: tuple[Any, int] | None = None) -> None:
        sock, session = late or (self._sock, self.session)
        exchange = Event(self.link.client, arguments, session=session, at_s=self._now())
        self.link.network.keep(exchange, shown=self.link.under_control, late=late is not None)
        if sock is None:
            raise NetworkError("the connection was closed while a command was being sent")
        sock.exchange = exchange
        sock.take(arguments)

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Return the next reply, the first after a send only when the network let it pass."""
        if self._waiting and not self._quiet:
            self._waiting = False
            try:
                await self.link.network.before_reply(self.link.client)
            except BaseException:
                await self.disconnect(nowait=True)
                raise
        if args:
            kwargs["disable_decoding"] = args[0]
        if not kwargs and self._sock is not None and not self._sock.responses.empty():
            reply = self._sock.responses.get_nowait()
            if isinstance(reply, Exception):
                raise reply
            return self._decode(reply)
        return await super().read_response(**kwargs)


class Pool(redis.asyncio.ConnectionPool):
    """redis-py's pool without its telemetry and its locks, which cost more than the commands."""

    async def get_connection(self, *_command: Any, **_options: Any) -> Connection:
        """Return a connection that is ready."""
        connection = self.get_available_connection()
        if not connection.is_ready:
            try:
                await self.ensure_connection(connection)
            except BaseException:
                await self.release(connection)
                raise
        return connection

    async def release(self, connection: Connection) -> None:
        """Take a connection back."""
        self._in_use_connections.remove(connection)
        if connection.should_reconnect():
            await connection.disconnect()
        self._available_connections.append(connection)

    async def drop(self) -> None:
        """Disconnect every connection, those in use included."""
        for connection in (*self._available_connections, *self._in_use_connections):
            await connection.disconnect()


class RawClient(redis.asyncio.Redis):
    """A client for arranging and asserting: the same commands and the same answers, without retries and telemetry."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command and return its parsed reply."""
        connection = await self.connection_pool.get_connection()
        try:
            await connection.send_command(*args)
            return await self.parse_response(connection, args[0], **options)
        finally:
            await self.connection_pool.release(connection)


class _SharedRetry(Retry):
    """What a client does by itself when the connection breaks; shared by all connections instead of copied for each."""

    def __deepcopy__(self, _memo: object) -> _SharedRetry:
        return self


_nobody_listens = EventDispatcher()
_patterns: dict[type[redis.asyncio.Redis], redis.asyncio.Redis] = {}


def client_on(server: FakeServer, link: Link, retries: int = 0) -> redis.asyncio.Redis:
    """Make a client with a pool of its own on a server, which repeats a command up to `retries` times by itself."""
    pool = Pool(
        connection_class=Connection,
        link=link,
        server=server,
        client_class=redis.asyncio.Redis,
        host="fake",
        port=6379,
        # By default redis-py repeats a command whose reply was lost. Where a test is about the fault, that hides it.
        retry=_SharedRetry(NoBackoff(), retries),
        event_dispatcher=_nobody_listens,
    )
    kind = redis.asyncio.Redis if link.under_control else RawClient
    pattern = _patterns.get(kind)
    if pattern is None:
        pattern = _patterns[kind] = kind(connection_pool=pool)
    # A new client fills a dictionary with 300 parsers of replies, a fifth of a millisecond; this one is a copy.
    client = kind.__new__(kind)
    vars(client).update(vars(pattern))
    client.connection_pool = pool
    client.response_callbacks = type(pattern.response_callbacks)({})
    dict.update(client.response_callbacks, pattern.response_callbacks)
    for name, value in vars(pattern).items():
        if isinstance(value, asyncio.Lock):
            setattr(client, name, asyncio.Lock())
    return client
