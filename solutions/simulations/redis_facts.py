"""What Redis and redis-py do with a transaction: each function acts on a client, and a test looks at what is left."""

import json
from typing import Any

from redis.exceptions import WatchError


async def credit_unguarded(client: Any, account: str, points: int) -> None:
    """Add points to an account, as a handler does that never asks whether its job was done before."""
    await client.incrby(account, points)


def bury_without_looking(client: Any, held: str, dead: str, entry: str) -> int:
    """Move an entry to the dead in one MULTI/EXEC that looks at nothing first; return how many it removed."""
    with client.pipeline() as pipe:
        pipe.lrem(held, 1, entry)
        pipe.rpush(dead, entry)
        return int(pipe.execute()[0])


def exec_with_a_command_that_fails(client: Any, a_list: str) -> list[Any]:
    """Run SET, INCR of a list, and SET in one MULTI/EXEC; return the three answers."""
    with client.pipeline() as pipe:
        pipe.set("before", 1).incr(a_list).set("after", 1)
        return list(pipe.execute(raise_on_error=False))


async def set_under_watch(client: Any, key: str, value: str, *, before_exec: Any) -> str:
    """Set a key in a transaction that watches it; return the error's name that the caller sees, "" for none.

    `before_exec` is called once the transaction has been queued, just before it is sent.
    """
    async with client.pipeline() as pipe:
        await pipe.watch(key)
        pipe.multi()
        pipe.set(key, value)
        before_exec()
        try:
            await pipe.execute()
        except WatchError as error:
            return type(error).__name__
    return ""


async def let_the_mark_expire(client: Any, mark: str) -> None:
    """End a mark's lifetime now."""
    await client.expire(mark, 0)


def payload_of(entry: bytes) -> Any:
    """Decode an entry as a worker does that has only thought of malformed JSON.

    Raises:
        json.JSONDecodeError: The text is not JSON.
        UnicodeDecodeError: The bytes are not text.
    """
    return json.loads(entry.decode("utf-8"))
