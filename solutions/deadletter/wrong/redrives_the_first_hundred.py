"""redrive_all looks at the first hundred records.

Incident: After the repair the operator presses the button once; the hundred and first job stays dead.
Fails: 6
Says: still dead
"""


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    moved = 0
    for record in await redis.lrange(DEAD, 0, 99):
        job_id = json.loads(record)["id"]
        if job_id is not None:
            moved += await redrive(redis, job_id, now_s=now_s)
    return moved
