"""A second delivery writes the mark once more.

Incident: The mark of an older program said which worker had handled the job. The second delivery wrote a 1 over it.
Fails: 4
Says: the mark is as it was
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
                await pipe.execute()
            except WatchError:
                continue
            return not done
