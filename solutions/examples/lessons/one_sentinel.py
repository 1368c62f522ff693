import asyncio


async def main() -> None:
    queue: asyncio.Queue[None] = asyncio.Queue()
    waiting = [asyncio.create_task(queue.get()) for _ in range(5)]
    await asyncio.sleep(0)
    queue.put_nowait(None)  # the sentinel: "nothing more will come"
    ended, still_waiting = await asyncio.wait(waiting, timeout=0.01)
    print(len(ended), "ended,", len(still_waiting), "still wait")


asyncio.run(main())
