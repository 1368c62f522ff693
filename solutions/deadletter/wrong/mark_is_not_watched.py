"""The mark is read inside the loop, and only the processing list is watched.

Incident: The same job is with two workers, each with a list of its own. Both read "no mark", neither list changes,
  and both commit.
Fails: 4
Says: the customer gets the points twice
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
                await pipe.watch(held)
                if await pipe.lpos(held, entry) is None:
                    return False
                done = await pipe.exists(mark)
                pipe.multi()
                if not done:
                    effect(pipe, job)
                    pipe.set(mark, "1")
                pipe.lrem(held, 1, entry)
                await pipe.execute()
            except WatchError:
                continue
            return not done
