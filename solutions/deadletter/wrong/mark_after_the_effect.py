"""The effect commits with the acknowledgement, and the mark is set by a command of its own, afterwards.

Incident: The worker dies between the two. The other copy of the job, delivered to a second worker, finds no mark and
  does the work again.
Fails: 4
Says: the points are added again
"""


async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    job = decode(entry)
    held, mark = processing(worker), done_mark(job["id"])
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held, mark)
                if await pipe.lpos(held, entry) is None:
                    return False
                done = await pipe.exists(mark)
                pipe.multi()
                if not done:
                    effect(pipe, job)
                pipe.lrem(held, 1, entry)
                await pipe.execute()
            except WatchError:
                continue
            if not done:
                await redis.set(mark, "1")
            return not done
