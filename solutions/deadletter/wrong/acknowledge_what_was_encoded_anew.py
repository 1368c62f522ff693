"""The entry is decoded and encoded again before it is looked for.

Incident: All is well until a service written in Go submits jobs: its JSON has no spaces, nothing that it sends is
  ever acknowledged, and each job runs again after every restart.
Fails: 1
Says: holds, from the left: the entry of job-3, the entry of job-2
"""


async def acknowledge(redis: Redis, worker: str, entry: bytes) -> bool:
    removed: int = await redis.lrem(processing(worker), 1, _encode(json.loads(entry)))
    return removed == 1
