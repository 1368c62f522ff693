"""The mark is set first, so that nobody else does the work, and then the work is done.

Incident: The worker dies between the two. Each later delivery finds the mark and skips the work: the job counts as
  done, and nothing was ever done.
Fails: 4
Says: the points were never added
"""


async def handle_once(
    redis: Redis,
    worker: str,
    entry: bytes,
    effect: Callable[[Pipeline, dict[str, Any]], None],
) -> bool:
    job = decode(entry)
    held, mark = processing(worker), done_mark(job["id"])
    if await redis.lpos(held, entry) is None:
        return False
    first = await redis.set(mark, "1", nx=True)
    async with redis.pipeline() as pipe:
        if first:
            effect(pipe, job)
        pipe.lrem(held, 1, entry)
        await pipe.execute()
    return bool(first)
