"""An empty queue makes take poll until something comes.

Incident: A worker that is told to stop sits in take for ever; the deployment waits for its grace period, then kills
  it, every time.
Fails: 1
Says: polls
"""

import asyncio


async def take(redis: Redis, worker: str) -> bytes | None:
    while True:
        entry: bytes | None = await redis.lmove(READY, processing(worker), "RIGHT", "LEFT")
        if entry is not None:
            return entry
        await asyncio.sleep(0.1)
