"""The list is renamed first, so that no second caller finds it, and worked through under the new name.

Incident: The reaper itself is killed half-way. No worker's list holds the rest any more, the next reaper looks for
  lists of workers, and a key with a name that nobody knows stays for ever.
Fails: 5
Says: ResponseError: no such key
"""


async def recover(redis: Redis, worker: str, *, now_s: float, delay_s: float, max_attempts: int) -> int:
    await redis.rename(processing(worker), processing(f"{worker}:recovering"))
    lost = f"{worker}:recovering"
    moved = 0
    for entry in await redis.lrange(processing(lost), 0, -1):
        error = WorkerLostError(f"worker {worker} was lost")
        outcome = await fail(redis, lost, entry, error, now_s=now_s, delay_s=delay_s, max_attempts=max_attempts)
        moved += outcome != "gone"
    return moved
