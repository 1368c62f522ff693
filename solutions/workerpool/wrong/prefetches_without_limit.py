"""The feeder empties READY into memory first and hands the jobs out afterwards.

Incident: One pool has the whole backlog, nine are idle; its crash strands all of it in processing.
Fails: 1, 3
Says: 8 jobs taken
"""


async def feed(redis: Redis, channel: Channel[bytes], stop: asyncio.Event) -> None:
    try:
        backlog = []
        while not stop.is_set() and (job := await take(redis)) is not None:
            backlog.append(job)
        for job in backlog:
            await channel.put(job)
    finally:
        channel.close()
