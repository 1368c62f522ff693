"""fail and handle_once look for the entry among the worker's newest hundred, so that one look stays cheap.

Incident: A worker that runs two hundred jobs at a time fails one of the oldest. It is told "gone", so it forgets the job,
  and the job stays in its list until the worker itself is given up.
Fails: 2, 4
Says: a thousand newer entries
"""


async def fail(
    redis: Redis,
    worker: str,
    entry: bytes,
    error: BaseException,
    *,
    now_s: float,
    delay_s: float,
    max_attempts: int,
) -> Literal["scheduled", "dead", "gone"]:
    held = processing(worker)
    async with redis.pipeline() as pipe:
        while True:
            try:
                await pipe.watch(held)
                if await pipe.lpos(held, entry, maxlen=100) is None:
                    return "gone"
                job = _after_failure(worker, entry, error, now_s=now_s)
                dead = job["id"] is None or job["attempts"] >= max_attempts
                pipe.multi()
                pipe.lrem(held, 1, entry)
                if dead:
                    pipe.rpush(DEAD, _encode({**job, "dead_at_s": now_s}))
                else:
                    pipe.zadd(SCHEDULED, {_encode(job): now_s + delay_s})
                await pipe.execute()
            except WatchError:
                continue
            return "dead" if dead else "scheduled"


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
                if await pipe.lpos(held, entry, maxlen=100) is None:
                    return False
                done = await pipe.exists(mark)
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
