"""EXEC is run with raise_on_error=False, and its replies are not looked at.

Incident: An account's key holds a list by mistake. Every credit to it is refused, and every job counts as done.
Fails: 4
Says: the ResponseError (WRONGTYPE)
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
                    pipe.set(mark, "1")
                pipe.lrem(held, 1, entry)
                await pipe.execute(raise_on_error=False)
            except WatchError:
                continue
            return not done
