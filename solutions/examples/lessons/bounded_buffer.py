import asyncio
import contextlib


async def lines_read(capacity: int) -> int:
    buffer: asyncio.Queue[int] = asyncio.Queue(capacity)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.1):
            for line in range(100):
                await buffer.put(line)  # waits here while the buffer is full
    return line + 1


for capacity in (3, 0):  # for asyncio, 0 means that there is no limit
    print("capacity", capacity, "lines in memory", asyncio.run(lines_read(capacity)))
