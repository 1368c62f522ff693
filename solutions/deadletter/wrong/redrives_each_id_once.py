"""redrive_all goes over the ids without repetition.

Incident: A job that was submitted twice is dead twice: after the repair one record stays and is found a month later.
Fails: 6
Says: second record of job-7
"""


async def redrive_all(redis: Redis, *, now_s: float) -> int:
    moved = 0
    records = await redis.lrange(DEAD, 0, -1)
    for job_id in dict.fromkeys(json.loads(record)["id"] for record in records):
        if job_id is not None:
            moved += await redrive(redis, job_id, now_s=now_s)
    return moved
