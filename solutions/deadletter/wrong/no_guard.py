"""The effect runs at each delivery.

Incident: At least once was read as once. A worker loses its connection after the commit, the job comes back, and
  customers have their points twice.
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
                await pipe.watch(held, mark)
                if await pipe.lpos(held, entry) is None:
                    return False
                done = 0
                pipe.multi()
                if not done:
                    effect(pipe, job)
                    pipe.set(mark, "1")
                pipe.lrem(held, 1, entry)
                await pipe.execute()
            except WatchError:
                continue
            return not done
