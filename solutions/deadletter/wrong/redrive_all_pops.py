"""redrive_all pops the records one by one and pushes each as a new job.

Incident: The terminal is closed while it runs. The record that had just been popped is in neither list, and no second
  run brings it back.
Fails: 6
Says: the job is lost
"""


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    moved = 0
    for _ in range(await redis.llen(DEAD)):
        record = await redis.lpop(DEAD)
        if record is None:
            break
        if json.loads(record)["id"] is None:
            await redis.rpush(DEAD, record)
            continue
        await redis.lpush(READY, _encode(_after_redrive(json.loads(record), now_s=now_s)))
        moved += 1
    return moved
