"""What cannot be re-driven is put behind the others, until nothing else is left.

Incident: The connection breaks half-way. The records that nobody could read are in another order than the one in which
  they came, and the log of that hour no longer fits them.
Fails: 6
Says: or its order
"""


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    moved = 0
    while ids := [json.loads(record)["id"] for record in await redis.lrange(DEAD, 0, -1)]:
        if ids[0] is not None:
            moved += await redrive(redis, ids[0], now_s=now_s)
        elif any(job_id is not None for job_id in ids):
            await redis.lmove(DEAD, DEAD, "LEFT", "RIGHT")
        else:
            break
    return moved
