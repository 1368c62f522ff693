"""The mark is read before it is watched.

Incident: A worker's connection breaks in EXEC, and the worker tries again. It reads "no mark", then the first EXEC arrives
  after all, and then it watches the mark that is there now. Nothing changes any more, and the points are added twice.
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
                done = await redis.exists(mark)
                await pipe.watch(held, mark)
                if await pipe.lpos(held, entry) is None:
                    return False
            except WatchError:
                continue
            pipe.multi()
            if not done:
                effect(pipe, job)
                pipe.set(mark, "1")
            pipe.lrem(held, 1, entry)
            try:
                await pipe.execute()
            except WatchError:
                continue
            return not done
